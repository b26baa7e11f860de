import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nanoUsd, type NanoUsd } from '../money.ts';
import { callBound, lowerOutput, type CallLimits, type ModelLimits, type RequestSize } from './call-bound.ts';

const TEXT: RequestSize = { kind: 'bounded', textTokens: 5_000, imageTokens: 0, hasOutput: true };
const UNBOUNDED: RequestSize = { kind: 'unbounded', reason: 'hosted-tools' };
const MODEL = { contextWindowTokens: 200_000, maxOutputTokens: 8_192 };
const UNKNOWN = { contextWindowTokens: undefined, maxOutputTokens: undefined };
const NO_DEFAULT = { defaultMaxOutputTokens: undefined };
const own = (maxOutputTokens: number | undefined, samples = 1): CallLimits => ({ maxOutputTokens, samples });

describe('output', () => {
  const output = (
    limits: CallLimits,
    model: typeof MODEL | typeof UNKNOWN,
    defaultMaxOutputTokens?: number,
  ): readonly unknown[] => {
    const bound = callBound(TEXT, limits, model, { defaultMaxOutputTokens });
    return bound.kind === 'bounded' ? [bound.outputTokens, bound.mustSendLimit] : [bound.reason];
  };

  test("the caller's own limit counts as it is, also above the model's maximum", () => {
    expect(output(own(500), MODEL, 4_096)).toEqual([500, false]);
    expect(output(own(0), MODEL, 4_096)).toEqual([0, false]);
    expect(output(own(100_000), MODEL, 4_096)).toEqual([100_000, false]);
    expect(output(own(500), UNKNOWN)).toEqual([500, false]);
  });

  test("without one the default is sent, but no more than the model's maximum", () => {
    expect(output(own(undefined), MODEL, 4_096)).toEqual([4_096, true]);
    expect(output(own(undefined), MODEL, 16_384)).toEqual([8_192, true]);
    expect(output(own(undefined), UNKNOWN, 4_096)).toEqual([4_096, true]);
  });

  test("without a default the model's maximum counts and nothing is sent; an unknown maximum has no price", () => {
    expect(output(own(undefined), MODEL)).toEqual([8_192, false]);
    expect(output(own(undefined), UNKNOWN)).toEqual(['max-output']);
  });

  test('embeddings write nothing, whatever is known of the model', () => {
    const size: RequestSize = { ...TEXT, hasOutput: false };
    expect(callBound(size, own(undefined), UNKNOWN, { defaultMaxOutputTokens: 4_096 })).toEqual({
      kind: 'bounded',
      inputTokens: 5_000,
      outputTokens: 0,
      samples: 1,
      mustSendLimit: false,
      needsToolAllowance: false,
    });
  });

  test('samples are passed on: a limit is for one of them', () => {
    expect(callBound(TEXT, own(100, 3), MODEL, NO_DEFAULT)).toMatchObject({ outputTokens: 100, samples: 3 });
  });
});

describe('input', () => {
  const inputOf = (size: RequestSize, model = MODEL as typeof MODEL | typeof UNKNOWN): unknown => {
    const bound = callBound(size, own(10), model, NO_DEFAULT);
    return bound.kind === 'bounded' ? bound.inputTokens : bound.reason;
  };

  test('text counts no higher than the window where that is known; images come on top', () => {
    expect(inputOf({ ...TEXT, textTokens: 900_000 })).toBe(200_000);
    expect(inputOf({ ...TEXT, textTokens: 900_000, imageTokens: 96_338 })).toBe(296_338);
    expect(inputOf({ ...TEXT, textTokens: 900_000 }, UNKNOWN)).toBe(900_000);
  });

  test('a call without a bound fills the window and needs an allowance; an unknown window has no price', () => {
    expect(callBound(UNBOUNDED, own(10), MODEL, NO_DEFAULT)).toMatchObject({
      inputTokens: 200_000,
      outputTokens: 10,
      needsToolAllowance: true,
    });
    expect(inputOf(UNBOUNDED, UNKNOWN)).toBe('context-window');
  });
});

test('a model that searches by itself has no bound, whatever the caller called it', () => {
  for (const name of [
    'gpt-4o-search-preview',
    'perplexity/sonar-pro',
    'groq/compound',
    'o3-deep-research',
    'm:online',
  ]) {
    expect(callBound(TEXT, own(10), { ...MODEL, name }, NO_DEFAULT)).toMatchObject({
      inputTokens: 200_000,
      needsToolAllowance: true,
    });
  }
  const named: ModelLimits = { ...MODEL, name: 'gpt-4o' };
  expect(callBound(TEXT, own(10), named, NO_DEFAULT)).toMatchObject({ inputTokens: 5_000, needsToolAllowance: false });
});

describe('a lowered limit', () => {
  const perToken =
    (price: number, base: number) =>
    (tokens: number): NanoUsd =>
      nanoUsd(base + price * tokens);

  test('is the largest that fits, never above what was wanted nor below the floor', () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.nat(100_000),
        fc.integer({ min: 1, max: 200_000 }),
        fc.nat(9_000_000),
        fc.nat(20_000),
        (price, base, wanted, available, floor) => {
          const boundAt = perToken(price, base);
          const least = Math.min(wanted, Math.max(1_024, floor));
          const lowered = lowerOutput(boundAt, wanted, nanoUsd(available), floor);
          if (lowered === undefined) {
            expect(boundAt(least)).toBeGreaterThan(available);
            return;
          }
          expect(lowered).toBeGreaterThanOrEqual(least);
          expect(lowered).toBeLessThanOrEqual(wanted);
          expect(boundAt(lowered)).toBeLessThanOrEqual(available);
          if (lowered < wanted) expect(boundAt(lowered + 1)).toBeGreaterThan(available);
        },
      ),
    );
  });

  test('never raises a limit that is below the floor already', () => {
    expect(lowerOutput(perToken(1, 0), 300, nanoUsd(300), 1_024)).toBe(300);
    expect(lowerOutput(perToken(1, 0), 300, nanoUsd(299), 1_024)).toBeUndefined();
  });

  test('needs a price', () => {
    expect(lowerOutput(() => undefined, 5_000, nanoUsd(1_000_000), 0)).toBeUndefined();
  });
});
