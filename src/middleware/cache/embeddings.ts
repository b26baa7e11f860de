import { type RequestCacheControl, parseCacheControl } from '../../core/cache-control.ts';
import {
  type EmbeddedItem,
  type EmbeddingItem,
  embeddingItems,
  embeddingsBody,
  mergeEmbeddings,
  vectorEncodingOf,
} from '../../core/embedding-items.ts';
import { isFarthingError } from '../../core/errors.ts';
import type { CacheEntry, CacheKey } from '../../core/model/cache-entry.ts';
import { parseTarget } from '../../core/model/target.ts';
import { failureKind } from '../../core/resilience/failure.ts';
import { usageOf } from '../../core/model/usage.ts';
import { decodeRequest } from '../../wire/decode-request.ts';
import { callKey, type CacheOptions, keyOfAnswer, notCached, readFresh, writeEntry } from './cache-access.ts';
import { type Call, decide, type Middleware, type Next, type Outcome, type RoutePlan } from '../compose.ts';
import { HeldFailure } from './held-failure.ts';
import { itemEntry } from './item-entry.ts';
import { ItemMerger, type MissingItem } from './item-merger.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One item of a call with what the cache has of it. */
interface FoundItem {
  readonly item: EmbeddingItem;
  readonly key: CacheKey;
  readonly entry: CacheEntry | undefined;
}

/**
 * Answers embeddings item by item: what the cache has is not asked again, the misses go out in one call, each once, and the reply is put
 * together in the caller's order. Steps aside when the cache fails.
 * @internal
 */
export function embeddingsMiddleware(options: CacheOptions): Middleware {
  return {
    name: 'embeddings',
    async handle(call, next) {
      const { mayStore, request } = call.state;
      const items =
        call.endpoint === 'embeddings' && mayStore && request !== undefined
          ? embeddingItems(request.body, (rest) => callKey(call, rest, options))
          : undefined;
      if (items === undefined) return next(call);
      const control = parseCacheControl(call.headers['cache-control']);
      const found = await Promise.all(items.map((item) => findItem(call, item, control, options)));
      const missing = missingItems(found);
      if (missing.length === 0) return answerFromCache(call, found);
      if (control.onlyIfCached) throw notCached();
      // What is answered later is asked for as a whole: nobody is there then to put it together with what the cache has now.
      if (call.deferral !== undefined) return next(call);
      return missing.length === found.length
        ? askForAll(call, found, next, options)
        : askForRest(call, found, missing, next, options);
    },
  };
}

async function findItem(
  call: Call,
  item: EmbeddingItem,
  control: RequestCacheControl,
  options: CacheOptions,
): Promise<FoundItem> {
  const key = callKey(call, item.keyBody, options);
  return { item, key, entry: control.noCache ? undefined : await readFresh(key, control, options) };
}

/** The items to ask for, each once, with all the places it stands in. */
function missingItems(found: readonly FoundItem[]): readonly MissingItem[] {
  const missing = new Map<CacheKey, { item: EmbeddingItem; key: CacheKey; places: number[] }>();
  for (const [place, { item, key, entry }] of found.entries()) {
    if (entry !== undefined) continue;
    const known = missing.get(key);
    if (known === undefined) missing.set(key, { item, key, places: [place] });
    else known.places.push(place);
  }
  return [...missing.values()];
}

function embedded(entry: CacheEntry): EmbeddedItem {
  return { vector: decoder.decode(entry.body), tokens: entry.usage.input };
}

function answerFromCache(call: Call, found: readonly FoundItem[]): Outcome {
  const { state, receiver } = call;
  const entries = found.map(({ entry }) => entry as CacheEntry);
  const first = entries[0] as CacheEntry;
  const encoding = vectorEncodingOf(state.request?.body ?? {});
  const merged = mergeEmbeddings(entries.map(embedded), encoding, first.servedModel ?? state.shape?.model ?? '');
  const usage = usageOf({ input: merged.tokens });
  state.cacheStatus = 'hit';
  state.served = first;
  state.answer = {
    source: 'cache',
    target: parseTarget(first.target) ?? { provider: '', model: '' },
    servedModel: first.servedModel,
    baselineUsage: usage,
    usage,
    terms: first.terms,
  };
  decide(call, 'cache', 'hit', `${found.length}-items`);
  receiver.head({ status: 200, headers: { 'content-type': 'application/json' }, form: 'whole' });
  receiver.frames([{ bytes: encoder.encode(merged.text), role: 'content' }]);
  receiver.end();
  return { kind: 'complete', facts: undefined };
}

