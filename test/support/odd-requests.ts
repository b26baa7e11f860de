import * as fc from 'fast-check';
import type { Endpoint } from '../../src/core/model/protocol.ts';

/** A request as text, written as no serialiser would write it. @internal */
export interface OddRequest {
  readonly endpoint: Exclude<Endpoint, 'embeddings'>;
  readonly text: string;
}

/** A number that is written so and is not the same once it has been parsed and printed. */
class Literal {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = Literal | string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

const words = fc.string({ unit: 'grapheme', maxLength: 12 });
const odd: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom(...['12345678901234567890', '1.0', '-0', '1e400', '0.10000'].map((text) => new Literal(text))),
  words,
  fc.constantFrom<Value>(null, true, [], {}, [[]], { cache_control: 'data' }),
);
const unknownFields = fc.dictionary(fc.constantFrom('x', 'y"z', 'é', 'weight'), odd, { maxKeys: 2 });

function object(fields: Record<string, fc.Arbitrary<Value>>): fc.Arbitrary<Value> {
  return fc.tuple(fc.record(fields), unknownFields).map(([known, unknown]) => Object.assign({}, known, unknown));
}

function list(element: fc.Arbitrary<Value>, minLength = 0): fc.Arbitrary<Value> {
  return fc.array(element, { minLength, maxLength: 3 });
}

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg==';
const nothing = fc.constantFrom<Value>(null, 7, 'text', []);
const mark = fc.constantFrom<Value>(null, { type: 'ephemeral' });

const chatPart = fc.oneof(
  object({ type: fc.constant('text'), text: words }),
  object({
    type: fc.constant('image_url'),
    image_url: fc.constant({ url: `data:image/png;base64,${pixel}`, detail: 'low' }),
  }),
  object({ type: fc.constantFrom('refusal', 'file', 'text', 'audio_url'), refusal: words }),
  words,
  nothing,
);
const chatContent = fc.oneof(words, list(chatPart), fc.constant(null));
const chatCall = fc.oneof(
  object({ id: words, type: fc.constant('function'), function: object({ name: words, arguments: words }) }),
  object({ id: words, type: fc.constant('custom'), custom: object({ name: words, input: words }) }),
  nothing,
);
const chatBody = object({
  model: fc.constant('gpt-6'),
  tools: list(object({ type: fc.constant('function'), function: object({ name: words, parameters: odd }) })),
  messages: list(
    fc.oneof(
      object({ role: fc.constantFrom('system', 'developer', 'user', 'critic'), content: chatContent, name: words }),
      object({ role: fc.constant('assistant'), content: chatContent, tool_calls: fc.oneof(list(chatCall), nothing) }),
      object({ role: fc.constantFrom('tool', 'function'), content: chatContent, tool_call_id: words }),
    ),
    1,
  ),
});

const anthropicText = object({ type: fc.constant('text'), text: words, cache_control: mark });
const anthropicBlock = fc.oneof(
  anthropicText,
  object({
    type: fc.constant('image'),
    source: fc.constant({ type: 'base64', media_type: 'image/png', data: pixel }),
  }),
  object({ type: fc.constant('tool_use'), id: words, name: words, input: fc.constant({ big: new Literal('1e400') }) }),
  object({ type: fc.constantFrom('thinking', 'redacted_thinking'), thinking: words, data: words }),
  object({ type: fc.constant('document'), title: words, source: object({ type: fc.constant('text'), data: words }) }),
  object({ type: fc.constantFrom('server_tool_use', 'x') }),
  nothing,
);
const anthropicResult = object({
  type: fc.constant('tool_result'),
  tool_use_id: words,
  content: fc.oneof(words, list(anthropicBlock), fc.constant(null)),
});
const anthropicBody = object({
  model: fc.constant('claude-opus-5'),
  max_tokens: fc.constant(100),
  system: fc.oneof(words, list(anthropicText)),
  tools: list(object({ name: words, input_schema: odd, cache_control: mark })),
  messages: list(
    object({
      role: fc.constantFrom('user', 'assistant', 'system', 'critic'),
      content: fc.oneof(words, list(fc.oneof(anthropicBlock, anthropicResult))),
    }),
    1,
  ),
});

const responsesPart = fc.oneof(
  object({ type: fc.constantFrom('input_text', 'output_text', 'input_file'), text: words }),
  object({
    type: fc.constant('input_image'),
    image_url: fc.constantFrom(`data:image/png;base64,${pixel}`, 'https://x/y'),
  }),
  nothing,
);
const item = fc.oneof(
  object({
    role: fc.constantFrom('user', 'assistant', 'developer'),
    content: fc.oneof(words, list(responsesPart)),
  }),
  object({ type: fc.constant('function_call'), call_id: words, name: words, arguments: words }),
  object({ type: fc.constant('shell_call'), call_id: words, action: odd }),
  object({ type: fc.constant('function_call_output'), call_id: words, output: fc.oneof(words, list(responsesPart)) }),
  object({
    type: fc.constant('reasoning'),
    summary: list(object({ type: fc.constant('summary_text'), text: words })),
    encrypted_content: fc.oneof(words, fc.constant(null)),
  }),
  object({ type: fc.constantFrom('item_reference', 'mcp_call', 'computer_call_output'), id: words, output: odd }),
);
const responsesBody = object({
  model: fc.constant('gpt-6'),
  instructions: fc.oneof(words, fc.constant(null)),
  input: fc.oneof(words, list(item)),
  tools: list(object({ type: fc.constantFrom('function', 'custom', 'web_search'), name: words, parameters: odd })),
});

/**
 * Sound requests of all protocols with every kind of block, some of them malformed, with unknown fields; written with odd spacing, escapes that nobody needs and
 * numbers that no parser keeps.
 * @internal
 */
export function oddRequest(): fc.Arbitrary<OddRequest> {
  const bodies: readonly (readonly [OddRequest['endpoint'], fc.Arbitrary<Value>])[] = [
    ['chat', chatBody],
    ['responses', responsesBody],
    ['messages', anthropicBody],
  ];
  return fc.oneof(
    ...bodies.map(([endpoint, body]) =>
      fc.tuple(body, fc.nat()).map(([value, seed]) => ({ endpoint, text: written(value, numbers(seed)) })),
    ),
  );
}

/** Numbers 0..1 of a linear congruential generator. */
function numbers(seed: number): () => number {
  let state = seed % 2_147_483_647;
  return () => {
    state = (state * 48_271 + 11) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function written(value: Value, next: () => number): string {
  const space = (): string => (next() < 0.7 ? '' : ([' ', '\n', '\t', ' \r\n  '][Math.floor(next() * 4)] ?? ''));
  if (value instanceof Literal) return value.text;
  if (typeof value === 'string') return writtenString(value, next);
  if (Array.isArray(value))
    return `[${space()}${value.map((each) => written(each, next) + space()).join(`,${space()}`)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, each]) => `${writtenString(name, next)}${space()}:${space()}${written(each, next)}${space()}`,
  );
  return `{${space()}${members.join(`,${space()}`)}}`;
}

function writtenString(value: string, next: () => number): string {
  let text = '';
  for (const character of value) {
    const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'));
    if (character === '/' && next() < 0.5) text += String.raw`\/`;
    else if (next() < 0.05) text += units.map((unit) => String.raw`\u${unit}`).join('');
    else text += JSON.stringify(character).slice(1, -1);
  }
  return `"${text}"`;
}
