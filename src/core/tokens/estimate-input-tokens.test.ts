import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Prompt, PromptBlock, PromptMessage, PromptTool } from '../model/prompt.ts';
import { estimateInputTokens } from './estimate-input-tokens.ts';
import { inputTokenBound } from './input-token-bound.ts';
import { profileOfModel } from './profile-of-model.ts';

/** As many tokens as words, so that figures can be checked by eye. */
const words = (content: string): number => content.split(/\s+/).filter((word) => word !== '').length;

const GPT = profileOfModel({ model: 'gpt-4o' });
const GPT_5 = profileOfModel({ model: 'gpt-5' });
const CLAUDE = profileOfModel({ model: 'claude-sonnet-4-5' });

function says(role: PromptMessage['role'], ...blocks: readonly PromptBlock[]): PromptMessage {
  return { role, name: undefined, blocks };
}

function text(content: string): PromptBlock {
  return { kind: 'text', text: content };
}

function prompt(messages: readonly PromptMessage[], more: Partial<Prompt> = {}): Prompt {
  return { tools: [], mustCallTool: false, formatText: undefined, ...more, messages };
}

const TOOL: PromptTool = {
  kind: 'function',
  name: 'act',
  description: '',
  parameters: { type: 'object', properties: { a: { type: 'string' } } },
  text: '{"name":"act"}',
};
const ASKED = [says('user', text('one two three'))];

describe('texts of OpenAI', () => {
  test('a message is framed by 4 tokens, the answer is begun by 3, or by 2 where the model reasons', () => {
    expect(estimateInputTokens(prompt(ASKED), GPT, words)).toMatchObject({ totalTokens: 3 + 4 + 3, isExact: true });
    expect(estimateInputTokens(prompt(ASKED), GPT_5, words).totalTokens).toBe(3 + 4 + 2);
    const two = prompt([says('system', text('be kind')), ...ASKED]);
    expect(estimateInputTokens(two, GPT, words).totalTokens).toBe(5 + 8 + 3);
  });

  test('empty instructions make no message', () => {
    const empty = prompt([says('system', text('')), ...ASKED]);
    expect(estimateInputTokens(empty, GPT, words)).toEqual(estimateInputTokens(prompt(ASKED), GPT, words));
  });

  test('a call names its tool twice, and several at once are wrapped as one', () => {
    const call: PromptBlock = { kind: 'tool-call', callId: 'c', name: 'act', argumentsText: '{"a": 1}' };
    const result: PromptBlock = { kind: 'tool-result', callId: 'c', text: 'done' };
    const once = prompt([...ASKED, says('assistant', call), says('tool', result)]);
    expect(estimateInputTokens(once, GPT, words).totalTokens).toBe(3 + 2 * 1 + 2 + 5 + 1 + 3 * 4 + 3);
    const twice = prompt([...ASKED, says('assistant', call, call), says('tool', result), says('tool', result)]);
    const written =
      '{"tool_uses":[{"recipient_name":"functions.act","parameters":{"a": 1}},{"recipient_name":"functions.act","parameters":{"a": 1}}]}';
    expect(estimateInputTokens(twice, GPT, words).messageTokens).toBe(3 + words(written) + 2 + 7 + 2);
  });
});

describe('what is around texts', () => {
  test('tools make an estimate of an exact count, and less where a system message stands before them', () => {
    const alone = estimateInputTokens(prompt(ASKED, { tools: [TOOL] }), GPT, words);
    expect(alone.isExact).toBe(false);
    const led = estimateInputTokens(prompt([says('system', text('be')), ...ASKED], { tools: [TOOL] }), GPT, words);
    expect(alone.toolTokens - led.toolTokens).toBe(4);
  });

  test('a tool that must be called costs more at Anthropic, a deferred one or one that must not be called nothing', () => {
    const tokens = (more: Partial<Prompt>): number =>
      estimateInputTokens(prompt(ASKED, { tools: [TOOL], ...more }), CLAUDE, words).toolTokens;
    expect(tokens({ mustCallTool: true }) - tokens({})).toBe(102);
    expect(tokens({ mustNotCallTool: true })).toBe(0);
    expect(tokens({ tools: [{ ...TOOL, text: '{"name":"act","defer_loading":true}' }] })).toBe(0);
  });

  test("the provider's own tools cost their words, and deferred tools that a search found cost theirs", () => {
    const deferred: PromptTool = { ...TOOL, text: '{"name":"act","defer_loading":true}' };
    const search: PromptTool = { ...TOOL, kind: 'hosted', name: 'tool_search_tool_bm25', text: '{}' };
    const reference: PromptBlock = { kind: 'opaque', type: 'tool_reference', sizeBytes: 50 };
    const tokens = (tools: readonly PromptTool[], ...blocks: readonly PromptBlock[]): number =>
      estimateInputTokens(prompt([...ASKED, says('user', ...blocks)], { tools }), CLAUDE, words).toolTokens;
    expect(tokens([deferred])).toBe(0);
    expect(tokens([search])).toBe(492 + 215);
    expect(tokens([search, deferred], reference)).toBe(492 + 215 + Math.round(1.15 * 1 + 13));
    expect(tokens([{ ...search, name: 'constructor' }])).toBe(0);
  });

  test('thinking costs what asks for it; thoughts that are given back cost nothing', () => {
    const thought: PromptBlock = { kind: 'reasoning', text: 'long long thought' };
    const plain = estimateInputTokens(prompt(ASKED), CLAUDE, words).totalTokens;
    expect(estimateInputTokens(prompt(ASKED, { thinks: true }), CLAUDE, words).totalTokens).toBe(plain + 28);
    const given = prompt([...ASKED, says('assistant', thought)]);
    expect(estimateInputTokens(given, CLAUDE, words).messageTokens).toBe(
      estimateInputTokens(prompt(ASKED), CLAUDE, words).messageTokens,
    );
  });

  test('an image counts by its size; a file counts nothing and makes the whole partial', () => {
    const image: PromptBlock = {
      kind: 'image',
      data: undefined,
      mediaType: undefined,
      width: 1024,
      height: 1024,
      detail: undefined,
    };
    expect(estimateInputTokens(prompt([says('user', image)]), GPT, words).imageTokens).toBe(765);
    const file: PromptBlock = { kind: 'opaque', type: 'file', sizeBytes: 9000 };
    const partial = estimateInputTokens(prompt([says('user', text('one'), file)]), GPT, words);
    expect(partial).toMatchObject({ isPartial: true, isExact: false, totalTokens: 1 + 4 + 3 });
    expect(inputTokenBound(prompt([says('user', file)]), GPT, words)).toBeUndefined();
    const odd: PromptBlock = { kind: 'opaque', type: 'constructor', sizeBytes: 1 };
    expect(estimateInputTokens(prompt([says('user', odd)]), GPT, words).isPartial).toBe(true);
    expect(inputTokenBound(prompt(ASKED, { tools: [{ ...TOOL, kind: 'hosted' }] }), GPT, words)).toBeUndefined();
  });

  test('a schema for the answer costs what the model is shown of it, a format without one nothing', () => {
    const schema = '{"title":"T","type":"object","properties":{"title":{"type":"string"}},"required":["title"]}';
    const shown = '# Response Formats\n\n## format\n\n{"type":"object","properties":{"title":{"type":"string"}}}';
    const seen: string[] = [];
    estimateInputTokens(prompt(ASKED, { formatText: schema }), GPT, (written) => (seen.push(written), 1));
    expect(seen).toContain(shown);
    const json = estimateInputTokens(prompt(ASKED, { formatText: '{"type":"json_object"}' }), GPT, words);
    expect(json.formatTokens).toBe(0);
  });
});

