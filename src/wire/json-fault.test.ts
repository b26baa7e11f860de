import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonFaultAt } from './json-fault.ts';

function faultAt(text: string): number | undefined {
  try {
    JSON.parse(text);
    return -1;
  } catch (error) {
    return jsonFaultAt(text, error);
  }
}

test.each([
  ['', 0],
  ['[1,2', 4],
  ['"abc', 4],
  ['{"a":1,}', 7],
  ['1 2', 2],
  ['{"a":x}', 5],
  ['[1, ]', 4],
  ['[,1]', 1],
  ['[}', 1],
  ['{"a":,"b":1}', 5],
  ['{"a\\"":}', 7],
  ['}', 0],
  ['{"a":"x, :","b": undefined}', 17],
  ['[1,2,\u00a03]', 5],
])('%j stops being JSON at %i', (text, offset) => {
  expect(faultAt(text)).toBe(offset);
});

test('is within the text, and what stands before it is the start of some JSON', () => {
  const text = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('x', ',', ':', '}', ']', '{', '[', '&', '0x'))
    .map(([json, at, junk]) => {
      const offset = at % (json.length + 1);
      return json.slice(0, offset) + junk + json.slice(offset);
    });
  fc.assert(
    fc.property(text, (broken) => {
      const offset = faultAt(broken);
      fc.pre(offset !== -1 && offset !== undefined);
      expect(offset).toBeLessThanOrEqual(broken.length);
      const head = broken.slice(0, offset);
      // Cut off there, the text is whole or ends too early; it is not wrong.
      expect([-1, head.length]).toContain(faultAt(head));
    }),
    { numRuns: 1000 },
  );
});
