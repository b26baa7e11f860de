import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { TokenPrice } from '../../src/core/replay/outcome-cost.ts';
import type { OutcomeRow } from '../../src/core/replay/outcome-row.ts';
import { outcomeTable } from '../../src/core/replay/outcome-table.ts';
import { type PairedRow, pairedRows, type ReplayedModels } from '../../src/core/replay/paired-rows.ts';
import { hasData, sharedData } from './shared-data.ts';

/** Tables of outcomes in the data folder. */
export type RoutingTable = 'routellm-mmlu' | 'routellm-gsm8k' | 'zeroeval-gsm' | 'zeroeval-crux' | 'bfcl-2024-08-11';

/** Names that are long to write. */
export const MINI = 'gpt-4o-mini-2024-07-18';
export const FLASH = 'gemini-1.5-flash';
export const HAIKU = 'claude-3-haiku-20240307';
export const SONNET = 'claude-3-5-sonnet-20241022';
export const GPT_4O_MAY = 'gpt-4o-2024-05-13';
export const GPT_4O_AUGUST = 'gpt-4o-2024-08-06';

/** Dollars per million tokens, input and output: the list prices of autumn 2024 that the facts of routing were measured with, and May's gpt-4o at its own. */
const PRICES: Readonly<Record<string, readonly [number, number]>> = {
  [MINI]: [0.15, 0.6],
  [`${MINI}-FC`]: [0.15, 0.6],
  [GPT_4O_AUGUST]: [2.5, 10],
  [`${GPT_4O_AUGUST}-FC`]: [2.5, 10],
  [GPT_4O_MAY]: [5, 15],
  [FLASH]: [0.075, 0.3],
  [HAIKU]: [0.25, 1.25],
  [SONNET]: [3, 15],
  'claude-3-5-sonnet-20240620': [3, 15],
};

/** Whether the tables are on this machine. */
export function hasRoutingData(): boolean {
  return hasData('routing');
}

/** The rows of tables, one after the other; without a domain of their own they have the table's name. */
export function routingRows(...tables: readonly RoutingTable[]): readonly OutcomeRow[] {
  return tables.flatMap((table) => {
    const path = sharedData('routing', `${table}.jsonl.gz`);
    if (path === undefined) throw new Error(`the data folder has no ${table}`);
    const { rows, faults } = outcomeTable(gunzipSync(readFileSync(path)).toString('utf8').split('\n'));
    if (faults.length > 0) throw new Error(`${table}: ${faults.length} lines cannot be read`);
    return rows.map((row) => (row.domain === undefined ? Object.assign({}, row, { domain: table }) : row));
  });
}

/** The rows in which all of these models answered, at their list prices. */
export function routingPairs(
  rows: readonly OutcomeRow[],
  { cheap, strong, checkers = [] }: Pick<ReplayedModels, 'cheap' | 'strong'> & Partial<ReplayedModels>,
  prices: Readonly<Record<string, readonly [number, number]>> = {},
): readonly PairedRow[] {
  const priceOf = (model: string): TokenPrice | undefined => {
    const price = prices[model] ?? PRICES[model];
    return price === undefined ? undefined : { inputUsdPerMillion: price[0], outputUsdPerMillion: price[1] };
  };
  return pairedRows(rows, { cheap, strong, checkers }, priceOf).rows;
}
