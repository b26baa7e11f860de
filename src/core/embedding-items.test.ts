import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  apportion,
  embeddingItems,
  type EmbeddingItem,
  embeddingsBody,
  mergeEmbeddings,
  readEmbeddings,
  vectorEncodingOf,
} from './embedding-items.ts';
import { vectorText } from './embedding-vector.ts';

/** Digests that can be read. */
const itemsOf = (body: Readonly<Record<string, unknown>>): readonly EmbeddingItem[] | undefined =>
  embeddingItems(body, (rest) => `digest of ${Object.keys(rest).join(' ')}`);

const body = { model: 'text-embedding-3-small', input: ['one', 'three', 'one'], dimensions: 2, user: 'alice' };

describe('splitting', () => {
  test('each of the four shapes of `input` gives its items', () => {
    const inputs = (input: unknown): unknown => itemsOf({ input })?.map((item) => item.input);
    expect(inputs('a')).toEqual(['a']);
    expect(inputs(['a', 'b'])).toEqual(['a', 'b']);
    expect(inputs([1, 2])).toEqual([[1, 2]]);
    expect(inputs([[1, 2], [3]])).toEqual([[1, 2], [3]]);
  });

  test('anything else is left alone', () => {
    for (const input of [undefined, null, 7, {}, [], [[]], ['a', 1], [1.5], [null], [['a']]]) {
      expect(itemsOf({ input })).toBeUndefined();
    }
  });

  test('an item alone and in a list has the same body for its key, with everything else of the call', () => {
    const [alone] = itemsOf({ ...body, input: 'three' }) ?? [];
    expect(itemsOf(body)?.[1]).toEqual(alone);
    expect(alone?.keyBody).toEqual({ ...body, input: 'three' });
  });

  test('long members beside the input are in the body for the key as one digest', () => {
    const [item] = itemsOf({ ...body, note: 'x'.repeat(1000) }) ?? [];
    expect(item?.keyBody).toEqual({ 'farthing rest': 'digest of model dimensions user note', input: 'one' });
  });

  test('a member that is called as the digest does not pass for one', () => {
    const [item] = itemsOf({ input: 'one', 'farthing rest': 'digest of model' }) ?? [];
    expect(item?.keyBody).toEqual({ 'farthing rest': 'digest of farthing rest', input: 'one' });
  });

  test('the call for what is missing has those items in order', () => {
    const items = itemsOf(body) ?? [];
    expect(embeddingsBody(body, items.slice(0, 2))).toEqual({ ...body, input: ['one', 'three'] });
  });

  test('numbers are the default encoding', () => {
    expect(
      [undefined, 'float', null, 'base64'].map((encoding_format) => vectorEncodingOf({ encoding_format })),
    ).toEqual(['float', 'float', 'float', 'base64']);
  });
});

describe('reading a reply', () => {
  const items = itemsOf({ input: ['aa', 'b'] }) ?? [];
  const data = [
    { object: 'embedding', index: 1, embedding: [0.25, -1] },
    { object: 'embedding', index: 0, embedding: [1, 2] },
  ];

  test('vectors are put in the order of their index, tokens shared by length', () => {
    expect(readEmbeddings({ data, model: 'm', usage: { prompt_tokens: 7, total_tokens: 7 } }, items)).toEqual({
      items: [
        { vector: '[1,2]', tokens: 5 },
        { vector: '[0.25,-1]', tokens: 2 },
      ],
      model: 'm',
    });
  });

  test('a reply that does not hold exactly one vector for each item is not taken', () => {
    for (const broken of [
      null,
      {},
      { data: data.slice(1) },
      { data: [...data, data[0]] },
      { data: [data[0], data[0]] },
      { data: [data[0], { index: 2, embedding: [1] }] },
      { data: [data[0], { index: 'length', embedding: [1] }] },
      { data: [data[0], { index: 0, embedding: [] }] },
      { data: [data[0], { index: 0, embedding: [1, null] }] },
      { data: [data[0], { index: 0, embedding: '' }] },
    ]) {
      expect(readEmbeddings(broken, items)).toBeUndefined();
    }
  });

  test('without usage the tokens are 0', () => {
    expect(readEmbeddings({ data }, items)?.items.map((item) => item.tokens)).toEqual([0, 0]);
  });
});

