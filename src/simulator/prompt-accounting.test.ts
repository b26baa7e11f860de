import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { accountPrompt, type PromptAccount } from './prompt-accounting.ts';
import { PromptCache } from './prompt-cache.ts';
import { renderPrompt, type BreakpointTtl, type PromptSegment } from './rendered-prompt.ts';
import { simulatedModel, type PromptCacheRegime } from './simulated-model.ts';

const MINUTE_MS = 60_000;
const FREE = simulatedModel('gpt-5.4-mini').regime;
const WRITTEN = simulatedModel('gpt-5.6-luna').regime;
const EXPLICIT = simulatedModel('claude-sonnet-5').regime;

/** A part of exactly so many tokens whose content depends on the name. */
function part(name: string, tokens: number, breakpoint?: BreakpointTtl): PromptSegment {
  return { kind: 'part', text: name.repeat(tokens * 4).slice(0, tokens * 4), breakpoint };
}

function accountant(regime: PromptCacheRegime, explicitOnly = false) {
  const cache = new PromptCache();
  return (segments: readonly PromptSegment[], nowMs: number, account = 'one'): PromptAccount =>
    accountPrompt(renderPrompt(segments), regime, {
      cache,
      scope: { account, model: 'model' },
      nowMs,
      availableAtMs: nowMs + 500,
      explicitOnly,
    });
}

const ONLY_INPUT = { cacheRead: 0, cacheWrite5m: 0, cacheWrite30m: 0, cacheWrite1h: 0 };

test('OpenAI before GPT-5.6: a prompt under 1,024 tokens is never cached', () => {
  const account = accountant(FREE);
  account([part('a', 1023)], 0);
  expect(account([part('a', 1023)], 1000)).toEqual({ ...ONLY_INPUT, input: 1023 });
});

test('OpenAI before GPT-5.6: a repeated beginning is read in steps of 128 tokens and written for free', () => {
  const account = accountant(FREE);
  expect(account([part('a', 1300)], 0)).toEqual({ ...ONLY_INPUT, input: 1300 });
  // 1,300 shared tokens hold ten whole steps
  expect(account([part('a', 1300), part('b', 200)], 1000)).toEqual({ ...ONLY_INPUT, input: 220, cacheRead: 1280 });
});

test('OpenAI before GPT-5.6: a prompt is not read to its last token', () => {
  const account = accountant(FREE);
  account([part('a', 1280)], 0);
  expect(account([part('a', 1280)], 1000).cacheRead).toBe(1152);
});

test('OpenAI before GPT-5.6: requests at the same time, other accounts and late requests do not profit', () => {
  const account = accountant(FREE);
  account([part('a', 2000)], 0);
  expect(account([part('a', 2000)], 100).cacheRead).toBe(0);
  expect(account([part('a', 2000)], 1000, 'two').cacheRead).toBe(0);
  expect(account([part('a', 2000)], 1000).cacheRead).toBe(1920);
  expect(account([part('a', 2000)], 30 * MINUTE_MS).cacheRead).toBe(0);
});

test('OpenAI from GPT-5.6: the first sending writes the whole prompt, the next reads it to the border and writes the rest', () => {
  const account = accountant(WRITTEN);
  expect(account([part('a', 1500)], 0)).toEqual({ ...ONLY_INPUT, input: 0, cacheWrite30m: 1500 });
  expect(account([part('a', 1500), part('b', 100)], 1000)).toEqual({
    ...ONLY_INPUT,
    input: 0,
    cacheRead: 1500,
    cacheWrite30m: 100,
  });
});

test('OpenAI from GPT-5.6: explicit mode without a breakpoint neither reads nor writes', () => {
  const account = accountant(WRITTEN, true);
  account([part('a', 1500)], 0);
  expect(account([part('a', 1500)], 1000)).toEqual({ ...ONLY_INPUT, input: 1500 });
});

