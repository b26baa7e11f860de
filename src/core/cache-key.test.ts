import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cacheKey, type CacheKeyParts, cacheScope, encodeCacheKey, rawKey, type RawKeyParts } from './cache-key.ts';

const sha256 = (data: string | Uint8Array): string => hash('sha256', data, 'hex');

const CHAT = {
  model: 'gpt-5.4-mini',
  temperature: 0,
  max_tokens: 100,
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'How far is it from Rome to Paris?' },
  ],
};

function parts(body: Record<string, unknown>, changes: Partial<CacheKeyParts> = {}): CacheKeyParts {
  return {
    scope: cacheScope('project', 'alpha'),
    endpoint: 'chat',
    target: { provider: 'openai', model: 'gpt-5.4-mini' },
    providerIdentity: 'https://api.openai.com/v1',
    policyFingerprint: 'none',
    headers: {},
    body,
    rawBody: JSON.stringify(body),
    ...changes,
  };
}

function keyOf(body: Record<string, unknown>, changes: Partial<CacheKeyParts> = {}): string {
  return cacheKey(parts(body, changes), sha256);
}

function parsedKey(text: string, changes: Partial<CacheKeyParts> = {}): string {
  return keyOf(JSON.parse(text) as Record<string, unknown>, { rawBody: text, ...changes });
}

const MESSAGES = { endpoint: 'messages' } as const;
const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' });

/** Reads an encoding back: that this is possible proves that no two values encode alike. */
class Decoder {
  readonly #text: string;
  at = 0;
  constructor(text: string) {
    this.#text = text;
  }
  value(): unknown {
    const tag = this.#text[this.at++];
    if (tag === 'N') return null;
    if (tag === 'T' || tag === 'F') return tag === 'T';
    if (tag === 'n') return Number(this.#until(';'));
    const length = Number(this.#until(':'));
    if (tag === 's') return this.#take(length);
    if (tag === 'a') return Array.from({ length }, () => this.value());
    if (tag !== 'o') throw new Error(`no tag ${tag}`);
    return Object.fromEntries(
      Array.from({ length }, () => [this.#take(Number(this.#until(':'))), this.value()] as const),
    );
  }
  #until(end: string): string {
    const stop = this.#text.indexOf(end, this.at);
    const text = this.#text.slice(this.at, stop);
    this.at = stop + 1;
    return text;
  }
  #take(length: number): string {
    this.at += length;
    return this.#text.slice(this.at - length, this.at);
  }
}

function shuffled(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => shuffled(item));
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, child]) => [key, shuffled(child)]),
  );
}

describe('the encoding', () => {
  test('can be read back to every part and the whole body', () => {
    fc.assert(
      fc.property(json, fc.string({ unit: 'binary' }), (content, name) => {
        const encoded = encodeCacheKey(parts({ messages: content, unheard_of: content, [`x${name}`]: name }));
        const decoder = new Decoder(encoded);
        const head = Array.from({ length: 11 }, () => decoder.value());
        expect(head[1]).toBe('project:alpha');
        expect(decoder.value()).toEqual({ messages: content, unheard_of: content, [`x${name}`]: name });
        expect(decoder.at).toBe(encoded.length);
      }),
    );
  });

  test('border cases that plain concatenation would confuse are apart', () => {
    const values = [
      '',
      's0:',
      null,
      'null',
      0,
      '0',
      -0,
      false,
      [],
      {},
      [''],
      [[]],
      ['a', 'b'],
      ['a,b'],
      ['ab', ''],
      { a: 1 },
    ];
    expect(new Set(values.map((value) => keyOf({ stop: value }))).size).toBe(values.length);
  });

  test('a value that JSON does not have is refused', () => {
    expect(() => keyOf({ seed: 1n })).toThrow(TypeError);
  });
});

