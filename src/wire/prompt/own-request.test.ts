import { describe, expect, test } from 'vitest';
import { editedOwnRequest, endpointOfBody, ownText, readOwnRequest } from './own-request.ts';

const PATH = ['messages', 0, 'content'];

describe('a request of one’s own', () => {
  test('needs no model and no limit, and is written as it was but for its edits', () => {
    const text =
      ' { "temperature" : 1.0,\n  "seed": 12345678901234567890, "messages": [ {"role":"user","content":"h\\u0069"} ] } ';
    for (const endpoint of ['chat', 'messages'] as const) {
      const own = readOwnRequest(endpoint, text);
      expect(own.model).toBeUndefined();
      expect(ownText(own)).toBe(text);
      const edited = editedOwnRequest(own, [{ kind: 'replace-text', path: PATH, text: 'bye' }]);
      expect(ownText(edited)).toBe(text.replace('h\\u0069', 'bye'));
      expect(edited.read.prompt.messages[0]?.blocks[0]).toEqual({ kind: 'text', text: 'bye' });
    }
  });

  test('that names its model keeps it', () => {
    const text = '{"messages":[{"role":"user","content":"hi"}],"model":"any"}';
    const own = readOwnRequest('chat', text);
    expect(own.model).toBe('any');
    expect(ownText(own)).toBe(text);
  });

  test('that is none is refused by what is wrong with it', () => {
    expect(() => readOwnRequest('chat', 'no')).toThrow('not valid JSON');
    expect(() => readOwnRequest('chat', '{"messages":5}')).toThrow('messages');
    expect(() => readOwnRequest('chat', '{"model":null,"messages":[{"role":"user","content":"hi"}]}')).toThrow(
      '`model` is required',
    );
  });
});

test('the endpoint of a body is told by its fields', () => {
  const messages = [{ role: 'user', content: 'hi' }];
  expect(endpointOfBody({ messages })).toBe('chat');
  expect(endpointOfBody({ messages, system: 'x' })).toBe('messages');
  expect(endpointOfBody({ model: 'claude-sonnet-5', messages })).toBe('messages');
  expect(endpointOfBody({ input: 'hi' })).toBe('responses');
  expect(endpointOfBody({ any: 1 })).toBeUndefined();
});
