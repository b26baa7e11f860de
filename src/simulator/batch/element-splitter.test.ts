import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ElementSplitter } from './element-splitter.ts';

test('the objects of a list are those that a parser sees, however the bytes are cut', () => {
  const bodies = fc.record({ requests: fc.array(fc.dictionary(fc.string(), fc.jsonValue())), other: fc.string() });
  fc.assert(
    fc.property(bodies, fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 50 }), (body, sizes) => {
      const bytes = Buffer.from(JSON.stringify(body));
      const splitter = new ElementSplitter();
      let start = 0;
      for (const size of [...sizes, bytes.byteLength]) {
        splitter.push(bytes.subarray(start, start + size));
        start += size;
      }
      const { elements, rest } = splitter.end();
      expect(elements.map((element) => JSON.parse(element.toString('utf8')) as unknown)).toEqual(
        JSON.parse(JSON.stringify(body.requests)),
      );
      expect((JSON.parse(rest) as { requests: unknown[] }).requests).toEqual(body.requests.map(() => 0));
    }),
    { numRuns: 100 },
  );
});