test('OpenAI from GPT-5.6: explicit mode writes up to the breakpoint only', () => {
  const account = accountant(WRITTEN, true);
  expect(account([part('a', 1500, '30m'), part('b', 40)], 0)).toEqual({
    ...ONLY_INPUT,
    input: 40,
    cacheWrite30m: 1500,
  });
});

test('Anthropic: without a breakpoint nothing is cached', () => {
  const account = accountant(EXPLICIT);
  account([part('a', 5000)], 0);
  expect(account([part('a', 5000)], 1000)).toEqual({ ...ONLY_INPUT, input: 5000 });
});

test('Anthropic: a breakpoint below the minimum of the model is ignored without a word', () => {
  const account = accountant(simulatedModel('claude-haiku-4-5').regime);
  expect(account([part('a', 4095, '5m')], 0)).toEqual({ ...ONLY_INPUT, input: 4095 });
  expect(account([part('b', 4096, '5m')], 0)).toEqual({ ...ONLY_INPUT, input: 0, cacheWrite5m: 4096 });
});

test('Anthropic: a growing conversation reads what the last turn wrote and writes what was added', () => {
  const account = accountant(EXPLICIT);
  account([part('s', 1100), part('a', 100, '5m')], 0);
  expect(account([part('s', 1100), part('a', 100), part('b', 50), part('c', 30, '5m')], 1000)).toEqual({
    ...ONLY_INPUT,
    input: 0,
    cacheRead: 1200,
    cacheWrite5m: 80,
  });
});

test('Anthropic: one-hour and five-minute writes are apart', () => {
  const account = accountant(EXPLICIT);
  expect(account([part('s', 1100, '1h'), part('a', 100, '5m'), part('q', 7)], 0)).toEqual({
    ...ONLY_INPUT,
    input: 7,
    cacheWrite1h: 1100,
    cacheWrite5m: 100,
  });
});

test('Anthropic: reading prolongs five minutes, silence ends them', () => {
  const account = accountant(EXPLICIT);
  const prompt = [part('s', 2000, '5m')];
  account(prompt, 0);
  expect(account(prompt, 4 * MINUTE_MS).cacheRead).toBe(2000);
  expect(account(prompt, 8 * MINUTE_MS).cacheRead).toBe(2000);
  expect(account(prompt, 14 * MINUTE_MS)).toEqual({ ...ONLY_INPUT, input: 0, cacheWrite5m: 2000 });
});

test('Anthropic: a prefix more than twenty blocks before the breakpoint is not found', () => {
  const account = accountant(EXPLICIT);
  const blocks = (count: number) =>
    Array.from({ length: count }, (_, index) => part(String.fromCharCode(97 + index), 10));
  account([part('S', 2000, '5m')], 0);
  expect(account([part('S', 2000), ...blocks(18), part('Z', 10, '5m')], 1000).cacheRead).toBe(2000);
  expect(account([part('S', 2000), ...blocks(25), part('Y', 10, '5m')], 1000).cacheRead).toBe(0);
});

test('the buckets sum to the tokens of the prompt, whatever was asked before', () => {
  const segment = fc.record({
    kind: fc.constantFrom('role' as const, 'part' as const),
    text: fc.string({ maxLength: 20 }).map((text) => text.repeat(60)),
    breakpoint: fc.constantFrom(undefined, '5m' as const),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(FREE, WRITTEN, EXPLICIT, { kind: 'none' } as const),
      fc.array(fc.array(segment, { maxLength: 8 }), { minLength: 1, maxLength: 5 }),
      (regime, prompts) => {
        const account = accountant(regime);
        const grown: PromptSegment[] = [];
        for (const [index, added] of prompts.entries()) {
          grown.push(...added);
          const buckets = account(grown, index * 1000);
          expect(Object.values(buckets).reduce((sum, tokens) => sum + tokens, 0)).toBe(renderPrompt(grown).tokens);
          expect(Math.min(...Object.values(buckets))).toBeGreaterThanOrEqual(0);
        }
      },
    ),
    { numRuns: 60 },
  );
});