const anyCharacter = fc.integer({ min: 0, max: 0x10_ffff }).map((code) => String.fromCodePoint(code));
const anyText = fc.string({ unit: anyCharacter, maxLength: 30 });
const anyBlock: fc.Arbitrary<PromptBlock> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: anyText }),
  fc.record({ kind: fc.constant('reasoning' as const), text: anyText }),
  fc.record({ kind: fc.constant('tool-result' as const), callId: anyText, text: anyText }),
  fc.record({
    kind: fc.constant('tool-call' as const),
    callId: anyText,
    name: anyText,
    argumentsText: fc.oneof(anyText, fc.json(), fc.constant('')),
  }),
  fc.record({
    kind: fc.constant('image' as const),
    data: fc.option(fc.base64String(), { nil: undefined }),
    mediaType: fc.constant(undefined),
    width: fc.option(fc.integer({ min: 1, max: 9000 }), { nil: undefined }),
    height: fc.option(fc.integer({ min: 1, max: 9000 }), { nil: undefined }),
    detail: fc.constantFrom(undefined, 'low' as const, 'high' as const),
  }),
  fc.record({
    kind: fc.constant('opaque' as const),
    type: fc.oneof(anyText, fc.constant('__proto__'), fc.constant('thought-signature')),
    sizeBytes: fc.nat(9999),
  }),
);
const anyPrompt: fc.Arbitrary<Prompt> = fc.record({
  tools: fc.array(
    fc.record({
      kind: fc.constantFrom('function' as const, 'custom' as const, 'hosted' as const),
      name: anyText,
      description: anyText,
      parameters: fc.jsonValue(),
      text: fc.json(),
    }),
    { maxLength: 3 },
  ),
  mustCallTool: fc.boolean(),
  messages: fc.array(
    fc.record({
      role: fc.constantFrom('system' as const, 'user' as const, 'assistant' as const, 'tool' as const),
      name: fc.option(anyText, { nil: undefined }),
      blocks: fc.array(anyBlock, { maxLength: 4 }),
    }),
    { maxLength: 5 },
  ),
  formatText: fc.option(fc.json(), { nil: undefined }),
});
const anyModel = fc.constantFrom(
  'gpt-4o',
  'gpt-5',
  'claude-opus-5',
  'gemini-3',
  'mistral-large',
  'nova-pro',
  'command-a',
  'x',
);

test('the bound holds for several calls of tools that are written as one, however they are counted', () => {
  const call = { kind: 'tool-call' as const, callId: '', name: '', argumentsText: '' };
  const message = { role: 'system' as const, name: undefined, blocks: [call, call] };
  const given: Prompt = { tools: [], mustCallTool: false, messages: [message], formatText: undefined };
  const profile = profileOfModel({ model: 'gpt-4o' });
  const characters = (content: string): number => content.length;
  const bound = inputTokenBound(given, profile, characters);
  expect(bound).toBeGreaterThanOrEqual(estimateInputTokens(given, profile, characters).totalTokens);
});

test('of any prompt and model the parts sum to the total, and the bound is not below it', () => {
  const characters = (content: string): number => content.length;
  fc.assert(
    fc.property(anyPrompt, anyModel, (given, model) => {
      const profile = profileOfModel({ model });
      const { totalTokens, isExact, isPartial, ...parts } = estimateInputTokens(given, profile, characters);
      expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(totalTokens);
      expect(isExact && isPartial).toBe(false);
      const bound = inputTokenBound(given, profile, characters);
      expect(bound === undefined).toBe(isPartial);
      // Images whose size is not known are guessed small, and tools that are forbidden may cost less than nothing by the rules.
      if (bound !== undefined && profile.isExact) expect(bound).toBeGreaterThanOrEqual(totalTokens - parts.toolTokens);
    }),
  );
});
