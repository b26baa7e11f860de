import { FarthingError } from '../../core/errors.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import { formatUsd } from '../../core/money.ts';
import { resolveRoute } from '../../core/route/route-table.ts';
import { decodeRequest } from '../../wire/decode-request.ts';
import { callPricesOf, type CallPrices } from '../call-prices.ts';
import type { BatchItem } from './batch-item.ts';
import { preparedItem, type PromptSettings } from './prepared-item.ts';
import { type EstimatedItem, RunEstimator, type WayEstimate } from './run-estimate.ts';

/** What asking in one way costs, in decimal dollars. @public */
export interface EstimatedCost {
  /** With answers of 256 tokens, or the item's own limit where that is less: nothing is known of them yet. */
  readonly expectedUsd: string;
  /** With answers as long as they may be; undefined: nothing bounds some item. */
  readonly mostUsd: string | undefined;
}

/** What a run is likely to cost, before anything is sent. Retries, the response cache and routes are not in it. @public */
export interface BatchEstimate {
  /** Items that can be asked. */
  readonly items: number;
  /** Items that cannot, and will be errors. */
  readonly faulty: number;
  /** Equal to an item before them, and asked once. */
  readonly repeats: number;
  /** Of models without a price; in no sum. */
  readonly unpriced: number;
  readonly inputTokens: number;
  readonly live: EstimatedCost;
  /** By the provider's Batch API; undefined: some model has no such price. */
  readonly batch: EstimatedCost | undefined;
}

/** Estimates what items cost at the engine's prices. @internal */
export async function batchEstimate(
  farthing: object,
  items: AsyncIterable<BatchItem> | Iterable<BatchItem>,
  prompts: PromptSettings,
  nowMs: number,
): Promise<BatchEstimate> {
  const prices = callPricesOf(farthing);
  if (prices === undefined) throw new FarthingError('configuration', 'only engines of createFarthing know prices');
  const estimator = new RunEstimator(prices.pricer, nowMs);
  let faulty = 0;
  let index = 0;
  for await (const item of items) {
    const sound = soundItem(item, index, prompts, prices);
    index += 1;
    if (sound === undefined) faulty += 1;
    else await estimator.add(sound);
  }
  const { live, batch, ...counts } = estimator.estimate();
  return { ...counts, faulty, live: costOf(live), batch: batch && costOf(batch) };
}

function soundItem(
  item: BatchItem,
  index: number,
  prompts: PromptSettings,
  { table }: CallPrices,
): EstimatedItem | undefined {
  const prepared = preparedItem(item, index, prompts);
  if (prepared.kind === 'fault') return undefined;
  const { endpoint, body } = prepared;
  try {
    const request = decodeRequest(endpoint, body);
    const caller = { project: '', keyId: '' };
    const [target] = resolveRoute(table, request.model, ENDPOINTS[endpoint].protocol, caller).targets;
    return { prepared, request, target };
  } catch {
    return undefined; // the run says what is wrong with it
  }
}

function costOf({ expectedNanoUsd, mostNanoUsd }: WayEstimate): EstimatedCost {
  return {
    expectedUsd: formatUsd(expectedNanoUsd),
    mostUsd: mostNanoUsd === undefined ? undefined : formatUsd(mostNanoUsd),
  };
}
