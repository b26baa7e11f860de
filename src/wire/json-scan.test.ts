import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JsonScan, scanJson } from './json-scan.ts';

const limits = { maxDepth: 64, maxObjectKeys: 4096, maxContainers: 65_536 };

function scan(text: string): JsonScan {
  const alone = scanJson(text, limits);
  const parsed = parsedOf(text);
  const withValue = scanJson(text, limits, parsed === undefined ? undefined : () => parsed.value);
  expect(withValue).toEqual(alone);
  return alone;
}

function parsedOf(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    return undefined;
  }
}

function nested(depth: number): string {
  return `${'{"a":'.repeat(depth - 1)}[]${'}'.repeat(depth - 1)}`;
}

function objectOf(keys: number): string {
  return JSON.stringify({ a: [Object.fromEntries(Array.from({ length: keys }, (_, index) => [`k${index}`, index]))] });
}

/** A key written with its first character as an escape. */
function escapedKey(key: string): string {
  return `"\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${JSON.stringify(key.slice(1)).slice(1)}`;
}

// No key begins with a backslash: where V8 of Node 24.21 has met the key `\\`, its `JSON.parse` takes `"\\""` for it, too.
const key = fc
  .string({ maxLength: 6, unit: fc.constantFrom('a', 'b', '"', '\\', 'é', '😀', ' ', ':', '{') })
  .filter((text) => !text.startsWith('\\'));
const cleanJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.constantFrom(null, true, false, '', '\\', '"', '\\"', 'a\\'),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 20, noNullPrototype: true }),
  ),
})).value;
const cleanObject = fc.dictionary(key, cleanJson, { maxKeys: 20, noNullPrototype: true });
const indent = fc.constantFrom('', ' ', '\t', '  ');

describe('members', () => {
  test('ranges give key and value of each member of the outermost object, white space left out', () => {
    const text = ' {"a" : [1, {"a": 2}] ,\n"b\\u0063":"x,}" , "d":{} } ';
    const found = scan(text);
    const slices =
      found.kind === 'ok' ? [...found.members].map(([name, at]) => [name, text.slice(at.keyStart, at.valueEnd)]) : [];
    expect(slices).toEqual([
      ['a', '"a" : [1, {"a": 2}]'],
      ['bc', '"b\\u0063":"x,}"'],
      ['d', '"d":{}'],
    ]);
  });

  test('a value of any JSON object parses alone to what it is in the whole', () => {
    fc.assert(
      fc.property(cleanObject, indent, (object, space) => {
        const text = JSON.stringify(object, null, space);
        const found = scan(text);
        const members = found.kind === 'ok' ? [...found.members] : [];
        const values = members.map(([name, at]) => [name, parsedOf(text.slice(at.valueStart, at.valueEnd))?.value]);
        const parsed = Object.entries(Object(parsedOf(text)?.value));
        // In the order of the text: no key of these is like an integer. (Sets of lists that are alike are not compared reliably.)
        expect(values).toEqual(parsed);
      }),
      { numRuns: 500 },
    );
  });

  test('an outermost value that is no object has no members', () => {
    for (const text of ['[{"a":1}]', '"a"', '1', 'null'])
      expect(scan(text)).toEqual({ kind: 'ok', members: new Map() });
  });
});

