import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import type { AnswerCheck } from '../../src/core/verify/answer-check.ts';
import type { AnswerTerms } from '../../src/core/verify/answer-view.ts';
import { checkAnswer } from '../../src/core/verify/check-answer.ts';
import { refusalFault } from '../../src/core/verify/refusal-check.ts';
import { validateBySchema } from '../../src/engine/schema-validator.ts';
import { answerTerms } from '../../src/wire/answer-terms.ts';
import { answerViews } from '../../src/wire/answer-view.ts';
import { decodeRequest } from '../../src/wire/decode-request.ts';
import { hasData } from '../support/shared-data.ts';
import { type WireRecording, wireRecordings } from '../support/wire-recordings.ts';

function termsOf(endpoint: Endpoint, body: object): AnswerTerms {
  return answerTerms(decodeRequest(endpoint, new TextEncoder().encode(JSON.stringify(body))));
}

/** A reply of one answer in each protocol, cut down from recorded ones. */
const REPLIES = {
  chat: (message: object, end = 'stop') => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [
      { index: 0, message: { role: 'assistant', content: null, refusal: null, ...message }, finish_reason: end },
    ],
  }),
  responses: (output: readonly object[], status = 'completed', reason?: string) => ({
    id: 'resp_1',
    object: 'response',
    status,
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    output: [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] }, ...output],
  }),
  messages: (content: readonly object[], end = 'end_turn') => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    content: [{ type: 'thinking', thinking: 'Hm.', signature: 'x' }, ...content],
    stop_reason: end,
  }),
};

function said(text: string, more: object = {}): object {
  return { type: 'message', role: 'assistant', content: [{ type: 'output_text', text, annotations: [], ...more }] };
}

describe('answers are read alike from all protocols', () => {
  test.each<[Endpoint, unknown]>([
    ['chat', REPLIES.chat({ content: 'Four.' })],
    [
      'chat',
      REPLIES.chat({
        content: [
          { type: 'thinking', thinking: [] },
          { type: 'text', text: 'Four.' },
        ],
      }),
    ],
    ['responses', REPLIES.responses([said('Four.')])],
    ['messages', REPLIES.messages([{ type: 'text', text: 'Four.' }])],
  ])('a text by %s', (endpoint, body) => {
    expect(answerViews(endpoint, body)).toEqual([{ text: 'Four.', toolCalls: [], finish: 'complete' }]);
  });

  const argumentsText = '{"city":"Bonn"}';
  test.each<[Endpoint, unknown]>([
    ['chat', REPLIES.chat({ tool_calls: [{ id: 'a', function: { name: 'weather', arguments: argumentsText } }] })],
    ['chat', REPLIES.chat({ tool_calls: [{ function: { name: 'weather', arguments: { city: 'Bonn' } } }] })],
    ['chat', REPLIES.chat({ function_call: { name: 'weather', arguments: argumentsText } }, 'function_call')],
    ['chat', REPLIES.chat({ tool_calls: [{ type: 'custom', custom: { name: 'weather', input: argumentsText } }] })],
    ['responses', REPLIES.responses([{ type: 'function_call', name: 'weather', arguments: argumentsText }])],
    ['responses', REPLIES.responses([{ type: 'custom_tool_call', name: 'weather', input: argumentsText }])],
    ['messages', REPLIES.messages([{ type: 'tool_use', name: 'weather', input: { city: 'Bonn' } }], 'tool_use')],
  ])('a tool call by %s', (endpoint, body) => {
    const toolCalls = [{ name: 'weather', argumentsText }];
    expect(answerViews(endpoint, body)).toEqual([{ text: '', toolCalls, finish: 'tool-calls' }]);
  });

  test.each<[Endpoint, unknown, string]>([
    ['chat', REPLIES.chat({ refusal: 'I cannot.' }), 'refusal'],
    ['chat', REPLIES.chat({ content: 'x' }, 'content_filter'), 'content-filter'],
    ['chat', REPLIES.chat({ content: 'x' }, 'length'), 'length'],
    ['chat', { choices: [{ message: { content: 'x' } }] }, 'unknown'],
    ['responses', REPLIES.responses([said('', { type: 'refusal', refusal: 'I cannot.' })]), 'refusal'],
    ['responses', REPLIES.responses([said('x')], 'incomplete', 'max_output_tokens'), 'length'],
    ['responses', REPLIES.responses([said('x')], 'incomplete', 'content_filter'), 'content-filter'],
    ['responses', REPLIES.responses([said('x')], 'failed'), 'error'],
    ['messages', REPLIES.messages([], 'refusal'), 'refusal'],
    ['messages', REPLIES.messages([{ type: 'text', text: 'x' }], 'max_tokens'), 'length'],
    ['messages', REPLIES.messages([{ type: 'text', text: 'x' }], 'pause_turn'), 'paused'],
  ])('an end by %s: %#', (endpoint, body, finish) => {
    expect(answerViews(endpoint, body).map((answer) => answer.finish)).toEqual([finish]);
  });

  test('each choice is an answer, and what is no reply has none', () => {
    const body = { choices: [{ message: { content: 'a' } }, { message: { content: 'b' } }, null] };
    expect(answerViews('chat', body).map(({ text }) => text)).toEqual(['a', 'b']);
    for (const nothing of [undefined, null, 5, [], {}, { error: { message: 'no' }, choices: [{}] }]) {
      for (const endpoint of ['chat', 'responses', 'messages', 'embeddings', 'count-tokens'] as const) {
        expect(answerViews(endpoint, nothing)).toEqual([]);
      }
    }
  });

  test('calls of tools that run at the provider are none; those of its tools that the client runs are', () => {
    const output = [{ type: 'web_search_call' }, { type: 'local_shell_call', action: { type: 'exec' } }, said('x')];
    expect(answerViews('responses', REPLIES.responses(output))[0]?.toolCalls).toEqual([
      { name: 'local_shell', argumentsText: '{"type":"exec"}' },
    ]);
    const content = [{ type: 'server_tool_use', name: 'web_search', input: {} }];
    expect(answerViews('messages', REPLIES.messages(content))[0]?.toolCalls).toEqual([]);
  });
});

