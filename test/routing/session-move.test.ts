import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { picoUsd } from '../../src/core/money.ts';
import {
  isNeverDearer,
  sessionCredit,
  sessionMove,
  type SessionMoveQuestion,
  sessionPrices,
  type SessionPrices,
} from '../../src/core/route/session-move.ts';

/** In pico-dollars a token: gpt-4o and its mini, Opus and Haiku (writes of 5 minutes). */
const GPT: SessionPrices = { fresh: 2_500_000, cacheRead: 1_250_000, output: 10_000_000 };
const MINI: SessionPrices = { fresh: 150_000, cacheRead: 75_000, output: 600_000 };
const OPUS: SessionPrices = { fresh: 6_250_000, cacheRead: 500_000, output: 25_000_000 };
const HAIKU: SessionPrices = { fresh: 1_250_000, cacheRead: 100_000, output: 5_000_000 };

const LONG: Omit<SessionMoveQuestion, 'from' | 'to' | 'strong'> = {
  cachedTokens: 50_000,
  promptTokens: 50_500,
  turnTokens: 500,
  outputTokens: 200,
  turnsToCome: 5,
  creditPicoUsd: 0,
};

test('a target whose uncached price is below the cached price of the other is worth a move at once', () => {
  expect(sessionMove({ ...LONG, from: GPT, to: MINI, strong: GPT, turnsToCome: 0 })).toMatchObject({ kind: 'move' });
});

test('a conversation with a long prefix stays while what is left of it is short', () => {
  const question = { ...LONG, from: OPUS, to: HAIKU, strong: OPUS, turnsToCome: 1, creditPicoUsd: 1e15 };
  expect(sessionMove(question)).toMatchObject({ kind: 'stay', reason: 're-reading' });
  expect(sessionMove({ ...question, turnsToCome: 10 })).toMatchObject({ kind: 'move', reason: 'saves' });
});

test('a move that pays only if the conversation goes on is made from what it has saved already, never on credit', () => {
  const question = { ...LONG, from: OPUS, to: HAIKU, strong: OPUS, turnsToCome: 10 };
  expect(sessionMove(question)).toMatchObject({ kind: 'stay', reason: 'not-covered' });
  const excess = 50_000 * (HAIKU.fresh - OPUS.cacheRead);
  expect(sessionMove({ ...question, creditPicoUsd: excess - 1 }).kind).toBe('stay');
  expect(sessionMove({ ...question, creditPicoUsd: excess }).kind).toBe('move');
});

test('a figure that is no number moves nobody', () => {
  const question = { ...LONG, from: GPT, to: MINI, strong: GPT };
  for (const name of ['cachedTokens', 'promptTokens', 'turnTokens', 'outputTokens', 'turnsToCome', 'creditPicoUsd']) {
    expect(sessionMove({ ...question, [name]: NaN }).kind).toBe('stay');
  }
});

test('a prefix that has lapsed holds nobody back', () => {
  const question = { ...LONG, from: OPUS, to: HAIKU, strong: OPUS, cachedTokens: 0, turnsToCome: 0 };
  expect(sessionMove(question)).toMatchObject({ kind: 'move' });
});

test('no conversation moves to a dearer target for its price', () => {
  expect(sessionMove({ ...LONG, from: MINI, to: GPT, strong: GPT }).kind).toBe('stay');
});

test('a cheap target without a cache is dearer than a strong one with one, once a conversation is long', () => {
  const uncached = sessionPrices({ input: picoUsd(600_000), output: picoUsd(1_000_000) });
  expect(uncached).toEqual({ fresh: 600_000, cacheRead: 600_000, output: 1_000_000 });
  expect(isNeverDearer({ fresh: 600_000, cacheRead: 600_000, output: 1_000_000 }, OPUS)).toBe(false);
  const question = { ...LONG, from: GPT, to: { ...MINI, cacheRead: 2_000_000 }, strong: GPT, cachedTokens: 0 };
  expect(sessionMove(question)).toMatchObject({ kind: 'stay', reason: 'dearer' });
});

test('prices of a session are those of writing the cache where that has a price, and none where one is unknown', () => {
  const table = { input: picoUsd(5), cacheRead: picoUsd(1), cacheWrite5m: picoUsd(6), output: picoUsd(25) };
  expect(sessionPrices(table)).toEqual({ fresh: 6, cacheRead: 1, output: 25 });
  expect(sessionPrices({ input: picoUsd(5), cacheRead: picoUsd(1), output: picoUsd(25) })?.fresh).toBe(5);
  expect(sessionPrices({ input: picoUsd(5) })).toBeUndefined();
  expect(sessionPrices({ output: picoUsd(5) })).toBeUndefined();
});

/** Whole percents: doubles between 0 and 1 are drawn close to 0. */
const ratioOf = fc.nat({ max: 100 }).map((percent) => percent / 100);
const priceOf = fc
  .record({ fresh: fc.nat({ max: 1000 }), readRatio: ratioOf, output: fc.nat({ max: 5000 }) })
  .map(({ fresh, readRatio, output }): SessionPrices => ({ fresh, cacheRead: Math.floor(fresh * readRatio), output }));

/** A strong target and some that are never dearer, the strong one last. */
const targetsOf = fc
  .tuple(priceOf, fc.array(fc.tuple(ratioOf, ratioOf), { minLength: 1, maxLength: 3 }))
  .map(([strong, cuts]): readonly SessionPrices[] => {
    const cheaper = cuts.map(([cut, readCut]) => ({
      fresh: Math.floor(strong.fresh * cut),
      cacheRead: Math.floor(strong.cacheRead * readCut),
      output: Math.floor(strong.output * cut),
    }));
    return cheaper.concat(strong);
  });