describe('duplicate keys', () => {
  test.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"\\u0061":1,"a":2}', 'a'],
    ['{"m":[{"x":{"role":1,"b":{"role":1},"role":2}}]}', 'm[0].x.role'],
    [`{${Array.from({ length: 40 }, (_, index) => `"k${index}":1`).join(',')},"k3":1}`, 'k3'],
    ['{"a\\"":1,"a\\"":2}', '["a\\""]'],
    ['{"":1,"":2}', '[""]'],
  ])('%s is refused', (text, path) => {
    expect(scan(text)).toEqual({ kind: 'fault', reason: 'duplicate-key', path });
  });

  test('equal keys in different objects are fine', () => {
    expect(scan('[{"a":{"a":{"a":1}}},{"a":1},{"b":{},"a":1}]').kind).toBe('ok');
  });

  test('a repeated member anywhere is found, however it is spelt', () => {
    fc.assert(
      fc.property(
        cleanObject,
        key,
        fc.boolean(),
        fc.nat(4),
        fc.boolean(),
        (object, name, isEscaped, depth, isFirst) => {
          const others = Object.entries(object).filter(([other]) => other !== name);
          const members = others.map(([other, value]) => `${JSON.stringify(other)}:${JSON.stringify(value)}`);
          const spelt = isEscaped && name !== '' ? escapedKey(name) : JSON.stringify(name);
          const doubled = [`${JSON.stringify(name)}:1`, ...members, `${spelt} : 2`];
          if (isFirst) doubled.reverse();
          let text = `{${doubled.join(',')}}`;
          for (let level = 0; level < depth; level += 1) text = level % 2 === 0 ? `[1,${text}]` : `{"a":${text},"b":0}`;
          expect(scan(text)).toMatchObject({ kind: 'fault', reason: 'duplicate-key' });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('forbidden keys', () => {
  test.each([
    ['{"__proto__":1}', '__proto__'],
    ['{"a":[0,{"__proto__":{"x":1}}]}', 'a[1].__proto__'],
    ['{"\\u005f_proto__":1}', '__proto__'],
    ['{"a":{"x":1,"_\\u005Fproto\\u005f_":1}}', 'a.__proto__'],
    [`{${Array.from({ length: 40 }, (_, index) => `"k${index}":1`).join(',')},"__proto__":1}`, '__proto__'],
  ])('%s is refused', (text, path) => {
    expect(scan(text)).toEqual({ kind: 'fault', reason: 'forbidden-key', path });
  });

  test('the words as a value, and keys that only resemble them, are fine', () => {
    expect(scan('{"a":"__proto__","proto":1,"constructor":{"prototype":1},"__proto_":1}').kind).toBe('ok');
  });
});

describe('lone surrogates', () => {
  test.each([
    ['{"a":"\\ud83d"}', 'a'],
    ['{"a":"\\uDE00"}', 'a'],
    ['{"a":["x","\\ude00\\ud83d"]}', 'a[1]'],
    ['{"a":"\\ud83dx\\ude00"}', 'a'],
    ['{"a":"\\ud83d\\n\\ude00"}', 'a'],
    ['{"a":"\\ud83d\\ud83d\\ude00"}', 'a'],
    ['{"a":"\\\\\\ud83d"}', 'a'],
    ['{"a":"\\ud83d\\\\ude00"}', 'a'],
    ['{"a\\udc00":1}', '["a\\udc00"]'],
    ['{"a":"\ud83d"}', 'a'],
    ['{"a":"\ude00\ud83d"}', 'a'],
  ])('%j is refused', (text, path) => {
    expect(scan(text)).toEqual({ kind: 'fault', reason: 'lone-surrogate', path });
  });

  test.each([
    '"\\ud83d\\ude00"',
    '"\\uD83D\\uDE00"',
    '"\\uD83d\\uDe00x\\ud83d\\ude00"',
    '"\\\\ud83d"',
    '"😀"',
    '"\\u00e9 study \\\\"',
  ])('%s is fine', (text) => {
    expect(scan(`{"a":${text}}`).kind).toBe('ok');
  });

  test('agrees with a look at the parsed value, for any mixture of escapes', () => {
    const unit = fc.constantFrom(
      '\\ud83d',
      '\\uD83D',
      '\\ude00',
      '\\uDE00',
      '\\\\',
      '\\n',
      'u',
      'd83d',
      '\\u0041',
      '😀',
      '\\"',
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
        const text = `["${units.join('')}"]`;
        const isFine = !/\p{Surrogate}/u.test(String(parsedOf(text)?.value));
        expect(scan(text).kind).toBe(isFine ? 'ok' : 'fault');
      }),
      { numRuns: 1000 },
    );
  });
});

describe('depth', () => {
  test('the outermost value is level 1', () => {
    expect(scan(nested(64)).kind).toBe('ok');
    expect(scan(nested(65))).toMatchObject({ kind: 'fault', reason: 'too-deep' });
  });

  test('ten million brackets are refused at the 65th', () => {
    expect(scanJson('['.repeat(10_000_000), limits)).toMatchObject({ reason: 'too-deep', path: `${'[0]'.repeat(8)}…` });
  });

  test('brackets inside strings do not count', () => {
    expect(scan(`["${'['.repeat(100)}"]`).kind).toBe('ok');
  });
});

describe('width', () => {
  test('objects and arrays are counted together, however they stand', () => {
    const bounds = { ...limits, maxContainers: 4 };
    for (const text of ['[[],{},[]]', '[[[[]]]]', '{"a":{"b":{"c":{}}}}', '[{"a":[1,2,"[[["]},{}]']) {
      expect(scanJson(text, bounds).kind).toBe('ok');
      expect(scanJson(`[${text}]`, bounds)).toMatchObject({ kind: 'fault', reason: 'too-many-containers' });
    }
  });

  test.each([1, 5, 12, 13, 100])('an object may have %i keys and not one more', (maxObjectKeys) => {
    const bounds = { ...limits, maxObjectKeys };
    expect(scanJson(objectOf(maxObjectKeys), bounds).kind).toBe('ok');
    expect(scanJson(objectOf(maxObjectKeys + 1), bounds)).toEqual({
      kind: 'fault',
      reason: 'too-many-keys',
      path: `a[0].k${maxObjectKeys}`,
    });
  });

  test('keys of different objects are not added up', () => {
    expect(scanJson('{"a":{"b":1,"c":2},"d":[{"e":1,"f":2}]}', { ...limits, maxObjectKeys: 2 }).kind).toBe('ok');
  });
});

describe('texts that are not JSON', () => {
  test.each(['{', '{"a":1', ']', '"a', '"a":1', '{"a":"b\\"}', '[1]]'])('%s does not match up', (text) => {
    expect(scan(text)).toMatchObject({ kind: 'fault', reason: 'syntax' });
  });

  test('no text makes it throw, and it blames no good JSON', () => {
    const junk = fc.string({
      maxLength: 40,
      unit: fc.constantFrom(...'{ } [ ] " , : \\ u a 0 d 8 \n 1 e - 😀 \ud800'.split(' '), ' '),
    });
    const mutated = fc.tuple(cleanJson, fc.nat(), fc.nat(5), junk).map(([value, at, removed, added]) => {
      const text = JSON.stringify(value);
      const offset = at % (text.length + 1);
      return text.slice(0, offset) + added + text.slice(offset + removed);
    });
    fc.assert(
      fc.property(fc.oneof(junk, mutated), (text) => {
        const found = scan(text);
        const blames = found.kind === 'fault' && found.reason === 'syntax';
        expect(blames && parsedOf(text) !== undefined).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});
