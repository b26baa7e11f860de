import { validate } from '@cfworker/json-schema';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SchemaWork } from '../../src/engine/schema-validator-work.ts';
import { vettedSchema } from '../../src/engine/schema-validator-schema.ts';
import { validateBySchema } from '../../src/engine/schema-validator.ts';

const ORDER = {
  type: 'object',
  properties: {
    id: { type: 'integer', minimum: 1 },
    note: { type: ['string', 'null'], maxLength: 10 },
    lines: { type: 'array', minItems: 1, items: { $ref: '#/$defs/line' } },
    state: { enum: ['open', 'shipped'] },
  },
  required: ['id', 'lines'],
  additionalProperties: false,
  $defs: {
    line: {
      type: 'object',
      properties: { article: { type: 'string' }, count: { type: 'integer' } },
      required: ['article'],
    },
  },
};

describe('a value is held against a schema', () => {
  test.each([
    [{ id: 1, lines: [{ article: 'a' }] }, []],
    [{ id: 1, note: null, lines: [{ article: 'a', count: 2 }], state: 'open' }, []],
    [{ lines: [{ article: 'a' }] }, ['missing-required']],
    [{ id: '1', lines: [{ article: 'a' }] }, ['wrong-type']],
    [{ id: 1.5, lines: [{ article: 'a' }] }, ['wrong-type']],
    [{ id: 0, lines: [{ article: 'a' }] }, ['too-small']],
    [{ id: 1, lines: [] }, ['too-few-items']],
    [{ id: 1, lines: [{ count: 1 }] }, ['missing-required']],
    [{ id: 1, lines: [{ article: 'a' }], note: 'longer than ten' }, ['too-long']],
    [{ id: 1, lines: [{ article: 'a' }], state: 'lost' }, ['not-in-enum']],
    [{ id: 1, lines: [{ article: 'a' }], secret: 'of the caller' }, ['unexpected-property']],
    [[], ['wrong-type']],
  ])('%j has the faults %j', (value, reasons) => {
    expect(validateBySchema(ORDER, value)).toEqual(reasons);
  });

  test('alternatives that fail for different reasons are told as such', () => {
    const schema = { anyOf: [{ type: 'string' }, { type: 'integer', maximum: 3 }] };
    expect(validateBySchema(schema, 5)).toEqual(['no-alternative', 'wrong-type', 'too-large']);
    expect(validateBySchema(schema, null)).toEqual(['wrong-type']);
    expect(validateBySchema(schema, 2)).toEqual([]);
  });

  test('older drafts, OpenAPI, Gemini and Python describe the same things in other words', () => {
    expect(validateBySchema({ type: 'string', nullable: true }, null)).toEqual([]);
    expect(validateBySchema({ type: 'string', nullable: true }, 1)).toEqual(['wrong-type']);
    expect(validateBySchema({ type: 'OBJECT', properties: { a: { type: 'STRING' } } }, { a: 1 })).toEqual([
      'wrong-type',
    ]);
    expect(validateBySchema({ type: 'dict', properties: { a: { type: 'float' } } }, { a: 1.5 })).toEqual([]);
    expect(validateBySchema({ type: 'any' }, [1])).toEqual([]);
    expect(validateBySchema({ items: [{ type: 'string' }], additionalItems: false }, ['a', 1])).toEqual([
      'too-many-items',
    ]);
    expect(validateBySchema({ minimum: 3, exclusiveMinimum: true }, 3)).toEqual(['too-small']);
    expect(validateBySchema({ dependencies: { a: ['b'] } }, { a: 1 })).toEqual(['missing-required']);
    expect(validateBySchema({ definitions: { a: { const: 1 } }, $ref: '#/definitions/a' }, 2)).toEqual([
      'wrong-constant',
    ]);
  });

  test('a schema that makes no sense in places says nothing there', () => {
    const odd = { type: 5, enum: 'x', properties: [], required: 'a', anyOf: {}, allOf: [], items: 5, multipleOf: 0 };
    expect(validateBySchema(odd, { a: 1 })).toEqual([]);
  });

  test('what cannot be used as a schema says so', () => {
    for (const schema of [
      undefined,
      null,
      'string',
      { $ref: 'https://example.com/s.json' },
      { $ref: '#/$defs/none' },
    ]) {
      expect(validateBySchema(schema, 1)).toBeUndefined();
    }
    let deep: unknown = {};
    for (let level = 0; level < 100; level += 1) deep = { items: deep };
    expect(validateBySchema(deep, [])).toBeUndefined();
    expect(validateBySchema({ enum: Array.from({ length: 30_000 }, (_, index) => index) }, 1)).toBeUndefined();
  });

  test('names that objects inherit are names like any other', () => {
    const schema = JSON.parse('{"properties":{"__proto__":{"type":"string"}},"required":["toString"]}');
    expect(validateBySchema(schema, JSON.parse('{"__proto__":"x","toString":1}'))).toEqual([]);
    expect(validateBySchema(schema, JSON.parse('{"__proto__":"x"}'))).toEqual(['missing-required']);
    expect(validateBySchema(schema, JSON.parse('{"__proto__":1,"toString":1}'))).toEqual(['wrong-type']);
  });

  test('a schema that refers to itself follows the value', () => {
    const tree = {
      type: 'object',
      properties: { children: { type: 'array', items: { $ref: '#' } } },
      additionalProperties: false,
    };
    expect(validateBySchema(tree, { children: [{ children: [{}] }] })).toEqual([]);
    expect(validateBySchema(tree, { children: [{ children: [{ name: 1 }] }] })).toEqual(['unexpected-property']);
  });

  test('the schema of the caller is left as it is', () => {
    const schema = structuredClone(ORDER);
    validateBySchema(schema, { id: 1, lines: [{ article: 'a' }] });
    expect(schema).toEqual(ORDER);
    expect(Reflect.ownKeys(schema)).toEqual(Reflect.ownKeys(ORDER));
  });
});

