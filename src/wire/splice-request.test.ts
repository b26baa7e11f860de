import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRequest } from './decode-request.ts';
import { type RequestEdits, spliceRequest } from './splice-request.ts';

const utf8 = new TextEncoder();

function spliced(text: string, edits: RequestEdits): string | undefined {
  const bytes = spliceRequest(decodeRequest('chat', utf8.encode(text)), edits);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
}

const rest = '"messages":[{"role":"user","content":"hé 😀"}]';

describe('the model', () => {
  test('is replaced where it stands and nothing else moves', () => {
    const text = `{ "x_unknown" : 9007199254740993.10e1,\n\t"model" : "fast" , ${rest}, "a": {"model":"fast"} }\n`;
    expect(spliced(text, { model: 'openai/gpt "6"' })).toBe(text.replace('"fast"', String.raw`"openai/gpt \"6\""`));
  });

  test('is found under an escaped key', () => {
    expect(spliced(String.raw`{"mod\u0065l":"a",${rest}}`, { model: 'b' })).toBe(
      String.raw`{"mod\u0065l":"b",${rest}}`,
    );
  });

  test('that is the same already changes nothing', () => {
    const text = String.raw`{"model":"\u0061",${rest}}`;
    expect(spliced(text, { model: 'a' })).toBeUndefined();
    expect(spliced(text, {})).toBeUndefined();
  });
});

describe('include_usage', () => {
  test.each([
    ['absent', '', ',"stream_options":{"include_usage":true}'],
    ['null', ',"stream_options":null', ',"stream_options":{"include_usage":true}'],
    ['empty', ',"stream_options": { }', ',"stream_options": {"include_usage":true }'],
    ['false', ',"stream_options":{"include_usage" : false}', ',"stream_options":{"include_usage" : true}'],
    ['with others', ',"stream_options":{ "b": 1.0 }', ',"stream_options":{ "b": 1.0,"include_usage":true }'],
  ])('is set where stream_options is %s', (_name, before, after) => {
    expect(spliced(`{"model":"a",${rest}${before} }`, { includeUsage: true })).toBe(`{"model":"a",${rest}${after} }`);
  });

  test('that is set already changes nothing', () => {
    const text = `{"model":"a",${rest},"stream_options":{"include_usage": true}}`;
    expect(spliced(text, { includeUsage: true })).toBeUndefined();
  });
});

test('members are set and added as the JSON text that is given', () => {
  const text = `{"model":"a",${rest},"max_tokens":1e2}`;
  expect(spliced(text, { members: { max_tokens: '50', seed: '12345678901234567890' } })).toBe(
    `{"model":"a",${rest},"max_tokens":50,"seed":12345678901234567890}`,
  );
});

test('several edits at once keep each other', () => {
  const text = `{${rest},"stream_options":{},"model":"a"}`;
  expect(spliced(text, { model: 'b', includeUsage: true, members: { n: '2' } })).toBe(
    `{${rest},"stream_options":{"include_usage":true},"model":"b","n":2}`,
  );
});

