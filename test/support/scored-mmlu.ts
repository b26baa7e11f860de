import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ScoredLoss } from '../../src/core/guard/calibrated-threshold.ts';
import { seededChance } from './cache-traces.ts';
import { sharedData } from './shared-data.ts';

/** Where the outcomes lie in the data folder. @internal */
export const MMLU_ROWS = ['routing', 'routellm-mmlu.jsonl.gz'] as const;

/** The prototype's: how many rows its category table learns from, the shuffle's seed, and what a category without rows is taken for. */
const TRAINING_ROWS = 4000;
const SHUFFLE_SEED = 5;
const PRIOR = { rows: 5, gain: 0.12 };

interface OutcomeRow {
  readonly domain: string;
  readonly weak: number;
  readonly strong: number;
  readonly contaminated: number;
}

/**
 * Outcomes of MMLU that calibrate, each with the mean gain of its category among the rows that trained: the same rows and scores as the prototype's.
 * Rising by score. @internal
 */
export function scoredMmlu(): readonly ScoredLoss[] {
  const path = sharedData(...MMLU_ROWS);
  if (path === undefined) throw new Error('the outcomes of MMLU are not there');
  const lines = gunzipSync(readFileSync(path)).toString().trim().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as OutcomeRow).filter(({ contaminated }) => contaminated === 0);
  const chance = seededChance(SHUFFLE_SEED);
  for (let last = rows.length - 1; last > 0; last -= 1) {
    const other = Math.floor(chance() * (last + 1));
    [rows[last], rows[other]] = [rows[other] as OutcomeRow, rows[last] as OutcomeRow];
  }
  const gains = new Map<string, readonly [sum: number, rows: number]>();
  for (const { domain, strong, weak } of rows.slice(0, TRAINING_ROWS)) {
    const [sum, count] = gains.get(domain) ?? [0, 0];
    gains.set(domain, [sum + strong - weak, count + 1]);
  }
  const scored = rows.slice(TRAINING_ROWS).map(({ domain, strong, weak }) => {
    const [sum, count] = gains.get(domain) ?? [0, 0];
    // A little chance, so that scores differ within a category too.
    const score = (sum + PRIOR.rows * PRIOR.gain) / (count + PRIOR.rows) + 1e-6 * chance();
    return { score, loss: strong - weak };
  });
  return scored.toSorted((left, right) => left.score - right.score);
}