describe('a request says what answer it wants', () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } } };
  const schema = { type: 'object', properties: { a: { type: 'integer' } } };
  const asks = { model: 'm', messages: [{ role: 'user', content: 'x' }], max_tokens: 9 };
  const chatTools = ['one', 'two'].map((name) => ({ type: 'function', function: { name, parameters } }));
  const responsesTools = ['one', 'two'].map((name) => ({ type: 'function', name, parameters }));
  const messagesTools = ['one', 'two'].map((name) => ({ name, input_schema: parameters }));
  const both = ['one', 'two'];

  test.each<[string, Endpoint, object, readonly string[], boolean]>([
    ['chat', 'chat', { tools: chatTools }, both, false],
    ['chat, none', 'chat', { tools: chatTools, tool_choice: 'none' }, [], false],
    ['chat, required', 'chat', { tools: chatTools, tool_choice: 'required' }, both, true],
    [
      'chat, by name',
      'chat',
      { tools: chatTools, tool_choice: { type: 'function', function: { name: 'one' } } },
      ['one'],
      true,
    ],
    [
      'chat, allowed',
      'chat',
      {
        tools: chatTools,
        tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [chatTools[1]] } },
      },
      ['two'],
      false,
    ],
    [
      'chat, functions',
      'chat',
      { functions: [{ name: 'one', parameters }], function_call: { name: 'one' } },
      ['one'],
      true,
    ],
    ['chat, functions, none', 'chat', { functions: [{ name: 'one', parameters }], function_call: 'none' }, [], false],
    ['messages', 'messages', { tools: messagesTools, tool_choice: { type: 'auto' } }, both, false],
    ['messages, any', 'messages', { tools: messagesTools, tool_choice: { type: 'any' } }, both, true],
    [
      'messages, by name',
      'messages',
      { tools: messagesTools, tool_choice: { type: 'tool', name: 'two' } },
      ['two'],
      true,
    ],
    ['messages, none', 'messages', { tools: messagesTools, tool_choice: { type: 'none' } }, [], false],
  ])('tools: %s', (_, endpoint, body, names, mustCallTool) => {
    const terms = termsOf(endpoint, { ...asks, ...body });
    expect(terms.tools).toEqual(names.map((name) => ({ name, parameters })));
    expect(terms).toMatchObject({ mustCallTool, uncheckedTools: [], wantsJson: false, schema: undefined });
  });

  test("a provider's own tools are not checked, and may be what must be called", () => {
    const tools = [...responsesTools, { type: 'web_search' }, { type: 'custom', name: 'patch' }];
    const terms = termsOf('responses', { model: 'm', input: 'x', tools, tool_choice: 'required' });
    expect(terms).toMatchObject({ uncheckedTools: ['web_search', 'patch'], mustCallTool: false });
    expect(
      termsOf('responses', { model: 'm', input: 'x', tools: responsesTools, tool_choice: 'required' }),
    ).toMatchObject({ mustCallTool: true });
  });

  test('tools may come from elsewhere: an earlier response, a search for tools', () => {
    const elsewhere = [
      { input: 'x', previous_response_id: 'resp_1' },
      { input: [{ type: 'additional_tools', tools: [] }] },
      { input: 'x', tools: [{ type: 'tool_search' }] },
    ];
    for (const body of elsewhere) expect(termsOf('responses', { model: 'm', ...body }).uncheckedTools).toContain('*');
    expect(termsOf('responses', { model: 'm', input: [{ role: 'user', content: 'x' }] }).uncheckedTools).toEqual([]);
  });

  test.each<[string, Endpoint, object, unknown]>([
    ['chat', 'chat', { ...asks, response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }, schema],
    ['chat, any JSON', 'chat', { ...asks, response_format: { type: 'json_object' } }, undefined],
    ['chat, as others have it', 'chat', { ...asks, response_format: { type: 'json_object', schema } }, schema],
    [
      'responses',
      'responses',
      { model: 'm', input: 'x', text: { format: { type: 'json_schema', name: 'x', schema } } },
      schema,
    ],
    [
      'responses, any JSON',
      'responses',
      { model: 'm', input: 'x', text: { format: { type: 'json_object' } } },
      undefined,
    ],
    ['messages', 'messages', { ...asks, output_config: { format: { type: 'json_schema', schema } } }, schema],
    ['messages, beta', 'messages', { ...asks, output_format: { type: 'json_schema', schema } }, schema],
  ])('a format: %s', (_, endpoint, body, wanted) => {
    expect(termsOf(endpoint, body)).toMatchObject({ wantsJson: true, schema: wanted });
  });

  test('text is no format', () => {
    expect(termsOf('chat', { ...asks, response_format: { type: 'text' } }).wantsJson).toBe(false);
    expect(termsOf('responses', { model: 'm', input: 'x', text: { verbosity: 'low' } }).wantsJson).toBe(false);
    expect(termsOf('embeddings', { model: 'm', input: 'x' })).toMatchObject({ tools: [], wantsJson: false });
  });
});

