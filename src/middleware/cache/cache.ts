import { type ActiveCacheMode, cacheability } from '../../core/cacheability.ts';
import { parseCacheControl, type RequestCacheControl } from '../../core/cache-control.ts';
import { FarthingError } from '../../core/errors.ts';
import { ageMs, freshness } from '../../core/freshness.ts';
import type { CacheEntry, CacheKey } from '../../core/model/cache-entry.ts';
import type { Target } from '../../core/model/target.ts';
import { type Call, decide, type Middleware, type Next, type Outcome, type RequestShape } from '../compose.ts';
import { callKey, type CacheOptions, embeddingsCallKey, notCached, readEntry, readFresh } from './cache-access.ts';
import { HeldFailure } from './held-failure.ts';
import { prepareReplay, replayEntry, type ReplayTerms } from './replay.ts';

/**
 * Answers calls from the cache. A fault of the store is reported, counted and taken for a miss: this step steps aside, except where the
 * caller asked for nothing but the cache.
 * @internal
 */
export function cacheMiddleware(options: CacheOptions): Middleware {
  return {
    name: 'cache',
    async handle(call, next) {
      const request = {
        endpoint: call.endpoint,
        body: call.state.request?.body ?? {},
        headers: call.headers,
        declaredByRoute: false,
      };
      const verdict = cacheability(request, options.policy);
      if (verdict.kind === 'bypass') {
        call.state.cacheStatus = 'bypass';
        call.state.cacheDetail = verdict.reason;
        decide(call, 'cache', 'bypass', verdict.reason);
        if (verdict.control.onlyIfCached) throw notCached();
        if (verdict.missedBy !== undefined) noteRepeat(call, verdict.missedBy, options);
        return next(call);
      }
      const keyOf = call.endpoint === 'embeddings' ? embeddingsCallKey : callKey;
      call.state.key = keyOf(call, request.body, options);
      call.state.mayStore = true;
      call.state.mayShare = !verdict.control.noCache;
      call.state.cacheStatus = 'miss';
      // Embeddings are looked up item by item, further on.
      if (call.endpoint === 'embeddings') return next(call);
      return lookUp(call, call.state.key, verdict.control, next, options);
    },
  };
}

async function lookUp(
  call: Call,
  key: CacheKey,
  control: RequestCacheControl,
  next: Next,
  options: CacheOptions,
): Promise<Outcome> {
  const nowMs = options.clock.nowMs();
  const entry = control.noCache ? undefined : await readEntry(key, options);
  const worth = entry === undefined ? 'expired' : freshness(entry, nowMs, control);
  if (entry !== undefined && worth === 'fresh' && serve(call, key, entry, 'hit', options)) {
    decide(call, 'cache', 'hit');
    return { kind: 'complete', facts: undefined };
  }
  if (control.onlyIfCached) throw notCached();
  call.state.cacheReason = reasonOf(entry, worth, control);
  decide(call, 'cache', 'miss', control.noCache ? 'no-cache' : undefined);
  options.seen.note(key, nowMs);
  if (await isAnsweredByEqual(call, options)) return { kind: 'complete', facts: undefined };
  if (entry === undefined || worth !== 'stale') return next(call);
  return withStale(call, key, entry, next, options);
}

/** Equal targets are asked by turns: an answer of another one is as good. */
async function isAnsweredByEqual(call: Call, options: CacheOptions): Promise<boolean> {
  const { plan } = call.state;
  for (const target of plan?.balance === undefined ? [] : plan.targets.slice(1)) {
    // oxlint-disable-next-line no-await-in-loop -- the first that has one
    if (await answerFrom(call, target, options)) return true;
  }
  return false;
}

function reasonOf(
  entry: CacheEntry | undefined,
  worth: string,
  control: RequestCacheControl,
): 'miss' | 'stale' | 'request' {
  if (control.noCache) return 'request';
  if (entry === undefined || worth === 'expired') return 'miss';
  return worth === 'stale' ? 'stale' : 'request';
}

/** Asks the provider, and gives the stale answer where the provider fails. */
async function withStale(
  call: Call,
  key: CacheKey,
  entry: CacheEntry,
  next: Next,
  options: CacheOptions,
): Promise<Outcome> {
  const failure = new HeldFailure(call.receiver);
  const outcome = await next({ ...call, receiver: failure });
  if (!isOutage(failure)) {
    failure.release();
    return outcome;
  }
  if (!serve(call, key, entry, 'stale', options)) {
    throw new FarthingError(
      'provider-failed',
      'the provider failed, and the stored answer cannot be given in the form asked for',
    );
  }
  decide(call, 'cache', 'stale', `age-${Math.round(ageMs(entry, options.clock.nowMs()) / 1000)}s`);
  return { kind: 'complete', facts: undefined };
}

/** Whether the provider is down, overloaded or out of quota, and the client has seen nothing: what a stale answer may stand in for. */
function isOutage({ error, failedHead, hasPassed }: HeldFailure): boolean {
  if (error !== undefined) return !hasPassed && error.code !== 'client-left';
  return failedHead !== undefined && (failedHead.status === 429 || failedHead.status >= 500);
}

/**
 * Answers a call that was not in the cache when it was looked up, and is now: another process asked the same. False when it is still not there,
 * and always for embeddings, which are looked up item by item further on.
 * @internal
 */
export async function answerCollapsed(call: Call, key: CacheKey, options: CacheOptions): Promise<boolean> {
  if (call.endpoint === 'embeddings') return false;
  const entry = await readFresh(key, parseCacheControl(call.headers['cache-control']), options);
  return entry !== undefined && serve(call, key, entry, 'collapsed', options);
}

/**
 * Answers a call from what is stored of another target than its first, which is about to be asked in its place. False when nothing is, and always for
 * embeddings, which are looked up item by item.
 * @internal
 */
export async function answerFrom(call: Call, target: Target, options: CacheOptions): Promise<boolean> {
  const { mayStore, mayShare, request } = call.state;
  if (!mayStore || !mayShare || call.endpoint === 'embeddings' || request === undefined) return false;
  const key = callKey(call, request.body, options, target);
  const entry = await readFresh(key, parseCacheControl(call.headers['cache-control']), options);
  if (entry === undefined || !serve(call, key, entry, 'hit', options)) return false;
  decide(call, 'cache', 'hit', 'other-target');
  return true;
}

function serve(
  call: Call,
  key: CacheKey,
  entry: CacheEntry,
  status: ReplayTerms['status'],
  options: CacheOptions,
): boolean {
  const replay = prepareReplay(entry, call.state.shape as RequestShape, options.random);
  if (replay === undefined) return false;
  const sinceSameBytesMs = options.seen.sinceServed(key, entry, options.clock.nowMs());
  replayEntry(call, entry, replay, { status, pricer: options.pricer, sinceSameBytesMs });
  return true;
}

/** A call that only the mode keeps from the cache: says so when the same was asked within the time an answer would have lived. */
function noteRepeat(call: Call, missedBy: ActiveCacheMode, options: CacheOptions): void {
  const nowMs = options.clock.nowMs();
  const before = options.seen.note(callKey(call, call.state.request?.body ?? {}, options), nowMs);
  if (before !== undefined && nowMs - before < options.ttlMs) call.state.missedBy = missedBy;
}
