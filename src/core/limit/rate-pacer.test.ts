import { expect, test } from 'vitest';
import { seededRandom } from '../../simulator/seeded-random.ts';
import type { PaceNotice, ProviderLimits } from './provider-limits.ts';
import { type PacedCall, RatePacer, type RatePacerOptions } from './rate-pacer.ts';

/** A provider in virtual time: its limits refill evenly and hold a minute's worth. */
interface World {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  /** Whether replies state what was left when their request came, or when they are sent. */
  readonly states: 'arrival' | 'reply' | 'nothing';
  /** Whether an answer's unused output is given back at its end. */
  readonly counts: 'reserved' | 'actual';
  readonly latencyMs: readonly [least: number, most: number];
  readonly maxOutputTokens: number;
  /** Requests of others a minute, from the second minute on. */
  readonly othersPerMinute?: number;
  readonly minutes?: number;
}

interface Seen {
  /** Refusals after the first minute. */
  readonly refusals: number;
  /** Share of each limit that was used after the first minute. */
  readonly requestsRatio: number;
  readonly tokensRatio: number;
}

const INPUT_TOKENS = 100;
const MINUTE_MS = 60_000;

class Allowance {
  level: number;
  readonly #limit: number;
  #atMs = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.level = limit;
  }

  at(nowMs: number): number {
    this.level = Math.min(this.#limit, this.level + ((nowMs - this.#atMs) * this.#limit) / MINUTE_MS);
    this.#atMs = nowMs;
    return this.level;
  }

  stated(): { limit: number; remaining: number; resetMs: number } {
    const remaining = Math.max(0, Math.floor(this.level));
    return { limit: this.#limit, remaining, resetMs: ((this.#limit - remaining) * MINUTE_MS) / this.#limit };
  }
}

/** Runs a pacer that always has work against the provider, event by event. */
// oxlint-disable-next-line max-lines-per-function -- one small world
function run(world: World, options: Partial<RatePacerOptions> = {}): Seen {
  const random = seededRandom(7);
  const pacer = new RatePacer(
    { concurrency: 400, requestsPerMinute: undefined, tokensPerMinute: undefined, freeRatio: 0.05, ...options },
    0,
  );
  const requests = new Allowance(world.requestsPerMinute);
  const tokens = new Allowance(world.tokensPerMinute);
  const ends: { readonly atMs: number; readonly end: () => void }[] = [];
  const seen = { refusals: 0, requests: 0, tokens: 0 };
  const need = { model: 'm', tokens: INPUT_TOKENS + world.maxOutputTokens };
  const endMs = (world.minutes ?? 4) * MINUTE_MS;
  const limits = (): ProviderLimits => ({ requests: requests.stated(), tokens: tokens.stated() });
  const arrive = (call: PacedCall, nowMs: number): void => {
    const isRefused = requests.at(nowMs) < 1 || tokens.at(nowMs) < need.tokens;
    const isCounted = nowMs >= MINUTE_MS;
    if (isRefused && isCounted) seen.refusals += 1;
    const output = Math.ceil(random.fraction() * world.maxOutputTokens);
    const used = world.counts === 'reserved' ? need.tokens : INPUT_TOKENS + output;
    if (!isRefused) {
      requests.level -= 1;
      tokens.level -= need.tokens;
      if (isCounted) seen.requests += 1;
      if (isCounted) seen.tokens += used;
    }
    const atArrival = limits();
    const [least, most] = world.latencyMs;
    const atMs = isRefused ? nowMs + 20 : nowMs + least + random.fraction() * (most - least);
    const end = (): void => {
      requests.at(atMs);
      tokens.at(atMs);
      if (!isRefused) tokens.level += need.tokens - used;
      const stated = { arrival: atArrival, reply: limits(), nothing: undefined }[world.states];
      const notice: PaceNotice = {
        target: 'p/m',
        status: isRefused ? 429 : 200,
        limits: stated,
        retryAfterMs: isRefused ? 1000 : undefined,
      };
      pacer.observe(call, notice, atMs);
      pacer.end(call, isRefused ? undefined : INPUT_TOKENS + output, atMs);
    };
    ends.push({ atMs, end });
  };
  for (let nowMs = 0; nowMs < endMs; nowMs += 5) {
    const due = ends.filter(({ atMs }) => atMs <= nowMs).toSorted((one, other) => one.atMs - other.atMs);
    for (const one of due) {
      ends.splice(ends.indexOf(one), 1);
      one.end();
    }
    if (nowMs >= MINUTE_MS && random.fraction() < ((world.othersPerMinute ?? 0) * 5) / MINUTE_MS) {
      if (requests.at(nowMs) >= 1) requests.level -= 1;
    }
    while (pacer.waitMs(need, nowMs) === 0) arrive(pacer.begin(need, nowMs), nowMs);
  }
  const minutes = (endMs - MINUTE_MS) / MINUTE_MS;
  return {
    refusals: seen.refusals,
    requestsRatio: seen.requests / (world.requestsPerMinute * minutes),
    tokensRatio: seen.tokens / (world.tokensPerMinute * minutes),
  };
}

const QUICK = [200, 2000] as const;
const SLOW = [4000, 25_000] as const;
const MANY = 1_000_000_000;

test.each([
  { states: 'arrival', latencyMs: QUICK },
  { states: 'reply', latencyMs: QUICK },
  { states: 'arrival', latencyMs: SLOW },
  { states: 'reply', latencyMs: SLOW },
] as const)('of stated requests a minute 95 % are used, and none is refused: $states $latencyMs', (how) => {
  const seen = run({ ...how, requestsPerMinute: 600, tokensPerMinute: MANY, counts: 'actual', maxOutputTokens: 200 });
  expect(seen.refusals).toBe(0);
  expect(seen.requestsRatio).toBeGreaterThanOrEqual(0.95);
  expect(seen.requestsRatio).toBeLessThanOrEqual(1.36); // the minute that was saved up
});

test.each([
  { states: 'arrival', counts: 'reserved' },
  { states: 'arrival', counts: 'actual' },
  { states: 'reply', counts: 'reserved' },
  { states: 'reply', counts: 'actual' },
] as const)('of stated tokens a minute 95 % are used, and nothing is refused: $states $counts', (how) => {
  const seen = run({
    ...how,
    requestsPerMinute: MANY,
    tokensPerMinute: 300_000,
    latencyMs: QUICK,
    maxOutputTokens: 200,
  });
  expect(seen.refusals).toBe(0);
  expect(seen.tokensRatio).toBeGreaterThanOrEqual(0.95);
});

test('limits that the caller sets are used and kept where the provider says nothing', () => {
  const world: World = {
    requestsPerMinute: 600,
    tokensPerMinute: MANY,
    states: 'nothing',
    counts: 'actual',
    latencyMs: QUICK,
    maxOutputTokens: 200,
  };
  const byRequests = run(world, { requestsPerMinute: 600 });
  expect(byRequests.refusals).toBe(0);
  expect(byRequests.requestsRatio).toBeGreaterThanOrEqual(0.95);
  const byTokens = run({ ...world, requestsPerMinute: MANY, tokensPerMinute: 300_000 }, { tokensPerMinute: 300_000 });
  expect(byTokens.refusals).toBe(0);
  expect(byTokens.tokensRatio).toBeGreaterThanOrEqual(0.95);
});

test('what others use of the account is left to them', () => {
  const world: World = {
    requestsPerMinute: 600,
    tokensPerMinute: MANY,
    states: 'arrival',
    counts: 'actual',
    latencyMs: QUICK,
    maxOutputTokens: 200,
    othersPerMinute: 300,
  };
  const seen = run(world);
  expect(seen.refusals).toBe(0);
  expect(seen.requestsRatio).toBeGreaterThan(0.45);
  expect(seen.requestsRatio).toBeLessThan(0.86);
});

test('without a word of the provider the number of calls at a time falls when it refuses', () => {
  const seen = run({
    requestsPerMinute: 600,
    tokensPerMinute: MANY,
    states: 'nothing',
    counts: 'actual',
    latencyMs: QUICK,
    maxOutputTokens: 200,
    minutes: 6,
  });
  expect(seen.requestsRatio).toBeGreaterThan(0.7);
  expect(seen.refusals).toBeLessThan(0.06 * 600 * 5);
});

test('a pause that the provider asks for is kept, and a call answered without it gives back what it took', () => {
  const pacer = new RatePacer({ concurrency: 8, requestsPerMinute: 60, tokensPerMinute: undefined, freeRatio: 0 }, 0);
  const need = { model: 'm', tokens: 10 };
  const hit = pacer.begin(need, 0);
  expect(pacer.waitMs(need, 0)).toBe(1017);
  pacer.end(hit, undefined, 0);
  expect(pacer.waitMs(need, 0)).toBe(0);
  const call = pacer.begin(need, 0);
  pacer.observe(call, { target: 'p/m', status: 429, limits: undefined, retryAfterMs: 7000 }, 10);
  pacer.end(call, undefined, 10);
  expect(pacer.waitMs(need, 10)).toBe(7000);
});
