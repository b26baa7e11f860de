import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RefusedParameter } from '../core/adapt/refused-parameter.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import { adaptation } from './adapted-request.ts';
import { decodeRequest } from './decode-request.ts';
import type { DecodedRequest } from './decoded-request.ts';
import { outputLimitMembers } from './output-limit.ts';
import { spliceRequest } from './splice-request.ts';

const MESSAGES = [{ role: 'user', content: 'hi' }];

function decoded(endpoint: Endpoint, fields: object): DecodedRequest {
  const base = endpoint === 'responses' || endpoint === 'embeddings' ? { input: 'hi' } : { messages: MESSAGES };
  return decodeRequest(endpoint, new TextEncoder().encode(JSON.stringify({ model: 'm', ...base, ...fields })));
}

/** What is sent of the fields, and the changes; undefined where nothing is adapted. */
function adapted(
  endpoint: Endpoint,
  fields: object,
  refused: readonly RefusedParameter[],
  budget?: number,
): { readonly sent: object; readonly changes: readonly string[] } | undefined {
  const request = decoded(endpoint, fields);
  const planned = budget === undefined ? {} : outputLimitMembers(request, budget, 'openai');
  const found = adaptation(request, new Set(refused), planned);
  if (found === undefined) return undefined;
  const bytes = spliceRequest(request, found.edits);
  const body = JSON.parse(bytes === undefined ? request.text : new TextDecoder().decode(bytes)) as object;
  const given = new Set(['model', 'messages', 'input']);
  return {
    sent: Object.fromEntries(Object.entries(body).filter(([name]) => !given.has(name))),
    changes: found.changes,
  };
}

test('sampling parameters that are refused are taken out, and only those', () => {
  const fields = {
    temperature: 0.2,
    top_p: 0.5,
    presence_penalty: 1,
    frequency_penalty: 0,
    seed: 7,
    stop: ['x'],
    n: 2,
  };
  expect(adapted('chat', fields, ['temperature', 'frequency_penalty'])).toEqual({
    sent: { top_p: 0.5, presence_penalty: 1, seed: 7, stop: ['x'], n: 2 },
    changes: ['without-temperature', 'without-frequency-penalty'],
  });
  expect(adapted('messages', { max_tokens: 5, temperature: 1, top_k: 3 }, ['temperature', 'top_p', 'top_k'])).toEqual({
    sent: { max_tokens: 5 },
    changes: ['without-temperature', 'without-top-k'],
  });
  expect(adapted('responses', { temperature: 0 }, ['temperature'])?.sent).toEqual({});
});

test('a default stays where only other values are refused, and goes where it is refused as well', () => {
  const values = ['temperature_unless_1', 'top_p_unless_1'] as const;
  expect(adapted('chat', { temperature: 1, top_p: 1 }, values)).toBeUndefined();
  expect(adapted('chat', { temperature: 1, top_p: 0.9 }, values)?.sent).toEqual({ temperature: 1 });
  expect(adapted('messages', { max_tokens: 5, temperature: 0 }, values)).toEqual({
    sent: { max_tokens: 5 },
    changes: ['without-temperature'],
  });
  expect(adapted('chat', { temperature: 1, top_p: 1 }, ['temperature', 'top_p'])?.sent).toEqual({});
  // xAI refuses penalties of 0 as well.
  expect(adapted('chat', { presence_penalty: 0 }, ['presence_penalty'])?.sent).toEqual({});
});

test('null is left out already', () => {
  expect(
    adapted('chat', { temperature: null, max_tokens: null, top_p: null }, ['temperature', 'top_p', 'max_tokens']),
  ).toBeUndefined();
});

test('log probabilities and biases go only where they ask for nothing', () => {
  const refused = ['logprobs', 'top_logprobs', 'logit_bias'] as const;
  expect(adapted('chat', { logprobs: false, top_logprobs: 0, logit_bias: {} }, refused)?.sent).toEqual({});
  expect(adapted('chat', { logprobs: true, top_logprobs: 2, logit_bias: { 7: -100 } }, refused)).toBeUndefined();
});

test('of two samplers of which one may stand, top_p goes, or the temperature where it is the default', () => {
  const refused = ['top_p_beside_temperature'] as const;
  expect(adapted('messages', { max_tokens: 5, temperature: 0.2, top_p: 0.5 }, refused)).toEqual({
    sent: { max_tokens: 5, temperature: 0.2 },
    changes: ['without-top-p'],
  });
  expect(adapted('messages', { max_tokens: 5, temperature: 1, top_p: 0.5 }, refused)?.sent).toEqual({
    max_tokens: 5,
    top_p: 0.5,
  });
  expect(adapted('messages', { max_tokens: 5, top_p: 0.5 }, refused)).toBeUndefined();
  expect(
    adapted('messages', { max_tokens: 5, temperature: 0.2, top_p: 0.5 }, ['temperature', ...refused])?.sent,
  ).toEqual({ max_tokens: 5, top_p: 0.5 });
});

