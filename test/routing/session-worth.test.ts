import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTarget, type Target } from '../../src/core/model/target.ts';
import { type Usage, usageOf } from '../../src/core/model/usage.ts';
import { TurnsToCome } from '../../src/core/prefix/turns-to-come.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import { bookPricer } from '../../src/engine/book-pricer.ts';
import { type SessionTarget, SessionTargets } from '../../src/middleware/route/session-targets.ts';
import { isMoveWorth, turnGain } from '../../src/middleware/route/session-worth.ts';
import { MemoryStateStore } from '../../src/stores/memory/memory-state-store.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

const PRICER = bookPricer(
  shippedPriceBook(),
  new Map([
    ['openai', 'openai'],
    ['anthropic', 'anthropic'],
  ]),
);

/** A target's cache of one conversation: it keeps the prompt that it was last sent, if that is long enough, while its life lasts. */
class ProviderCache {
  readonly #target: Target;
  #tokens = 0;
  #untilMs = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  send(promptTokens: number, outputTokens: number, nowMs: number): Usage {
    const regime = PRICER.promptCache(this.#target);
    const { minimumTokens = Infinity, stepTokens = 1, ttlMs = 0, kind = 'implicit' } = regime ?? {};
    const read = nowMs <= this.#untilMs ? Math.min(this.#tokens, promptTokens) : 0;
    const kept = promptTokens < minimumTokens ? 0 : Math.floor(promptTokens / stepTokens) * stepTokens;
    const written = kind === 'explicit' ? Math.max(0, kept - read) : 0;
    this.#tokens = kept;
    this.#untilMs = nowMs + ttlMs;
    return usageOf({
      input: promptTokens - read - written,
      cacheRead: read,
      cacheWrite5m: written,
      output: outputTokens,
    });
  }
}

type Pair = readonly [cheap: Target, strong: Target];

const pair = (provider: string, cheap: string, strong: string): Pair => [
  { provider, model: cheap },
  { provider, model: strong },
];

/** With what conversations that begin at the strong target gain by moving: uncached input that is cheaper than its cached one, or prefixes that lapse. */
const PAIRS: readonly Pair[] = [
  pair('openai', 'gpt-4o-mini', 'gpt-4o'),
  pair('openai', 'gpt-5.4-mini', 'gpt-5.4'),
  pair('anthropic', 'claude-sonnet-4-6', 'claude-opus-4-8'),
];

const turnOf = fc.record({
  newTokens: fc.oneof(
    fc.integer({ min: 1, max: 300 }),
    fc.integer({ min: 300, max: 4000 }),
    fc.integer({ min: 1, max: 20_000 }),
  ),
  outputTokens: fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 2000 })),
  gapMs: fc.constantFrom(1000, 60_000, 600_000, 7_200_000),
  wishesCheap: fc.boolean(),
});
type Turn = typeof turnOf extends fc.Arbitrary<infer Value> ? Value : never;

async function bills([cheap, strong]: Pair, turns: readonly Turn[], startsCheap: boolean) {
  const clock = new FakeClock();
  const events = { emit: () => undefined };
  const store = new MemoryStateStore({ clock });
  const sessions = new SessionTargets({ store, isShared: false, clock, events, idleMs: 86_400_000 });
  const worth = { pricer: PRICER, turns: new TurnsToCome() };
  const caches = new Map([cheap, strong].map((target) => [formatTarget(target), new ProviderCache(target)]));
  const baseline = new ProviderCache(strong);
  let [promptTokens, routed, always, moves] = [0, 0, 0, 0];
  for (const turn of turns) {
    clock.advance(turn.gapMs);
    promptTokens += turn.newTokens;
    const before: SessionTarget | undefined = await sessions.find('a');
    const wish = (before === undefined ? startsCheap : turn.wishesCheap) ? cheap : strong;
    const nowMs = clock.nowMs();
    const mayMove =
      before === undefined ||
      isMoveWorth({ session: before, to: wish, strong, turnTokens: turn.newTokens, nowMs }, worth);
    const target = mayMove ? wish : before.target;
    moves += Number(before !== undefined && formatTarget(before.target) !== formatTarget(target));
    const usage = caches.get(formatTarget(target))!.send(promptTokens, turn.outputTokens, nowMs);
    const other = baseline.send(promptTokens, turn.outputTokens, nowMs);
    routed += PRICER.price(target, usage, {}, nowMs)!.amountNanoUsd;
    always += PRICER.price(strong, other, {}, nowMs)!.amountNanoUsd;
    sessions.note('a', target, promptTokens, turnGain({ target, strong, usage, before, atMs: nowMs }, worth));
    promptTokens += turn.outputTokens;
  }
  return { routed, always, moves };
}

test('no conversation costs more than at the strong target, as providers bill it, wherever it began and whatever is wished', async () => {
  let moved = 0;
  const conversation = fc.array(turnOf, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PAIRS), conversation, fc.boolean(), async (targets, turns, startsCheap) => {
      const { routed, always, moves } = await bills(targets, turns, startsCheap);
      moved += moves;
      // Half a nano-dollar of rounding for each bucket of a turn.
      expect(routed).toBeLessThanOrEqual(always + 4 * turns.length);
    }),
    { numRuns: 600 },
  );
  expect(moved).toBeGreaterThan(50);
});
test('a conversation does not move to a target that caches no prompt of its length, while the strong one does', async () => {
  const haiku = pair('anthropic', 'claude-haiku-4-5', 'claude-opus-4-8');
  const turns = Array.from({ length: 40 }, (_, index) => ({
    newTokens: index === 0 ? 1500 : 2,
    outputTokens: 1,
    gapMs: index === 1 ? (7_200_000 as const) : (1000 as const),
    wishesCheap: true,
  }));
  const { routed, always } = await bills(haiku, turns, false);
  expect(routed).toBeLessThanOrEqual(always + 4 * turns.length);
});
