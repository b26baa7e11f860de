import type { Endpoint } from '../../src/core/model/protocol.ts';

/** Content that no error message may quote. */
export const SECRET = 'TOPSECRET';

const turn = { role: 'user', content: SECRET };
const tool = {
  type: 'function',
  function: { name: 'f', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
};

const BODIES: Readonly<Record<Endpoint, readonly object[]>> = {
  chat: [
    {
      model: 'm',
      messages: [
        turn,
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', function: { name: 'f', arguments: `{"a":"${SECRET}"}` } }],
        },
      ],
      tools: [tool],
    },
    {
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'text', text: SECRET }] }],
      stream: true,
      stream_options: { include_usage: false },
      n: 2,
      seed: 7,
      temperature: 0,
      max_tokens: 9,
    },
  ],
  responses: [
    { model: 'm', input: SECRET, stream: true, store: false, max_output_tokens: 9, temperature: 1 },
    {
      model: 'm',
      input: [turn, { type: 'function_call_output', call_id: 'c', output: SECRET }],
      tools: [{ type: 'web_search' }],
      background: false,
    },
  ],
  embeddings: [
    { model: 'm', input: [SECRET, 'b'], encoding_format: 'base64', dimensions: 8 },
    { model: 'm', input: [[1, 2], [3]], user: SECRET },
  ],
  messages: [
    {
      model: 'm',
      max_tokens: 9,
      system: [{ type: 'text', text: SECRET, cache_control: { type: 'ephemeral' } }],
      messages: [turn],
      stream: true,
      tools: [{ name: 'f', input_schema: { type: 'object' } }],
      top_k: 5,
    },
    {
      model: 'm',
      max_tokens: 0,
      system: SECRET,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'é😀' }] }],
      temperature: 0.5,
    },
  ],
  'count-tokens': [{ model: 'm', messages: [turn], system: SECRET, tools: [{ name: 'f', input_schema: {} }] }],
};

const VALUES = [
  'null',
  'true',
  '-1',
  '0',
  '1.5',
  '1e999',
  '-0',
  '99999999999999999999',
  '""',
  '"x"',
  String.raw`"\ud800"`,
  String.raw`"\u0000"`,
  '[]',
  '[null]',
  '[[]]',
  '[{}]',
  '{}',
  '{"__proto__":{}}',
  String.raw`{"\u005f_proto__":1}`,
  '{"a":1,"a":2}',
  '{"constructor":{"prototype":1}}',
  `${'['.repeat(80)}${']'.repeat(80)}`,
  '"toString"',
  '{"toString":1,"length":-1}',
  `"${'y'.repeat(300)}"`,
  '{"include_usage":1}',
] as const;

const SNIPPETS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '0',
  'e',
  '-',
  ' ',
  '\u0000',
  '\n',
  '"a":1,',
  '"model":"x",',
  '"model":1,',
  '"stream":"x",',
  '"api_base":"http://x",',
  '\\u',
  '\\ud83d',
  'null',
  '//',
  "'",
  '\uFEFF',
  '"messages":[],',
  '"input":5,',
  '"__proto__":1,',
  '[['.repeat(50),
] as const;

/** A generator of whole numbers below a bound, the same for the same seed (mulberry32). */
function numbersFrom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** Puts a strange value where a value of the body is. */
function swapValue(text: string, below: (bound: number) => number): string {
  const colons = [...text.matchAll(/[:[,](?=["\d{[tfn])/g)].map((match) => match.index + 1);
  const start = colons[below(colons.length)] ?? 0;
  const value =
    /^(?:"(?:[^"\\]|\\.)*"|[\d.]+|true|false|null|\{\}|\[\]|\{[^{}]*\}|\[[^[\]]*\]|.)/s.exec(text.slice(start))?.[0] ??
    '';
  return text.slice(0, start) + (VALUES[below(VALUES.length)] ?? '') + text.slice(start + value.length);
}

/** Damages a body in one to three places; now and then a single byte as well. */
function mutate(text: string, below: (bound: number) => number): Uint8Array {
  let changed = text;
  for (let step = below(3); step >= 0; step -= 1) {
    const at = below(changed.length + 1);
    const kind = below(10);
    if (kind < 5) changed = swapValue(changed, below);
    else if (kind < 7) changed = changed.slice(0, at) + (SNIPPETS[below(SNIPPETS.length)] ?? '') + changed.slice(at);
    else if (kind < 8) changed = changed.slice(0, at) + changed.slice(at + 1 + below(10));
    else if (kind < 9) changed = changed.replace('{', `{${SNIPPETS[below(SNIPPETS.length)] ?? ''}`);
    else changed = changed.slice(0, Math.max(1, at));
  }
  const bytes = new TextEncoder().encode(changed);
  if (below(10) === 0 && bytes.length > 0) bytes[below(bytes.length)] = below(256);
  return bytes;
}

/** A damaged text, the same for the same seed; many are still sound. */
export function mutatedText(text: string, seed: number): Uint8Array {
  return mutate(text, numbersFrom(seed));
}

/** A damaged body of an endpoint, the same for the same seed; many are still sound. */
export function mutatedBody(endpoint: Endpoint, seed: number): Uint8Array {
  const below = numbersFrom(seed);
  const bodies = BODIES[endpoint];
  return mutate(JSON.stringify(bodies[below(bodies.length)] ?? {}), below);
}
