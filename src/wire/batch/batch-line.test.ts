import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { anthropicBatchRequest, openaiBatchLine } from './batch-line.ts';

/** JSON text as people write it: over many lines, with any kind of line end between its tokens. */
const jsonText = fc
  .tuple(fc.jsonValue(), fc.constantFrom('', ' ', '\t'), fc.constantFrom('\n', '\r\n', '\r', '\n\n'))
  .map(([value, indent, lineEnd]) => `${lineEnd}${JSON.stringify(value, null, indent).replaceAll('\n', lineEnd)}\n`);

test('any body is set into an OpenAI line that is one line, and means what it meant', () => {
  fc.assert(
    fc.property(fc.string(), jsonText, (customId, body) => {
      const line = openaiBatchLine(customId, '/v1/chat/completions', body);
      expect(line).not.toMatch(/[\r\n]/);
      expect(JSON.parse(line)).toEqual({
        custom_id: customId,
        method: 'POST',
        url: '/v1/chat/completions',
        body: JSON.parse(body),
      });
    }),
  );
});

test('any body is set into an Anthropic request, and means what it meant', () => {
  fc.assert(
    fc.property(fc.string(), jsonText, (customId, body) => {
      const request = anthropicBatchRequest(customId, body);
      expect(request).not.toMatch(/[\r\n]/);
      expect(JSON.parse(request)).toEqual({ custom_id: customId, params: JSON.parse(body) });
    }),
  );
});

test('nothing but line breaks changes: no digit, no escape, no order', () => {
  const body = '{"b": 9007199254740993.10e1,\n"a":"\\u00e9\\n\u2028"}';
  const line = openaiBatchLine('c', '/v1/responses', body);
  expect(line).toBe(`{"custom_id":"c","method":"POST","url":"/v1/responses","body":${body.replace('\n"a"', ' "a"')}}`);
});