describe('equal calls', () => {
  test('the order of keys in the envelope does not change the key', () => {
    const body = {
      ...CHAT,
      tools: [{ type: 'function', function: { name: 'f', description: 'd', strict: true } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
    };
    expect(keyOf(shuffled(body) as typeof body)).toBe(keyOf(body));
  });

  test('no order of keys in messages changes the key', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ role: fc.string(), content: fc.string(), name: fc.string() })), (messages) => {
        expect(keyOf({ messages: shuffled(messages) })).toBe(keyOf({ messages }));
      }),
    );
  });

  test.each([
    ['stream', true],
    ['stream_options', { include_usage: true }],
    ['user', 'alice'],
    ['metadata', { a: 'b' }],
    ['safety_identifier', 's'],
    ['service_tier', 'flex'],
    ['prompt_cache_key', 'k'],
    ['prediction', { type: 'content', content: 'x' }],
  ])('%s does not change the key of a chat', (field, value) => {
    expect(keyOf({ ...CHAT, [field]: value })).toBe(keyOf(CHAT));
  });

  test('Anthropic cache marks are left out wherever they may stand', () => {
    const mark = { cache_control: { type: 'ephemeral', ttl: '1h' } };
    const body = (extra: object): Record<string, unknown> => ({
      model: 'claude',
      ...extra,
      system: [{ type: 'text', text: 's', ...extra }],
      tools: [{ name: 't', input_schema: { type: 'object' }, ...extra }],
      messages: [
        {
          role: 'user',
          content: [{ type: 'tool_result', content: [{ type: 'text', text: 'x', ...extra }], ...extra }],
        },
        {
          role: 'user',
          content: [{ type: 'document', source: { type: 'content', content: [{ type: 'text', ...extra }] } }],
        },
      ],
    });
    expect(keyOf(body(mark), MESSAGES)).toBe(keyOf(body({}), MESSAGES));
    expect(keyOf(body({ cache_control: null }), MESSAGES)).toBe(keyOf(body({}), MESSAGES));
  });

  test('the order and spacing of a beta list does not matter', () => {
    const one = keyOf(CHAT, { ...MESSAGES, headers: { 'anthropic-beta': 'a-1, b-2' } });
    expect(keyOf(CHAT, { ...MESSAGES, headers: { 'anthropic-beta': 'b-2,a-1,,a-1' } })).toBe(one);
  });

  test('other headers do not matter', () => {
    expect(keyOf(CHAT, { headers: { 'user-agent': 'x', 'x-farthing-tags': 'user=a' } })).toBe(keyOf(CHAT));
  });
});