describe('merging', () => {
  test('what is split, read and merged again is the reply of the provider', () => {
    const reply = {
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [0.0023064255, -0.009327292] },
        { object: 'embedding', index: 1, embedding: [1e-9, -0.006929283495992422] },
      ],
      model: 'text-embedding-3-small',
      usage: { prompt_tokens: 9, total_tokens: 9 },
    };
    const read = readEmbeddings(reply, itemsOf({ input: ['first one', 'b'] }) ?? []);
    expect(JSON.parse(mergeEmbeddings(read?.items ?? [], 'float', 'text-embedding-3-small').text)).toEqual(reply);
  });

  test('stored and fresh items stand in the order of the request, duplicates included, with the sum of their tokens', () => {
    const stored = { vector: '[1,0]', tokens: 3 };
    const fresh = { vector: '[0,1]', tokens: 4 };
    const { text, tokens } = mergeEmbeddings([stored, fresh, stored], 'float', 'm"x');
    expect(tokens).toBe(10);
    expect(JSON.parse(text)).toEqual({
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [1, 0] },
        { object: 'embedding', index: 1, embedding: [0, 1] },
        { object: 'embedding', index: 2, embedding: [1, 0] },
      ],
      model: 'm"x',
      usage: { prompt_tokens: 10, total_tokens: 10 },
    });
  });
});

describe('encodings of a vector', () => {
  const floats = fc.array(
    fc.float({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
    { minLength: 1 },
  );

  test('32-bit floats survive the way to base64 and back, bit for bit', () => {
    fc.assert(
      fc.property(floats, (values) => {
        const text = JSON.stringify(values);
        expect(vectorText(vectorText(text, 'base64'), 'float')).toBe(text);
      }),
    );
  });

  test('decimal text of a 32-bit float, short or long, gives the same base64', () => {
    const short = '[0.0023064255,-0.009327292]';
    const long = `[${Math.fround(0.0023064255)},${Math.fround(-0.009327292)}]`;
    expect(long).not.toBe(short);
    expect(vectorText(short, 'base64')).toBe(vectorText(long, 'base64'));
  });

  test('base64 is little-endian, as the API gives it', () => {
    const expected = Buffer.from(new Float32Array([1, -2.5]).buffer).toString('base64');
    expect(vectorText('[1,-2.5]', 'base64')).toBe(JSON.stringify(expected));
  });

  test('a vector in the encoding asked for is not touched', () => {
    expect(vectorText('[1.0, 2]', 'float')).toBe('[1.0, 2]');
    expect(vectorText('"AACAPw=="', 'base64')).toBe('"AACAPw=="');
  });

  test('base64 of a broken length is refused', () => {
    expect(() => vectorText('"AAA="', 'float')).toThrow(RangeError);
  });
});

describe('apportioning', () => {
  test('parts are whole, sum to the total and are within one of their exact share', () => {
    fc.assert(
      fc.property(fc.nat(300_000), fc.array(fc.nat(100_000), { minLength: 1, maxLength: 50 }), (total, weights) => {
        const parts = apportion(total, weights);
        const sum = weights.reduce((left, right) => left + right, 0);
        expect(parts.reduce((left, right) => left + right, 0)).toBe(total);
        for (const [index, part] of parts.entries()) {
          const share = sum === 0 ? total / weights.length : (total * (weights[index] ?? 0)) / sum;
          expect(Math.abs(part - share)).toBeLessThan(1);
        }
      }),
    );
  });

  test('nothing is shared among none', () => {
    expect(apportion(0, [])).toEqual([]);
  });
});
