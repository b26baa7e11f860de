import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { oddRequest } from '../../../test/support/odd-requests.ts';
import { decodeRequest } from '../decode-request.ts';
import { type JsonPath, JsonRanges } from './json-ranges.ts';
import { minifiedJson } from './minified-json.ts';

const utf8 = new TextEncoder();

function pathsIn(value: unknown, path: JsonPath = []): readonly (readonly [JsonPath, unknown])[] {
  const inner = Array.isArray(value)
    ? value.map((each, index): [number, unknown] => [index, each])
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : [];
  return [[path, value], ...inner.flatMap(([step, each]) => pathsIn(each, [...path, step]))];
}

test('every value of a request is found where it is written, in whatever order it is asked for', () => {
  fc.assert(
    fc.property(oddRequest(), fc.boolean(), ({ endpoint, text }, isDeepestFirst) => {
      const request = decodeRequest(endpoint, utf8.encode(text));
      const ranges = new JsonRanges(request.text, request.members);
      const paths = pathsIn(request.body).slice(1);
      for (const [path, value] of isDeepestFirst ? paths.toReversed() : paths) {
        const range = ranges.rangeAt(path);
        expect(range === undefined ? undefined : JSON.parse(ranges.slice(range))).toEqual(value);
      }
    }),
    { numRuns: 200 },
  );
});

test('values deeper than the levels that are read at once are found', () => {
  const text = `{"a": ${'[ {"b":'.repeat(20)} 1.0 ${'} , 2]'.repeat(20)}}`;
  const path = ['a', ...Array.from({ length: 20 }, () => [0, 'b']).flat()];
  const ranges = new JsonRanges(text, new Map([['a', { keyStart: 1, valueStart: 6, valueEnd: text.length - 1 }]]));
  const range = ranges.rangeAt(path);
  expect(range && ranges.slice(range)).toBe('1.0');
  expect(ranges.rangeAt([...path, 'c'])).toBeUndefined();
  expect(ranges.rangeAt(['a', 2])).toBeUndefined();
  expect(ranges.rangeAt(['a', 'b'])).toBeUndefined();
});

test('minified text loses white space between its tokens and nothing else', () => {
  const text = String.raw`{ "a b" : [ 1.0 ,` + '\n\t' + String.raw`" x \" y " , -0 ] , "a b" : "\u0041" }`;
  expect(minifiedJson(text)).toBe(String.raw`{"a b":[1.0," x \" y ",-0],"a b":"\u0041"}`);
  expect(minifiedJson('"\n unclosed')).toBe('"\n unclosed');
});
