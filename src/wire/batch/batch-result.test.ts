import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ResultLine } from './result-line.ts';
import { anthropicBatchResult } from './anthropic-batch-result.ts';
import { openaiBatchResult } from './openai-batch-result.ts';

const utf8 = new TextEncoder();
const openai = (text: string): ResultLine => openaiBatchResult(utf8.encode(text));
const anthropic = (text: string): ResultLine => anthropicBatchResult(utf8.encode(text));

/** An object's text, as a model or a server may write it. */
const objectText = fc
  .tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom('', ' '))
  .map(([value, indent]) => JSON.stringify(value, null, indent).replaceAll('\n', ' '));
const customIds = fc.string({ minLength: 1 });

describe('a line of an OpenAI batch', () => {
  test('gives the body byte for byte, whatever stands around it', () => {
    fc.assert(
      fc.property(customIds, objectText, fc.integer({ min: 200, max: 599 }), (customId, body, status) => {
        const id = JSON.stringify(customId);
        const line = `{"body":{"a":1},"id":"batch_req_1", "custom_id" :${id},"response": {"status_code":${status},"request_id":"r","body": ${body} },"error":null}`;
        expect(openai(line)).toEqual({ customId, kind: 'reply', status, body });
      }),
    );
  });

  test('keeps digits that a double does not hold', () => {
    const row = openai('{"custom_id":"a","response":{"status_code":200,"body":{"n":9007199254740993.10e1}}}');
    expect(row).toMatchObject({ body: '{"n":9007199254740993.10e1}' });
  });

  test('is read under escaped keys too', () => {
    const row = openai(String.raw`{"custom_\u0069d":"a","respons\u0065":{"status_code":200,"body":{"n": 1}}}`);
    expect(row).toEqual({ customId: 'a', kind: 'reply', status: 200, body: '{"n":1}' });
  });

  test('that was not answered in time, or not any more, is neither answer nor error', () => {
    const line = (code: string): string =>
      `{"id":"batch_req_1","custom_id":"a","response":null,"error":{"code":"${code}","message":"It was not executed."}}`;
    expect(openai(line('batch_expired'))).toEqual({ customId: 'a', kind: 'expired' });
    expect(openai(line('batch_cancelled'))).toEqual({ customId: 'a', kind: 'cancelled' });
  });

  test('that was answered counts as answered, whatever its error says', () => {
    const row = openai(
      '{"custom_id":"a","response":{"status_code":200,"body":{"ok":true}},"error":{"code":"batch_expired"}}',
    );
    expect(row).toMatchObject({ kind: 'reply', status: 200 });
  });

  test.each([
    ['an unknown error', '"response":null,"error":{"code":"odd","message":"It broke."}', 'It broke.', 'odd'],
    ['nothing', '"response":null,"error":null', 'the batch gave no answer', null],
    ['no status', '"response":{"body":{}}', 'the batch gave no answer', null],
    ['a status that is none', '"response":{"status_code":0,"body":{}}', 'the batch gave no answer', null],
    ['no body', '"response":{"status_code":200}', 'the batch gave no answer', null],
  ])('with %s ends its call with an error', (_, members, message, code) => {
    const row = openai(`{"custom_id":"a",${members}}`);
    expect(row).toMatchObject({ customId: 'a', kind: 'reply', status: 500 });
    expect(JSON.parse((row as { readonly body: string }).body)).toEqual({
      error: { message, type: 'server_error', param: null, code },
    });
  });
});

describe('a line of an Anthropic batch', () => {
  test('gives the message byte for byte', () => {
    fc.assert(
      fc.property(customIds, objectText, (customId, body) => {
        const line = `{"custom_id":${JSON.stringify(customId)}, "result":{"type":"succeeded","message":${body}}}`;
        expect(anthropic(line)).toEqual({ customId, kind: 'reply', status: 200, body });
      }),
    );
  });

  test.each([
    ['invalid_request_error', 400],
    ['rate_limit_error', 429],
    ['api_error', 500],
    ['overloaded_error', 529],
    ['a_new_error', 500],
  ])('with %s has the status that a live call would have had, and its body', (type, status) => {
    const envelope = `{"type":"error","error":{"type":"${type}","message":"m"},"request_id":null}`;
    expect(anthropic(`{"custom_id":"a","result":{"type":"errored","error":${envelope}}}`)).toEqual({
      customId: 'a',
      kind: 'reply',
      status,
      body: envelope,
    });
    const bare = `{"type":"${type}","message":"m"}`;
    expect(anthropic(`{"custom_id":"a","result":{"type":"errored","error":${bare}}}`)).toEqual({
      customId: 'a',
      kind: 'reply',
      status,
      body: `{"type":"error","error":${bare}}`,
    });
  });

  test('that was not answered is neither answer nor error', () => {
    expect(anthropic('{"custom_id":"a","result":{"type":"expired"}}')).toEqual({ customId: 'a', kind: 'expired' });
    expect(anthropic('{"custom_id":"a","result":{"type":"canceled"}}')).toEqual({ customId: 'a', kind: 'cancelled' });
  });

  test.each(['{"type":"succeeded"}', '{"type":"errored","error":"x"}', '{"type":"new"}', 'null', '[]'])(
    'with the result %s ends its call with an error',
    (result) => {
      const row = anthropic(`{"custom_id":"a","result":${result}}`);
      expect(row).toMatchObject({ customId: 'a', kind: 'reply', status: 500 });
      expect(JSON.parse((row as { readonly body: string }).body)).toMatchObject({ error: { type: 'api_error' } });
    },
  );
});

describe.each([
  ['OpenAI', openai],
  ['Anthropic', anthropic],
])('a line of %s that tells no row', (_, read) => {
  test.each([
    ['{"custom_id":"a"', 'is not JSON'],
    ['upstream timeout', 'is not JSON'],
    ['[]', 'is not a JSON object'],
    ['null', 'is not a JSON object'],
    ['{"response":{}}', 'has no custom_id'],
    ['{"custom_id":7}', 'has no custom_id'],
    ['{"custom_id":""}', 'has no custom_id'],
  ])('%s %s', (line, fault) => {
    expect(read(line)).toEqual({ kind: 'unreadable', fault });
  });

  test('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        expect(read(line).kind).toMatch(/^(?:unreadable|reply|expired|cancelled)$/);
      }),
    );
  });
});
