import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requestOf, STREAMING_ENDPOINTS, type StreamingEndpoint } from '../../test/support/continued-streams.ts';
import { continuationRequest } from './continuation-request.ts';
import type { ContinuationWay } from './continuation-way.ts';
import { decodeRequest } from './decode-request.ts';
import { objectsOf } from './reply-fields.ts';
import type { Fields } from './usage-count.ts';

function decoded(endpoint: StreamingEndpoint, text: string): ReturnType<typeof decodeRequest> {
  return decodeRequest(endpoint, new TextEncoder().encode(text));
}

function asked(endpoint: StreamingEndpoint, fields: object, text: string, way: ContinuationWay = 'instruct'): Fields {
  return continuationRequest(requestOf(endpoint, fields), text, way).body;
}

const GO_ON = { role: 'user', content: expect.stringContaining('Go on exactly behind its last character') };

test('the partial text follows as the last message, marked where it is a prefix', () => {
  const messages = [
    { role: 'user', content: 'Tell me.' },
    { role: 'assistant', content: 'Once' },
  ];
  expect(asked('messages', {}, 'Once', 'prefill')['messages']).toEqual(messages);
  expect(asked('chat', {}, 'Once', 'prefix')['messages']).toEqual([messages[0], { ...messages[1], prefix: true }]);
});

test('asked in words, a message of the user follows that asks to go on', () => {
  const added = [{ role: 'assistant', content: 'Once' }, GO_ON];
  expect(asked('chat', {}, 'Once')['messages']).toEqual([{ role: 'user', content: 'Tell me.' }, ...added]);
  expect(asked('messages', {}, 'Once')['messages']).toEqual([{ role: 'user', content: 'Tell me.' }, ...added]);
  expect(asked('responses', {}, 'Once')['input']).toEqual([{ role: 'user', content: 'Tell me.' }, ...added]);
  expect(asked('responses', { input: [{ role: 'user', content: 'Hi' }] }, 'Once')['input']).toEqual([
    { role: 'user', content: 'Hi' },
    ...added,
  ]);
  expect(asked('responses', { input: undefined, prompt: { id: 'p' } }, 'Once')['input']).toEqual(added);
  expect(asked('responses', { input: null, prompt: { id: 'p' } }, 'Once')['input']).toEqual(added);
});

test('whitespace at the end of the partial text is not sent, nor is half a character', () => {
  for (const text of ['Once\n ', 'Once \uD83D']) {
    expect(objectsOf(asked('messages', {}, text, 'prefill')['messages']).at(-1)).toEqual({
      role: 'assistant',
      content: 'Once',
    });
  }
  const messages = objectsOf(asked('messages', {}, 'a\uD83Db', 'prefill')['messages']);
  expect(messages.at(-1)?.['content']).toBe('a\uFFFDb');
});

test('without any text the question is asked anew, as it is', () => {
  const request = requestOf('chat');
  expect(continuationRequest(request, ' \n', 'instruct')).toBe(request);
});

test('all else stays byte for byte', () => {
  const text =
    '{ "seed":12345678901234567890,\n "messages" : [ {"role":"user","content":"]"} ] ,"model":"m","x":[1.0,  {"y":"\\u00e9"}]}';
  const request = continuationRequest(decoded('chat', text), 'Hi', 'prefill');
  expect(request.text).toBe(text.replace(' ] ,', ' ,{"role":"assistant","content":"Hi"}] ,'));
});

test('a request at its limits can still be continued', () => {
  const messages = Array.from({ length: 2048 }, () => ({ role: 'user', content: 'Hi' }));
  expect(asked('chat', { messages }, 'Once')['messages']).toHaveLength(2050);
});

describe('limits on output', () => {
  test('are lowered by a token for four bytes', () => {
    expect(asked('messages', { max_tokens: 1000 }, 'x'.repeat(401))['max_tokens']).toBe(899);
    expect(asked('responses', { max_output_tokens: 1000 }, '\u00e9'.repeat(200))['max_output_tokens']).toBe(900);
    expect(asked('chat', { max_tokens: 50, max_completion_tokens: 60 }, 'x'.repeat(40))).toMatchObject({
      max_tokens: 40,
      max_completion_tokens: 50,
    });
  });

  test('stay unset where none was set', () => {
    expect(asked('chat', {}, 'Once')).not.toHaveProperty('max_tokens');
    expect(asked('responses', { max_output_tokens: null }, 'Once')['max_output_tokens']).toBeNull();
  });

  test('stay above the thinking budget, and above the least that the Responses API takes', () => {
    const thinking = { type: 'enabled', budget_tokens: 900 };
    expect(asked('messages', { max_tokens: 1000, thinking }, 'x'.repeat(4000))['max_tokens']).toBe(901);
    expect(asked('responses', { max_output_tokens: 100 }, 'x'.repeat(4000))['max_output_tokens']).toBe(16);
    expect(asked('responses', { max_output_tokens: 8 }, 'x'.repeat(4000))['max_output_tokens']).toBe(8);
  });

  test('are never raised and never below 1', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...STREAMING_ENDPOINTS),
        fc.integer({ min: 1, max: 5000 }),
        fc.string({ minLength: 1 }),
        fc.integer({ min: 1, max: 200 }),
        (endpoint, limit, text, times) => {
          const name = endpoint === 'responses' ? 'max_output_tokens' : 'max_tokens';
          const request = continuationRequest(requestOf(endpoint, { [name]: limit }), text.repeat(times), 'prefill');
          expect(request.maxOutputTokens).toBeLessThanOrEqual(limit);
          expect(request.maxOutputTokens).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });
});

describe('an answer that must have a format', () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } } };
  const question = (body: Fields, name = 'messages'): unknown => objectsOf(body[name]).at(-1)?.['content'];

  test('is asked for in words, since the format would begin a new document', () => {
    const chat = asked(
      'chat',
      { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } },
      '{"ci',
    );
    expect(chat['response_format']).toEqual({ type: 'text' });
    expect(question(chat)).toContain(JSON.stringify(schema));
    const responses = asked(
      'responses',
      { text: { verbosity: 'low', format: { type: 'json_schema', schema } } },
      '{"ci',
    );
    expect(responses['text']).toEqual({ verbosity: 'low', format: { type: 'text' } });
    expect(question(responses, 'input')).toContain(JSON.stringify(schema));
    const output = { effort: 'low', format: { type: 'json_schema', schema } };
    const messages = asked('messages', { output_config: output, output_format: output.format }, '{"ci');
    expect(messages).toMatchObject({ output_config: { effort: 'low' }, output_format: null });
    expect(question(messages)).toContain(JSON.stringify(schema));
    expect(question(asked('chat', { response_format: { type: 'json_object' } }, '{"ci'))).toContain('one JSON object');
  });

  test('keeps its format when it is asked for anew', () => {
    const format = { response_format: { type: 'json_object' } };
    expect(asked('chat', format, '')).toMatchObject(format);
  });
});

test('text that is no format changes nothing', () => {
  expect(asked('responses', { text: { format: { type: 'text' } } }, 'Hi')['text']).toEqual({
    format: { type: 'text' },
  });
  expect(asked('chat', { response_format: { type: 'text' } }, 'Hi')['response_format']).toEqual({ type: 'text' });
});