test('the two limits of chat take each other’s place with the value as it was written', () => {
  const request = decodeRequest(
    'chat',
    new TextEncoder().encode('{"max_tokens":1.5e1 ,"model":"m","messages":[{"role":"user","content":"hi"}]}'),
  );
  const found = adaptation(request, new Set(['max_tokens']));
  expect(found?.changes).toEqual(['max-tokens-renamed']);
  expect(new TextDecoder().decode(spliceRequest(request, found?.edits ?? {}))).toBe(
    '{"model":"m","messages":[{"role":"user","content":"hi"}],"max_completion_tokens":1.5e1}',
  );
  expect(adapted('chat', { max_completion_tokens: 15 }, ['max_completion_tokens'])).toEqual({
    sent: { max_tokens: 15 },
    changes: ['max-completion-tokens-renamed'],
  });
});

test('where both limits are there the one that is refused goes', () => {
  expect(adapted('chat', { max_tokens: 9, max_completion_tokens: 8 }, ['max_tokens'])).toEqual({
    sent: { max_completion_tokens: 8 },
    changes: ['without-max-tokens'],
  });
  expect(adapted('chat', { max_tokens: 9, max_completion_tokens: null }, ['max_tokens'])?.sent).toEqual({
    max_completion_tokens: 9,
  });
});

test('a limit that is not refused, or both, or of another endpoint, stays', () => {
  expect(adapted('chat', { max_completion_tokens: 9 }, ['max_tokens'])).toBeUndefined();
  expect(adapted('chat', { max_tokens: 9 }, ['max_tokens', 'max_completion_tokens'])).toBeUndefined();
  expect(adapted('messages', { max_tokens: 9 }, ['max_tokens'])).toBeUndefined();
  expect(adapted('responses', { max_output_tokens: 9 }, ['max_tokens'])).toBeUndefined();
  expect(adapted('embeddings', { max_tokens: 9 }, ['max_tokens'])).toBeUndefined();
});

test('a budget’s limit is sent under the name that the target takes', () => {
  expect(adapted('chat', { max_tokens: 9_000 }, ['max_tokens'], 2_000)).toEqual({
    sent: { max_completion_tokens: 2_000 },
    changes: ['max-tokens-renamed'],
  });
  expect(adapted('chat', {}, ['max_completion_tokens'], 2_000)).toEqual({ sent: { max_tokens: 2_000 }, changes: [] });
  expect(adapted('chat', { max_tokens: 9_000, max_completion_tokens: 8_000 }, ['max_tokens'], 2_000)?.sent).toEqual({
    max_completion_tokens: 2_000,
  });
  expect(adapted('chat', { temperature: 0 }, ['temperature'], 2_000)?.sent).toEqual({ max_completion_tokens: 2_000 });
});

const REFUSED: readonly RefusedParameter[] = [
  'temperature',
  'temperature_unless_1',
  'top_p',
  'top_p_unless_1',
  'top_p_beside_temperature',
  'top_k',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'max_tokens',
  'max_completion_tokens',
];

test('whatever is refused, an output limit stays a limit that is no higher, and nothing else that is asked is lost', () => {
  const limit = fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined });
  const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
    fc.option(value, { nil: undefined });
  const fields = fc.record({
    max_tokens: limit,
    max_completion_tokens: limit,
    temperature: optional(fc.constantFrom(0, 0.5, 1)),
    top_p: optional(fc.constantFrom(0.5, 1)),
    logprobs: optional(fc.boolean()),
    stop: optional(fc.string()),
    n: optional(fc.integer({ min: 1, max: 3 })),
    response_format: optional(fc.constant({ type: 'json_object' })),
    tools: optional(fc.constant([{ type: 'function' }])),
  });
  const budget = optional(fc.integer({ min: 1, max: 50_000 }));
  fc.assert(
    fc.property(fields, fc.uniqueArray(fc.constantFrom(...REFUSED)), budget, (asked, refused, tokens) => {
      const result = adapted('chat', asked, refused, tokens);
      if (result === undefined) return;
      const sent: Readonly<Record<string, unknown>> = { ...result.sent };
      const most = tokens ?? Math.max(asked.max_tokens ?? 0, asked.max_completion_tokens ?? 0);
      const limits = [sent['max_tokens'], sent['max_completion_tokens']].filter((each) => each !== undefined);
      expect(limits.length > 0).toBe(most > 0);
      for (const each of limits) expect(each).toBeLessThanOrEqual(most);
      const isKnown = refused.includes('max_tokens') !== refused.includes('max_completion_tokens');
      if (isKnown)
        for (const name of refused.filter((each) => each.startsWith('max_'))) expect(sent).not.toHaveProperty(name);
      for (const name of ['stop', 'n', 'response_format', 'tools'] as const) expect(sent[name]).toEqual(asked[name]);
      expect(sent['logprobs'] === true).toBe(asked.logprobs === true);
    }),
    { numRuns: 1000 },
  );
});