/** Asks for all items, and stores what comes. */
function askForAll(call: Call, found: readonly FoundItem[], next: Next, options: CacheOptions): Promise<Outcome> {
  call.state.cacheReason = 'miss';
  decide(call, 'cache', 'miss');
  const all = found.map(({ item, key }, place) => ({ item, key, places: [place] }));
  return askAndStore(call, new ItemMerger(call, all, undefined), next, options);
}

/**
 * Asks for the items that the cache lacks, of the target that made the others. Where that one fails, all are asked of the next targets: vectors of two
 * models have nothing to say to each other.
 */
async function askForRest(
  call: Call,
  found: readonly FoundItem[],
  missing: readonly MissingItem[],
  next: Next,
  options: CacheOptions,
): Promise<Outcome> {
  const { state, receiver } = call;
  const { plan, request } = state;
  const failure = new HeldFailure(receiver);
  const known = found.map(({ entry }) => (entry === undefined ? undefined : embedded(entry)));
  decide(call, 'cache', 'partial', `${found.length - missing.length}-of-${found.length}-items`);
  state.cacheReason = 'partial';
  narrow(call, missing);
  const narrowed = { ...call, body: encoder.encode(state.request?.text), receiver: failure };
  const outcome = await askAndStore(narrowed, new ItemMerger(narrowed, missing, known), next, options);
  const [, second, ...others] = plan?.targets ?? [];
  if (plan === undefined || second === undefined || !isWorthAskingElsewhere(outcome, failure)) {
    failure.release();
    return outcome;
  }
  Object.assign(state, { request, isPartial: false, answer: undefined });
  try {
    return await askForAll(
      call,
      found,
      (asked) => withPlan({ ...plan, targets: [second, ...others] }, asked, next),
      options,
    );
  } catch (error) {
    // A step of ours refused it, a budget for one: the first failure is the answer.
    if (!isFarthingError(error)) throw error;
    failure.release();
    return outcome;
  }
}

/** What is stored is stored under the plan of the call, so that one holds for the attempt alone. */
async function withPlan(plan: RoutePlan, call: Call, next: Next): Promise<Outcome> {
  const own = call.state.plan;
  call.state.plan = plan;
  try {
    return await next(call);
  } finally {
    call.state.plan = own;
  }
}

function isWorthAskingElsewhere({ kind, facts }: Outcome, { error, failedHead }: HeldFailure): boolean {
  if (kind === 'client-left' || (error === undefined && failedHead === undefined)) return false;
  if (error !== undefined) return true;
  const failure = failureKind({ status: failedHead?.status, code: undefined, mayPass: false, error: facts?.error });
  return failure !== 'wrong' && failure !== 'filtered' && failure !== 'too-long';
}

async function askAndStore(call: Call, merger: ItemMerger, next: Next, options: CacheOptions): Promise<Outcome> {
  const outcome = await next({ ...call, receiver: merger });
  await Promise.all(
    merger.embedded().map(({ missing: asked, item }) => {
      const key = keyOfAnswer(call, asked.key, asked.item.keyBody, options);
      return writeEntry(key, itemEntry(call, item, options), options);
    }),
  );
  return outcome;
}

/** Makes the call ask for the missing items only. */
function narrow(call: Call, missing: readonly MissingItem[]): void {
  const { state } = call;
  state.isPartial = true;
  const body = embeddingsBody(
    state.request?.body ?? {},
    missing.map(({ item }) => item),
  );
  state.request = decodeRequest('embeddings', encoder.encode(JSON.stringify(body)));
}
