import { expect, test } from 'vitest';
import { requestLine } from './request-line.ts';

test("OpenAI's and Anthropic's lines are read with their bodies as they stand", () => {
  const body = '{ "model":"m", "seed": 12345678901234567890, "messages":[] }';
  expect(requestLine(`{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":${body}}`, 'x')).toEqual({
    customId: 'a',
    endpoint: 'chat',
    body,
    model: 'm',
  });
  expect(requestLine(`{"params":${body},"custom_id":"b"}`, undefined)).toEqual({
    customId: 'b',
    endpoint: 'messages',
    body,
    model: 'm',
  });
});

test('a request without a model gets the one of the command line', () => {
  const line = (body: string): string => `{"custom_id":"a","url":"/v1/embeddings","body":${body}}`;
  expect(requestLine(line('{"input":"$&"}'), 'm$&')).toMatchObject({ body: '{"model":"m$&","input":"$&"}' });
  expect(requestLine(line('{}'), 'm')).toMatchObject({ body: '{"model":"m"}', model: 'm' });
  expect(requestLine(line('{"input":"x"}'), undefined)).toMatchObject({ model: undefined });
});

test('each fault of a line is named, without its content', () => {
  const faults = (
    [
      ['{"custom_id": secret}', 'is not JSON (column 15)'],
      ['[1]', 'is not a JSON object'],
      ['{"url":"/v1/responses"}', 'has no custom_id'],
      ['{"custom_id":7}', 'custom_id is not a text'],
      ['{"custom_id":"a","body":{}}', 'has no url'],
      ['{"custom_id":"a","method":"GET","url":"/v1/responses","body":{}}', 'method is not POST'],
      ['{"custom_id":"a","url":"/v1/responses"}', 'has no body'],
      ['{"custom_id":"a","params":[]}', 'has no params'],
      ['{"custom_id":"a","custom_id":"b","url":"/v1/responses","body":{}}', 'duplicate-key at custom_id'],
    ] as const
  ).map(([text, problem]) => [requestLine(text, undefined), problem] as const);
  for (const [read, problem] of faults) expect(read).toMatchObject({ problem });
  expect(requestLine('{"custom_id":"a","url":"/v1/images","body":{}}', undefined)).toEqual({
    problem: 'url is not one of /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/messages',
    customId: 'a',
  });
  expect(requestLine('{"custom_id":"a","url":"/v1/responses","body":{"stream":true}}', undefined)).toMatchObject({
    problem: expect.stringContaining('`stream` is true'),
  });
});