describe('a schema may be hostile', () => {
  test('its regular expressions are not run, and names that one might let in are not unexpected', () => {
    const evil = `${'a'.repeat(60)}!`;
    expect(validateBySchema({ type: 'string', pattern: '^(a+)+$', format: 'email' }, evil)).toEqual([]);
    const byPattern = {
      properties: {},
      patternProperties: { '^(a+)+$': { type: 'null' } },
      additionalProperties: false,
    };
    expect(validateBySchema(byPattern, { [evil]: 1 })).toEqual([]);
  });

  test('references that double at every step are given up after a bounded number of visits', () => {
    const $defs: Record<string, unknown> = { last: { type: 'string' } };
    for (let step = 0; step < 40; step += 1) {
      const next = { $ref: step === 39 ? '#/$defs/last' : `#/$defs/s${step + 1}` };
      $defs[`s${step}`] = { allOf: [next, next] };
    }
    expect(validateBySchema({ $defs, $ref: '#/$defs/s0' }, 'x')).toBeUndefined();
  });

  test('every schema that is visited is counted', () => {
    const work = new SchemaWork();
    const vetted = vettedSchema({ items: { anyOf: [{ type: 'string' }, { type: 'number' }] } }, work);
    const none = { longestString: 0, longestArray: 0, widestObject: 0 };
    if (vetted === undefined) throw new Error('unusable');
    const check = (): unknown => validate([1, 'a'], vetted.root, '2020-12', vetted.references);
    // The array's schema, and for each element the one of elements and both alternatives.
    expect(() => work.within(7, none, check)).not.toThrow();
    expect(() => work.within(6, none, check)).toThrow(RangeError);
  });

  test.each([
    ['refers to itself and nothing else', { $ref: '#' }, 1],
    ['holds itself in allOf', { allOf: [{ $ref: '#' }] }, 1],
    ['checks each element thousands of times', { items: { allOf: many(9000, { type: 'number' }) } }, many(20_000, 1)],
    ['measures a long string thousands of times', { allOf: many(9000, { maxLength: 9e9 }) }, 'x'.repeat(900_000)],
    ['compares all elements with one another', { uniqueItems: true }, many(50_000, 0).map((_, index) => index)],
    ['compares each element with a long list', { items: { not: { enum: many(15_000, 'abc') } } }, many(20_000, 'abd')],
  ])('a schema that %s is given up', (_, schema, value) => {
    expect(validateBySchema(schema, value)).toBeUndefined();
  });

  test('values beyond the bounds are not validated', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 5000; level += 1) deep = [deep];
    expect(validateBySchema({}, deep)).toBeUndefined();
    expect(validateBySchema({}, 'x'.repeat(1_000_001))).toBeUndefined();
    expect(validateBySchema({}, many(100_000, 1))).toBeUndefined();
    expect(validateBySchema({}, undefined)).toBeUndefined();
  });

  test('whatever the schema and the value, there is an answer, and it holds no word of either', () => {
    const reason = /^[a-z]+(?:-[a-z]+)*$/;
    fc.assert(
      fc.property(anySchema, fc.jsonValue(), (schema, value) => {
        const reasons = validateBySchema(schema, value) ?? [];
        for (const each of reasons) expect(each).toMatch(reason);
      }),
      { numRuns: 300 },
    );
  });
});

function many<Value>(count: number, value: Value): readonly Value[] {
  return Array.from({ length: count }, () => value);
}

const KEYWORDS: readonly string[] = (
  'type enum const properties required additionalProperties items prefixItems anyOf allOf oneOf not if ' +
  'then $ref $defs minimum maxLength uniqueItems nullable contains propertyNames dependencies pattern multipleOf __absolute_ref__ $recursiveRef'
).split(' ');

/** Schemas with keywords that often make no sense. */
const { schema: anySchema } = fc.letrec<{ schema: unknown; keyword: unknown }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.boolean(),
    fc.jsonValue({ maxDepth: 1 }),
    fc.dictionary(fc.constantFrom(...KEYWORDS), tie('keyword'), { maxKeys: 5 }),
  ),
  keyword: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('string', 'object', '#', '#/properties/a', '#/$defs/b', 3, -1, true, ['a'], ['string', 'null']),
    tie('schema'),
    fc.array(tie('schema'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), tie('schema'), { maxKeys: 2 }),
  ),
}));