describe('calls that differ', () => {
  const schema = (properties: object): object => ({ type: 'object', properties });
  const ab = schema({ a: {}, b: {} });
  const ba = schema({ b: {}, a: {} });

  test.each<[string, Record<string, unknown>, Record<string, unknown>, Partial<CacheKeyParts>?]>([
    ['chat tools', { tools: [{ function: { parameters: ab } }] }, { tools: [{ function: { parameters: ba } }] }],
    ['functions', { functions: [{ parameters: ab }] }, { functions: [{ parameters: ba }] }],
    [
      'response_format',
      { response_format: { json_schema: { schema: ab } } },
      { response_format: { json_schema: { schema: ba } } },
    ],
    ['responses tools', { tools: [{ parameters: ab }] }, { tools: [{ parameters: ba }] }, { endpoint: 'responses' }],
    [
      'text.format',
      { text: { format: { schema: ab } } },
      { text: { format: { schema: ba } } },
      { endpoint: 'responses' },
    ],
    ['input_schema', { tools: [{ input_schema: ab }] }, { tools: [{ input_schema: ba }] }, MESSAGES],
    [
      'output_config',
      { output_config: { format: { schema: ab } } },
      { output_config: { format: { schema: ba } } },
      MESSAGES,
    ],
    ['output_format', { output_format: { schema: ab } }, { output_format: { schema: ba } }, MESSAGES],
    [
      'tool input',
      { messages: [{ content: [{ input: ab }] }] },
      { messages: [{ content: [{ input: ba }] }] },
      MESSAGES,
    ],
    ['an unknown field', { unheard_of: ab }, { unheard_of: ba }],
  ])('the order of keys counts in %s', (_, left, right, changes) => {
    expect(keyOf(left, changes)).not.toBe(keyOf(right, changes));
  });

  test('a schema with number-like names is not confused with one in another order', () => {
    const text = (properties: string): string => `{"tools":[{"function":{"parameters":{${properties}}}}]}`;
    expect(parsedKey(text('"1":{},"a":{}'))).not.toBe(parsedKey(text('"a":{},"1":{}')));
  });

  test('a `cache_control` that is data counts', () => {
    const input = (value: unknown): Record<string, unknown> => ({
      messages: [{ role: 'assistant', content: [{ type: 'tool_use', input: { cache_control: value } }] }],
    });
    expect(keyOf(input({ type: 'ephemeral' }), MESSAGES)).not.toBe(keyOf(input({ type: 'ephemeral', a: 1 }), MESSAGES));
    const chat = (value: unknown): Record<string, unknown> => ({ messages: [{ role: 'user', cache_control: value }] });
    expect(keyOf(chat({ type: 'ephemeral' }))).not.toBe(keyOf(chat(undefined)));
    const block = (value: unknown): Record<string, unknown> => ({
      messages: [{ content: [{ cache_control: value }] }],
    });
    expect(keyOf(block('no-store'), MESSAGES)).not.toBe(keyOf(block('public'), MESSAGES));
  });

  test('numbers that parse alike are apart by their text', () => {
    const text = (number: string): string => `{"seed":${number}}`;
    expect(parsedKey(text('9007199254740993'))).not.toBe(parsedKey(text('9007199254740992')));
    expect(parsedKey(text('1e400'))).not.toBe(parsedKey(text('1e401')));
    expect(parsedKey(text('-0'))).not.toBe(parsedKey(text('0')));
    expect(parsedKey('{"seed":9007199254740991,"user":"a"}')).toBe(parsedKey('{"seed":9007199254740991,"user":"b"}'));
  });

  test('a long array of numbers is encoded as its numbers one by one, in schemas and elsewhere', () => {
    const numbers = fc.array(
      fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(-0, 0, 2 ** 53)),
      {
        minLength: 10,
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(numbers, (array) => {
        const plain = array.map((number) => `n${Object.is(number, -0) ? '-0' : number};`).join('');
        expect(encodeCacheKey(parts({ messages: array }))).toContain(`a${array.length}:${plain}`);
        expect(encodeCacheKey(parts({ unheard_of: array }))).toContain(`a${array.length}:${plain}`);
        const lossy = array.some((number) => Math.abs(number) > Number.MAX_SAFE_INTEGER);
        expect(keyOf({ messages: array }, { rawBody: 'a' }) === keyOf({ messages: array }, { rawBody: 'b' })).toBe(
          !lossy,
        );
      }),
    );
  });

  test('lone surrogates are apart, which UTF-8 would make one character', () => {
    const contents = ['a\uD800b', 'a\uD801b', 'a\uDC00b', 'a\uFFFDb', 'a\\ud800b'];
    expect(new Set(contents.map((content) => keyOf({ messages: content }))).size).toBe(contents.length);
  });
});