test('a spliced body parses to the original with the edit, and all text outside the members is as it was', () => {
  // `__proto__` is refused at any depth: it has its own test.
  const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
  // No field that the API knows begins with x.
  const names = fc.string({ maxLength: 8, unit: 'grapheme' }).map((name) => `x${name}`);
  const extras = fc.dictionary(names, json, {
    maxKeys: 6,
    noNullPrototype: true,
  });
  const options = fc.option(fc.record({ include_usage: fc.boolean(), other: json }, { requiredKeys: [] }), {
    nil: undefined,
  });
  fc.assert(
    fc.property(
      extras,
      options,
      fc.string({ minLength: 1, unit: 'grapheme-ascii' }),
      fc.constantFrom('', '  '),
      (extra, own, model, space) => {
        const fields = {
          ...extra,
          model: 'asked',
          messages: [{ role: 'user', content: 'model' }],
          stream_options: own,
        };
        const text = JSON.stringify(fields, null, space);
        const result = spliced(text, { model, includeUsage: true }) ?? text;
        const expected: unknown = JSON.parse(
          JSON.stringify({ ...fields, model, stream_options: { ...own, include_usage: true } }),
        );
        expect(JSON.parse(result)).toEqual(expected);
        const head = text.slice(0, text.indexOf('"asked"', text.lastIndexOf('"model":')));
        expect(result.startsWith(head)).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

describe('members that are taken out', () => {
  const text = `{ "a" : 1 , "b":{"a":2},\n"model":"m", ${rest} ,"c":"x,}" }`;

  test.each([
    ['the first', ['a'], '{ "b":{"a":2},\n"model":"m", REST ,"c":"x,}" }'],
    ['one within', ['b'], '{ "a" : 1,\n"model":"m", REST ,"c":"x,}" }'],
    ['the last', ['c'], '{ "a" : 1 , "b":{"a":2},\n"model":"m", REST }'],
    ['the first two', ['b', 'a'], '{ "model":"m", REST ,"c":"x,}" }'],
    ['the first and the last', ['a', 'c'], '{ "b":{"a":2},\n"model":"m", REST }'],
    ['all', ['a', 'b', 'c', 'model', 'messages'], '{  }'],
  ])('%s goes with one comma', (_name, remove, expected) => {
    expect(spliced(text, { remove })).toBe(expected.replace('REST', rest));
  });

  test('that are not there change nothing', () => {
    expect(spliced(text, { remove: ['x', 'A', 'content'] })).toBeUndefined();
  });

  test('are found under an escaped key', () => {
    expect(spliced(String.raw`{"top\u005fp":0.5,"model":"a",${rest}}`, { remove: ['top_p'] })).toBe(
      `{"model":"a",${rest}}`,
    );
  });

  test('give way to a value that is set, and the place of added ones is behind the last that stays', () => {
    expect(spliced(`{"model":"a",${rest},"n":1,"z":2}`, { members: { n: '3', y: '4' }, remove: ['n', 'z'] })).toBe(
      `{"model":"a",${rest},"n":3,"y":4}`,
    );
  });
});

/** A body's members in order, each with the space around its parts, and what is done to it. */
function editedBodies(): fc.Arbitrary<readonly WrittenMember[]> {
  const space = fc.constantFrom('', ' ', '\n\t');
  const value = fc.jsonValue({ maxDepth: 2 }).filter((each) => !JSON.stringify(each).includes('__proto__'));
  const member = fc.record({
    name: fc.string({ maxLength: 6, unit: 'grapheme' }).map((name) => `x${name}`),
    value,
    space,
    deed: fc.constantFrom('keep', 'remove', 'set', 'add'),
  });
  const needed = fc.record({ space, deed: fc.constantFrom('keep', 'remove') });
  return fc
    .tuple(fc.uniqueArray(member, { maxLength: 8, selector: ({ name }) => name }), needed, needed, fc.nat())
    .map(([members, model, messages, place]) => {
      const all: WrittenMember[] = members.slice();
      all.splice(place % (all.length + 1), 0, { ...model, name: 'model', value: 'm' });
      all.splice(place % (all.length + 1), 0, {
        ...messages,
        name: 'messages',
        value: [{ role: 'user', content: '","x' }],
      });
      return all;
    });
}

interface WrittenMember {
  readonly name: string;
  readonly value: unknown;
  readonly space: string;
  readonly deed: 'keep' | 'remove' | 'set' | 'add';
}

const NEW_VALUE = '[ 1.50,"new" ]';

test('taking out, replacing and adding in any combination is what doing so to the parsed object gives, and what stays keeps its bytes', () => {
  fc.assert(
    fc.property(editedBodies(), (members) => {
      const written = members.filter(({ deed }) => deed !== 'add');
      const source = ({ name, value, space }: WrittenMember): string =>
        `${JSON.stringify(name)}${space}:${space}${JSON.stringify(value)}`;
      const text = `{${written.map((member) => `${member.space}${source(member)}${member.space}`).join(',')}}`;
      const set = members.filter(({ deed }) => deed === 'set' || deed === 'add').map(({ name }) => name);
      const remove = members.filter(({ deed }) => deed === 'remove').map(({ name }) => name);
      const result =
        spliced(text, { members: Object.fromEntries(set.map((name) => [name, NEW_VALUE])), remove }) ?? text;

      const expected = new Map(written.map(({ name, value }) => [name, value]));
      for (const name of remove) expected.delete(name);
      for (const name of set) expected.set(name, JSON.parse(NEW_VALUE));
      expect(JSON.parse(result)).toEqual(JSON.parse(JSON.stringify(Object.fromEntries(expected))));
      // Names and values that stay, in the order and the spelling in which they were written.
      let from = 0;
      for (const member of written.filter(({ deed }) => deed === 'keep' || deed === 'set')) {
        const { name, space } = member;
        const part = member.deed === 'set' ? `${JSON.stringify(name)}${space}:${space}${NEW_VALUE}` : source(member);
        const at = result.indexOf(part, from);
        expect(at).toBeGreaterThanOrEqual(from);
        from = at + part.length;
      }
    }),
    { numRuns: 1000 },
  );
});
