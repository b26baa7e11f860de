import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { replayMarks, withFreshIds } from './replay-marks.ts';

const NEW_ID = 'abcdef0123456789';

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function marked(body: Uint8Array, idRanges: readonly number[] = []): readonly string[] {
  return idRanges.flatMap((start, index) =>
    index % 2 === 0 ? [decode(body.subarray(start, idRanges[index + 1]))] : [],
  );
}

describe('ids', () => {
  test('the top-level id is found, and no other text like it', () => {
    const id = 'chatcmpl-123';
    const body = encode(
      JSON.stringify({
        x_groq: { id },
        é: `"id":"${id}"`,
        choices: [{ message: { content: `{"id":"${id}"} \\" ü`, id } }],
        id,
        model: id,
      }),
    );
    const ranges = replayMarks('chat', 'whole', body)?.idRanges ?? [];
    expect(marked(body, ranges)).toEqual([id]);
    const fresh = decode(withFreshIds(body, ranges, NEW_ID));
    expect(fresh).toBe(decode(body).replace(`"id":"${id}","model"`, '"id":"chatcmpl-abc","model"'));
  });

  test('white space and a repeated key change nothing: the last id counts, as for a JSON parser', () => {
    const body = encode('\ufeff \n{ "id" : "msg_1" ,\t"content":[ {} , [1, 2 ] ], "id" :"msg_22"\r\n}');
    expect(marked(body, replayMarks('messages', 'whole', body)?.idRanges)).toEqual(['msg_22']);
  });

  test('every chunk of a chat stream has its id marked, and all get the same', () => {
    const chunk = (content: string): string =>
      `data: {"id":"chatcmpl-12","choices":[{"delta":{"content":${JSON.stringify(content)}}}]}\r\n\r\n`;
    const body = encode(
      `: "id":"chatcmpl-12"\n\n${chunk('chatcmpl-12')}event: x\nid: 3\n${chunk('"id":"chatcmpl-12"')}data: [DONE]\n\n`,
    );
    const ranges = replayMarks('chat', 'stream', body)?.idRanges ?? [];
    expect(marked(body, ranges)).toEqual(['chatcmpl-12', 'chatcmpl-12']);
    expect(decode(withFreshIds(body, ranges, NEW_ID))).toBe(
      decode(body).replaceAll('{"id":"chatcmpl-12"', '{"id":"chatcmpl-ab"'),
    );
  });

  test('in a messages stream only the id of the message is marked', () => {
    const start = {
      type: 'message_start',
      id: 'not_1',
      message: { usage: { id: 'not_2' }, id: 'msg_12', content: [] },
    };
    const block = { type: 'content_block_start', content_block: { type: 'tool_use', id: 'toolu_1' } };
    const body = encode(
      [start, block].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
    );
    expect(marked(body, replayMarks('messages', 'stream', body)?.idRanges)).toEqual(['msg_12']);
  });

  test('responses, embeddings and counts keep their ids', () => {
    for (const endpoint of ['responses', 'embeddings', 'count-tokens'] as const) {
      expect(replayMarks(endpoint, 'whole', encode('{"id":"resp_1"}'))).toEqual({
        idRanges: [],
        usageRange: undefined,
      });
    }
    const stream = encode('data: {"type":"response.created","response":{"id":"resp_1"}}\n\n');
    expect(replayMarks('responses', 'stream', stream)).toEqual({ idRanges: [], usageRange: undefined });
  });

  test('an id that is empty or no text has no range', () => {
    for (const id of ['""', 'null', '17', '{"id":"a"}']) {
      expect(replayMarks('chat', 'whole', encode(`{"id":${id}}`))?.idRanges).toEqual([]);
    }
  });

  test('whatever the body says, the range holds its top-level id', () => {
    const id = fc.stringMatching(/^[a-z]{1,8}[-_][A-Za-z0-9]{1,20}$/);
    const rest = fc.dictionary(
      fc.string().filter((key) => key !== 'id' && key !== '__proto__'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(id, rest, rest, fc.constantFrom(undefined, 2), (value, before, after, indent) => {
        const fields = { ...before, id: value, ...after };
        const body = encode(JSON.stringify(fields, undefined, indent));
        const ranges = replayMarks('chat', 'whole', body)?.idRanges ?? [];
        expect(marked(body, ranges)).toEqual([value]);
        const fresh = JSON.parse(decode(withFreshIds(body, ranges, NEW_ID)));
        expect(fresh.id).toHaveLength(value.length);
        expect({ ...fresh, id: value }).toEqual(JSON.parse(JSON.stringify(fields)));
      }),
    );
  });
});

describe('fresh ids', () => {
  test.each([
    ['chatcmpl-0000', 'chatcmpl-abcd'],
    ['msg_00-00', 'msg_abcde'],
    ['03ea1ed2-c2dc', '03ea1ed2-abcd'],
    ['plain', 'abcde'],
    ['ends-', 'abcde'],
    ['x-00000000000000000000', 'x-abcdef0123456789abcd'],
  ])('%s becomes %s', (id, fresh) => {
    expect(decode(withFreshIds(encode(id), [0, id.length], NEW_ID))).toBe(fresh);
  });

  test('ids of several lengths all begin with the fresh text', () => {
    const ids = ['a-00', 'b_00000', 'c-0', '0000000000'];
    const ranges: number[] = [];
    let start = 0;
    for (const id of ids) {
      ranges.push(start, start + id.length);
      start += id.length;
    }
    expect(decode(withFreshIds(encode(ids.join('')), ranges, 'abc'))).toBe('a-abb_abcabc-aabcabcabca');
  });

  test('the stored body is left alone', () => {
    const body = encode('{"id":"msg_1"}');
    withFreshIds(body, [7, 12], NEW_ID);
    expect(decode(body)).toBe('{"id":"msg_1"}');
  });

  test('only letters and digits can be an id', () => {
    expect(() => withFreshIds(encode('a'), [0, 1], '"')).toThrow(RangeError);
    expect(() => withFreshIds(encode('a'), [0, 1], '')).toThrow(RangeError);
  });
});

describe('the usage event', () => {
  const usage = 'data: {"id":"c-1","choices":[],"usage":{"prompt_tokens":1}}\n\n';
  const text =
    'data: {"id":"c-1","choices":[{"delta":{"content":"\\"choices\\":[],\\"usage\\":{}"}}],"usage":null}\n\n';

  test('the whole event is marked, blank line and comments aside', () => {
    const body = encode(`${text}: wait\n\n${usage}data: [DONE]\n\n`);
    const range = replayMarks('chat', 'stream', body)?.usageRange;
    expect(range === undefined ? undefined : decode(body.subarray(...range))).toBe(usage);
  });

  test('usage beside a choice is not an extra event', () => {
    const body = encode(text.replace('"usage":null', '"usage":{"prompt_tokens":1}'));
    expect(replayMarks('chat', 'stream', body)?.usageRange).toBeUndefined();
  });

  test('usage events one after the other are one range, apart they cannot be marked', () => {
    expect(replayMarks('chat', 'stream', encode(text + usage + usage))?.usageRange).toEqual([
      text.length,
      text.length + 2 * usage.length,
    ]);
    expect(replayMarks('chat', 'stream', encode(usage + text + usage))).toBeUndefined();
  });
});

test.each([
  ['a whole body that is no JSON', 'whole', '{"id":"a'],
  ['a stream with a broken event', 'stream', 'data: {"id":"a\n\n'],
  ['an event over several lines', 'stream', 'data: {"id":\ndata: "a-1"}\n\n'],
] as const)('%s cannot be marked', (_name, form, text) => {
  expect(replayMarks('chat', form, encode(text))).toBeUndefined();
});

test('endpoints that do not stream have no stream to mark', () => {
  expect(replayMarks('embeddings', 'stream', encode(''))).toBeUndefined();
});