describe('near misses', () => {
  const user = (content: unknown): Record<string, unknown> => ({
    ...CHAT,
    messages: [CHAT.messages[0], { role: 'user', content }],
  });
  const { temperature: _, ...absent } = CHAT;
  const variants: Readonly<Record<string, string>> = {
    plain: keyOf(CHAT),
    'another direction': keyOf(user('How far is it from Paris to Rome?')),
    'a negation': keyOf(user('How far is it not from Rome to Paris?')),
    'another number': keyOf(user('How far is it from Rome 2 to Paris?')),
    'a space': keyOf(user('How far is it from Rome to Paris? ')),
    'another case': keyOf(user('how far is it from Rome to Paris?')),
    'content as parts': keyOf(user([{ type: 'text', text: 'How far is it from Rome to Paris?' }])),
    'a composed accent': keyOf(user('caf\u00E9')),
    'a decomposed accent': keyOf(user('cafe\u0301')),
    'no system message': keyOf({ ...CHAT, messages: [CHAT.messages[1]] }),
    'the system message last': keyOf({ ...CHAT, messages: CHAT.messages.toReversed() }),
    'one message more': keyOf({ ...CHAT, messages: [...CHAT.messages, CHAT.messages[1]] }),
    'absent temperature': keyOf(absent),
    'null temperature': keyOf({ ...CHAT, temperature: null }),
    'temperature 1': keyOf({ ...CHAT, temperature: 1 }),
    'a seed': keyOf({ ...CHAT, seed: 0 }),
    'two samples': keyOf({ ...CHAT, n: 2 }),
    'another limit': keyOf({ ...CHAT, max_tokens: 101 }),
    'the limit by its other name': keyOf({ ...CHAT, max_tokens: undefined, max_completion_tokens: 100 }),
    tools: keyOf({ ...CHAT, tools: [{ type: 'function', function: { name: 'f' } }] }),
    'another tool': keyOf({ ...CHAT, tools: [{ type: 'function', function: { name: 'g' } }] }),
    'a response format': keyOf({ ...CHAT, response_format: { type: 'json_object' } }),
    effort: keyOf({ ...CHAT, reasoning_effort: 'low' }),
    store: keyOf({ ...CHAT, store: true }),
    'an unknown field': keyOf({ ...CHAT, unheard_of: 1 }),
    'another unknown value': keyOf({ ...CHAT, unheard_of: 2 }),
    'another scope': keyOf(CHAT, { scope: cacheScope('project', 'beta') }),
    'a key as scope': keyOf(CHAT, { scope: cacheScope('key', 'alpha') }),
    'another endpoint': keyOf(CHAT, { endpoint: 'responses' }),
    'another model': keyOf(CHAT, { target: { provider: 'openai', model: 'gpt-5.4' } }),
    'another provider': keyOf(CHAT, { target: { provider: 'backup', model: 'gpt-5.4-mini' } }),
    'another address': keyOf(CHAT, { providerIdentity: 'https://example.com/v1' }),
    'another policy': keyOf(CHAT, { policyFingerprint: 'optimise:1' }),
    'a version header': keyOf(CHAT, { headers: { 'anthropic-version': '2023-06-01' } }),
    'a beta header': keyOf(CHAT, { headers: { 'anthropic-beta': '2023-06-01' } }),
    'an empty header': keyOf(CHAT, { headers: { 'anthropic-version': '' } }),
  };

  test('all have keys of their own', () => {
    const names = Object.keys(variants);
    const firstWith = (key: string | undefined): string | undefined => names.find((name) => variants[name] === key);
    const collisions = names.filter((name) => firstWith(variants[name]) !== name);
    expect(collisions).toEqual([]);
    expect(Object.keys(variants).length).toBeGreaterThan(30);
  });

  test('the model of the body does not count: the target does', () => {
    expect(keyOf({ ...CHAT, model: 'alias' })).toBe(keyOf(CHAT));
  });
});

describe('scopes', () => {
  test('no scope shares a key with another, over 100,000 random pairs', () => {
    const ids = fc.sample(fc.tuple(fc.string(), fc.string(), fc.constantFrom('project', 'key')), {
      numRuns: 100_000,
      seed: 20_261_123,
    });
    let shared = 0;
    for (const [one, other, kind] of ids) {
      if (one === other || one === '' || other === '') continue;
      const scopeKind = kind === 'key' ? 'key' : 'project';
      const left = encodeCacheKey(parts({}, { scope: cacheScope(scopeKind, one) }));
      const right = encodeCacheKey(parts({}, { scope: cacheScope('project', other) }));
      shared += Number(left === right);
    }
    expect(shared).toBe(0);
  });

  test('a scope without an id is refused', () => {
    expect(() => cacheScope('project', '')).toThrow(RangeError);
  });
});

describe('the raw key', () => {
  const raw: RawKeyParts = {
    scope: cacheScope('project', 'alpha'),
    endpoint: 'chat',
    headers: {},
    policyVersion: '1',
    body: new TextEncoder().encode('{"model":"m"}'),
  };

  test('changes with everything that it covers', () => {
    const names = 'anthropic-version anthropic-beta openai-beta cache-control x-farthing-cache x-farthing-route';
    const steering: RawKeyParts[] = [];
    for (const name of names.split(' ')) steering.push({ ...raw, headers: { [name]: 'on' } });
    const variants = [
      raw,
      { ...raw, scope: cacheScope('project', 'beta') },
      { ...raw, endpoint: 'responses' as const },
      { ...raw, policyVersion: '2' },
      { ...raw, body: new TextEncoder().encode('{"model": "m"}') },
      ...steering,
      { ...raw, headers: { 'anthropic-beta': '' } },
    ];
    expect(new Set(variants.map((variant) => rawKey(variant, sha256))).size).toBe(variants.length);
  });

  test('is the same for the same bytes, whatever the other headers', () => {
    const again = { ...raw, body: raw.body.slice(), headers: { 'user-agent': 'x' } };
    expect(rawKey(again, sha256)).toBe(rawKey(raw, sha256));
  });
});