const turnOf = fc.record({
  newTokens: fc.nat({ max: 20_000 }),
  outputTokens: fc.nat({ max: 3000 }),
  wish: fc.nat({ max: 3 }),
  /** Whether all caches have lapsed since the turn before. */
  hasLapsed: fc.boolean(),
  /** Whether quality sends this turn to the strong target, whatever that costs. */
  isAlarm: fc.constantFrom(false, false, false, false, true),
  /** What is expected, which need not be what comes. */
  expectedTokens: fc.nat({ max: 20_000 }),
  expectedOutput: fc.nat({ max: 3000 }),
  turnsToCome: fc.nat({ max: 640 }).map((tenths) => tenths / 10),
});
type Turn = typeof turnOf extends fc.Arbitrary<infer Value> ? Value : never;

interface Bill {
  readonly routed: number;
  /** The part of it that moves for quality cost beyond the strong target's turn. */
  readonly forQuality: number;
  readonly strong: number;
}

/** Bills a conversation as providers do: each keeps what it was last sent until it lapses. */
function billOf(targets: readonly SessionPrices[], turns: readonly Turn[], mayMove: typeof sessionMove): Bill {
  const strongest = targets.length - 1;
  const strong = targets[strongest]!;
  const cached = targets.map(() => 0);
  let [promptTokens, strongCached, at, credit, bill] = [
    0,
    0,
    (turns[0]?.wish ?? 0) % targets.length,
    0,
    { routed: 0, forQuality: 0, strong: 0 },
  ];
  for (const [index, turn] of turns.entries()) {
    if (turn.hasLapsed) cached.fill(0);
    if (turn.hasLapsed) strongCached = 0;
    promptTokens += turn.newTokens;
    const wish = turn.wish % targets.length;
    const from = at;
    const isForced = index > 0 && turn.isAlarm && at !== strongest;
    if (isForced) at = strongest;
    else if (index > 0 && wish !== at) {
      const question = {
        from: targets[at]!,
        to: targets[wish]!,
        strong,
        cachedTokens: cached[at]!,
        // Nobody has counted it yet.
        promptTokens: cached[at]! + turn.expectedTokens,
        turnTokens: turn.expectedTokens,
        outputTokens: turn.expectedOutput,
        turnsToCome: turn.turnsToCome,
        creditPicoUsd: credit,
      };
      if (mayMove(question).kind === 'move') at = wish;
    }
    const billed = { served: targets[at]!, strong, promptTokens, outputTokens: turn.outputTokens };
    const gained = sessionCredit({ ...billed, readTokens: cached[at]!, strongReadTokens: strongCached });
    const forQuality = isForced && from !== at ? Math.max(0, -gained) : 0;
    credit += gained + forQuality;
    const { output, fresh, cacheRead } = strong;
    const strongCost = strongCached * cacheRead + (promptTokens - strongCached) * fresh + turn.outputTokens * output;
    bill = {
      routed: bill.routed + strongCost - gained,
      forQuality: bill.forQuality + forQuality,
      strong: bill.strong + strongCost,
    };
    // The answer is part of the next prompt.
    cached[at] = promptTokens;
    strongCached = promptTokens;
    promptTokens += turn.outputTokens;
  }
  return bill;
}

test('no conversation costs more than at the strong target with a warm cache, whatever is wished and however wrong expectations are', () => {
  fc.assert(
    fc.property(targetsOf, fc.array(turnOf, { minLength: 1, maxLength: 12 }), (targets, turns) => {
      const { routed, forQuality, strong } = billOf(targets, turns, sessionMove);
      // Sums of integers below 2^53: exact.
      expect(routed - forQuality).toBeLessThanOrEqual(strong);
    }),
    { numRuns: 3000 },
  );
});

test('the same property finds conversations that cost more where every wish is followed, or every one that is expected to pay', () => {
  const follows: typeof sessionMove = (question) => ({ ...sessionMove(question), kind: 'move' });
  const hopes: typeof sessionMove = (question) => sessionMove({ ...question, creditPicoUsd: Infinity });
  for (const mayMove of [follows, hopes]) {
    const details = fc.check(
      fc.property(targetsOf, fc.array(turnOf, { minLength: 1, maxLength: 12 }), (targets, turns) => {
        const { routed, forQuality, strong } = billOf(targets, turns, mayMove);
        return routed - forQuality <= strong;
      }),
      { numRuns: 3000 },
    );
    expect(details.failed).toBe(true);
  }
});

test('what is expected of moving is the difference of both bills, turn by turn', () => {
  const question = fc.record({
    cachedTokens: fc.nat({ max: 5000 }),
    turnTokens: fc.nat({ max: 500 }),
    outputTokens: fc.nat({ max: 500 }),
    turnsToCome: fc.nat({ max: 20 }),
  });
  const bill = (
    prices: SessionPrices,
    cachedTokens: number,
    {
      turnTokens,
      outputTokens,
      turnsToCome,
    }: { readonly turnTokens: number; readonly outputTokens: number; readonly turnsToCome: number },
  ): number => {
    let [cached, prompt, sum] = [cachedTokens, 6000, 0];
    for (let turn = 0; turn <= turnsToCome; turn += 1) {
      sum += cached * prices.cacheRead + (prompt - cached) * prices.fresh + outputTokens * prices.output;
      cached = prompt;
      prompt += turnTokens;
    }
    return sum;
  };
  fc.assert(
    fc.property(question, (asked) => {
      const { savingPicoUsd } = sessionMove({
        ...asked,
        from: OPUS,
        to: HAIKU,
        strong: OPUS,
        promptTokens: 6000,
        creditPicoUsd: 0,
      });
      expect(savingPicoUsd).toBeCloseTo(bill(OPUS, asked.cachedTokens, asked) - bill(HAIKU, 0, asked), 3);
    }),
  );
});
