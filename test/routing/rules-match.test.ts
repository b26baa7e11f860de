import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import { explainRoutes } from '../../src/core/route/explain-route.ts';
import { matchRoute, type RouteCall } from '../../src/core/route/match-route.ts';
import type { RouteMatch } from '../../src/core/route/route-rule.ts';

function call(parts: Partial<RouteCall> = {}): RouteCall {
  return {
    model: 'gpt-5.5',
    tags: { user: 'alice' },
    endpoint: 'chat',
    toolNames: () => ['read', 'search'],
    hasSchema: false,
    inputTokens: () => 100,
    language: () => 'de',
    ...parts,
  };
}

const takes = (match: RouteMatch, parts: Partial<RouteCall> = {}): boolean =>
  matchRoute([{ match }], call(parts)) !== undefined;

test('the first rule of which all holds takes the call, whatever stands behind it', () => {
  const rules = [
    { name: 'other', match: { models: ['gpt-4o'] } },
    { name: 'half', match: { models: ['gpt-5.5'], tags: { user: ['bob'] } } },
    { name: 'right', match: { models: ['gpt-5.5'], tags: { user: ['bob', 'alice'] } } },
    { name: 'any', match: {} },
  ];
  expect(matchRoute(rules, call())?.name).toBe('right');
  expect(matchRoute(rules, call({ model: 'x' }))?.name).toBe('any');
  expect(matchRoute(rules.slice(0, 2), call())).toBeUndefined();
  expect(matchRoute([], call())).toBeUndefined();
});

test('a star stands for anything at the end of a model, and for itself elsewhere', () => {
  expect(takes({ models: ['gpt-5*'] })).toBe(true);
  expect(takes({ models: ['*'] })).toBe(true);
  expect(takes({ models: ['gpt-5.5*'] })).toBe(true);
  expect(takes({ models: ['gpt-5'] })).toBe(false);
  expect(takes({ models: ['*5'] })).toBe(false);
  expect(takes({ models: ['g*t-5.5'] })).toBe(false);
  expect(takes({ models: [] })).toBe(false);
});

test('each tag must have one of its values; a star takes any value and not none', () => {
  expect(takes({ tags: { user: ['*'] } })).toBe(true);
  expect(takes({ tags: { user: ['alice'], feature: ['*'] } })).toBe(false);
  expect(takes({ tags: { feature: ['*'] } })).toBe(false);
  expect(takes({ tags: { constructor: ['*'] } })).toBe(false);
  expect(takes({ tags: {} })).toBe(true);
});

test('tools match by being there, by being away or by name; schemas by being asked for', () => {
  expect(takes({ tools: true })).toBe(true);
  expect(takes({ tools: false })).toBe(false);
  expect(takes({ tools: false }, { toolNames: () => [] })).toBe(true);
  expect(takes({ tools: ['write', 'read'] })).toBe(true);
  expect(takes({ tools: ['write'] })).toBe(false);
  expect(takes({ schema: true })).toBe(false);
  expect(takes({ schema: false })).toBe(true);
  expect(takes({ endpoints: ['messages', 'chat'] })).toBe(true);
  expect(takes({ endpoints: ['messages'] })).toBe(false);
});

test('bounds of tokens hold both ends, and what cannot be counted lies within none', () => {
  expect(takes({ minInputTokens: 100, maxInputTokens: 100 })).toBe(true);
  expect(takes({ minInputTokens: 101 })).toBe(false);
  expect(takes({ maxInputTokens: 99 })).toBe(false);
  expect(takes({ maxInputTokens: 0 }, { inputTokens: () => 0 })).toBe(true);
  expect(takes({ minInputTokens: 0 }, { inputTokens: () => undefined })).toBe(false);
  expect(takes({ maxInputTokens: 1e9 }, { inputTokens: () => undefined })).toBe(false);
});

test('a language that is not clear is none of those that a rule names', () => {
  expect(takes({ languages: ['fr', 'de'] })).toBe(true);
  expect(takes({ languages: ['fr'] })).toBe(false);
  expect(takes({ languages: ['fr', ''] }, { language: () => undefined })).toBe(false);
});

