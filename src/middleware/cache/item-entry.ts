import type { EmbeddedItem } from '../../core/embedding-items.ts';
import { entryTimes } from '../../core/freshness.ts';
import type { CacheEntry } from '../../core/model/cache-entry.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { usageOf } from '../../core/model/usage.ts';
import type { CacheOptions } from './cache-access.ts';
import type { Call } from '../compose.ts';

const encoder = new TextEncoder();

/** The entry of one embedded item: its vector as JSON text, and its share of the tokens. @internal */
export function itemEntry(call: Call, item: EmbeddedItem, options: CacheOptions): CacheEntry {
  const { answer, tags, plan } = call.state;
  const target: Target = answer?.target ?? plan?.targets[0] ?? { provider: '', model: '' };
  const usage = usageOf({ input: item.tokens });
  const terms = answer?.terms ?? {};
  return {
    ...entryTimes(options.clock.nowMs(), options),
    endpoint: 'embeddings',
    form: 'whole',
    body: encoder.encode(item.vector),
    project: call.caller.project,
    tags,
    target: formatTarget(target),
    servedModel: answer?.servedModel,
    usage,
    terms,
    costNanoUsd: options.pricer.price(target, usage, terms, call.arrivedAtMs)?.amountNanoUsd,
  };
}