describe.skipIf(!hasData('wire'))('recorded replies of real models', () => {
  const whole = wireRecordings().filter(({ status, body }) => status === 200 && body !== undefined);

  test('are no refusals', () => {
    const answers = whole.flatMap(({ endpoint, body, name }) =>
      answerViews(endpoint, body).map((view) => ({ name, view })),
    );
    expect(answers.length).toBeGreaterThan(200);
    const refused = answers.filter(({ view }) => view.finish === 'complete' && refusalFault(view) !== undefined);
    expect(refused.map(({ name }) => name)).toEqual([]);
  });

  test('pass the checks that their requests ask for', async () => {
    const checks: readonly AnswerCheck[] = [{ kind: 'json', always: false }, { kind: 'schema' }, { kind: 'tools' }];
    const reasons = await Promise.all(whole.flatMap((recording) => verdictOf(recording, checks) ?? []));
    const failed = reasons.filter((reason) => reason !== 'passed');
    expect(reasons.length).toBeGreaterThan(150);
    expect(failed).toEqual([
      'huggingface.jsonl:3 finish:length',
      'openai.jsonl:53 empty:no-text',
      'openai.jsonl:54 empty:no-text',
      'openai.jsonl:55 empty:no-text',
      'openrouter.jsonl:25 finish:length',
      'openrouter.jsonl:26 finish:length',
    ]);
  });
});

function verdictOf(recording: WireRecording, checks: readonly AnswerCheck[]): Promise<string> | undefined {
  const { endpoint, request, body, name } = recording;
  const answers = answerViews(endpoint, body);
  if (answers.length === 0 || typeof request !== 'object' || request === null) return undefined;
  const decoded = decodeRequest(endpoint, new TextEncoder().encode(JSON.stringify(request)));
  const checked = { terms: answerTerms(decoded), body: decoded.body };
  return checkAnswer(checks, answers, checked, { validate: validateBySchema }).then((verdict) =>
    verdict.kind === 'passed' ? 'passed' : `${name} ${verdict.check}:${verdict.reason}`,
  );
}