test('what takes work is asked only where a rule gets so far, and once', () => {
  const asked: string[] = [];
  const counting = call({
    toolNames: () => (asked.push('tools'), []),
    inputTokens: () => (asked.push('tokens'), 5),
    language: () => void asked.push('language'),
  });
  matchRoute(
    [{ match: { models: ['x'], languages: ['de'], tools: true, minInputTokens: 1 } }, { match: {} }],
    counting,
  );
  expect(asked).toEqual([]);
  const hungry = { match: { tools: false, minInputTokens: 5, maxInputTokens: 5, languages: ['de'] } };
  matchRoute([hungry, hungry, hungry], counting);
  expect(asked).toEqual(['tools', 'tokens', 'language']);
});

const ENDPOINTS: readonly Endpoint[] = ['chat', 'messages'];
const word = fc.constantFrom('a', 'b', 'ab');
const arbitraryCall = fc.record({
  model: word,
  tags: fc.dictionary(word, word, { maxKeys: 2 }),
  endpoint: fc.constantFrom(...ENDPOINTS),
  toolNames: fc.array(word, { maxLength: 2 }).map((names) => () => names),
  hasSchema: fc.boolean(),
  inputTokens: fc.option(fc.nat({ max: 4 }), { nil: undefined }).map((count) => () => count),
  language: fc.option(word, { nil: undefined }).map((code) => () => code),
});
const arbitraryMatch: fc.Arbitrary<RouteMatch> = fc.record(
  {
    models: fc.array(fc.constantFrom('a', 'b', 'a*', '*'), { minLength: 1, maxLength: 2 }),
    tags: fc.dictionary(word, fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 2 }), { maxKeys: 2 }),
    endpoints: fc.array(fc.constantFrom(...ENDPOINTS), { minLength: 1, maxLength: 2 }),
    tools: fc.oneof(fc.boolean(), fc.array(word, { minLength: 1, maxLength: 2 })),
    schema: fc.boolean(),
    minInputTokens: fc.nat({ max: 4 }),
    maxInputTokens: fc.nat({ max: 4 }),
    languages: fc.array(word, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
);

test('the explanation takes the rule that matching takes, gives a reason for each one passed, and none is empty', () => {
  const rules = fc.array(fc.record({ match: arbitraryMatch }), { maxLength: 5 });
  fc.assert(
    fc.property(rules, arbitraryCall, (written, asked) => {
      const explained = explainRoutes(written, asked);
      expect(explained.find(({ verdict }) => verdict === 'taken')?.rule).toBe(matchRoute(written, asked));
      for (const { rule, verdict, mismatches } of explained) {
        expect(mismatches.length > 0).toBe(verdict === 'passed');
        expect(matchRoute([rule], asked) === undefined).toBe(verdict === 'passed');
        for (const { condition, wanted, actual } of mismatches) {
          expect(rule.match[condition]).toBeDefined();
          expect(wanted).not.toBe('');
          expect(actual).not.toBe('');
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('an explanation names what was wanted and what the call has', () => {
  const [explained] = explainRoutes(
    [{ match: { models: ['a', 'b*'], tags: { user: ['bob', 'eve'] }, tools: ['write'], minInputTokens: 200 } }],
    call(),
  );
  expect(explained?.mismatches).toEqual([
    { condition: 'models', wanted: 'a, b*', actual: 'gpt-5.5' },
    { condition: 'tags', wanted: 'user=bob|eve', actual: 'user=alice' },
    { condition: 'tools', wanted: 'write', actual: 'read, search' },
    { condition: 'minInputTokens', wanted: 'at least 200', actual: '100' },
  ]);
});

test('20 rules are matched in microseconds', () => {
  const rules = Array.from({ length: 20 }, (_, index) => ({
    match: {
      endpoints: ['chat' as const],
      models: index % 2 === 0 ? ['gpt-5.5*', 'claude-*'] : [`model-${index}`],
      tags: { user: [`user-${index}`] },
    },
  }));
  const asked = call();
  const roundUs = (): number => {
    const before = process.cpuUsage();
    for (let count = 0; count < 5000; count += 1) matchRoute(rules, asked);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 5000;
  };
  // The best of some, in time of the processor, ten times what it is: a sign of something wrong, and no measurement.
  expect(Math.min(...Array.from({ length: 15 }, roundUs))).toBeLessThan(20);
});
