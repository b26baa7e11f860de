import * as fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasData, sharedData } from '../../test/support/shared-data.ts';
import { isFarthingError } from '../core/errors.ts';
import { type SseFrame, SseFramer } from './sse-framer.ts';

interface Plain {
  readonly bytes: string;
  readonly event: string | undefined;
  readonly data: string | undefined;
}

const utf8 = new TextEncoder();

function plain(frame: SseFrame): Plain {
  return { bytes: Buffer.from(frame.bytes).toString('latin1'), event: frame.event, data: frame.data };
}

/** Frames an input cut at the given sizes, which are used in turn. */
function framesOf(input: Uint8Array, sizes: readonly number[]): SseFrame[] {
  const framer = new SseFramer();
  const frames: SseFrame[] = [];
  let offset = 0;
  for (let turn = 0; offset < input.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    frames.push(...framer.push(input.subarray(offset, offset + size)));
    offset += size;
  }
  const rest = framer.finish();
  if (rest !== undefined) frames.push(rest);
  return frames;
}

function plainFrames(input: string | Uint8Array, sizes: readonly number[] = [Infinity]): Plain[] {
  return framesOf(typeof input === 'string' ? utf8.encode(input) : input, sizes).map(plain);
}

/** The standard's words (WHATWG HTML 9.2.6) in the plainest code: split into lines, then into blocks. */
function referenceFrames(input: string): Plain[] {
  const frames: Plain[] = [];
  let bytes = '';
  let lines: string[] = [];
  const flush = (): void => {
    const fields = lines
      .filter((line) => line !== '' && !line.startsWith(':'))
      .map((line) => /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? []);
    const data = fields.filter((field) => field[1] === 'data').map((field) => field[2] ?? '');
    const event = fields.findLast((field) => field[1] === 'event');
    frames.push({
      bytes: Buffer.from(bytes).toString('latin1'),
      event: event === undefined ? undefined : (event[2] ?? ''),
      data: data.length === 0 ? undefined : data.join('\n'),
    });
    bytes = '';
    lines = [];
  };
  for (const match of input.matchAll(/([^\r\n]*)(\r\n|\r|\n|$)/g)) {
    if (match[0] === '') continue;
    bytes += match[0];
    lines.push((match[1] ?? '').replace(frames.length === 0 && lines.length === 0 ? /^\uFEFF/ : /(?!)/, ''));
    if (match[1] === '') flush();
  }
  if (bytes !== '') flush();
  return frames;
}

const streamText = fc
  .array(
    fc.oneof(
      fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '\r\r'),
      fc.constantFrom(
        'data: {"a":1}',
        'data:x',
        'data',
        'event: delta',
        ': ping',
        'id: 7',
        'retry: 10',
        'data: ü€😀',
        ' ',
      ),
      fc.string({ maxLength: 5, unit: fc.constantFrom('d', ':', ' ', 'é', '\r', '\n', '\uFEFF') }),
    ),
    { maxLength: 25 },
  )
  .map((parts) => parts.join(''));

describe('fields', () => {
  test('data with and without a space after the colon is the same', () => {
    expect(plainFrames('data: a\n\ndata:a\n\n').map((frame) => frame.data)).toEqual(['a', 'a']);
  });

  test('only one space is taken off', () => {
    expect(plainFrames('data:   a \n\n')[0]?.data).toBe('  a ');
  });

  test('data lines are joined by a line feed', () => {
    expect(plainFrames('data: a\ndata\ndata: b\n\n')[0]?.data).toBe('a\n\nb');
  });

  test('a comment is a frame without data', () => {
    expect(plainFrames(': ping\n\n')).toEqual([{ bytes: ': ping\n\n', event: undefined, data: undefined }]);
  });

  test('event, id and retry lines and comments stand beside data', () => {
    const [frame] = plainFrames('id: 1\n: note\nevent: error\nretry: 5\ndata: {}\n\n');
    expect(frame).toMatchObject({ event: 'error', data: '{}' });
  });

  test('a byte order mark counts only at the start of the stream', () => {
    expect(plainFrames('\uFEFFdata: a\n\n\uFEFFdata: b\n\n').map((frame) => frame.data)).toEqual(['a', undefined]);
  });

  test.each(['\n', '\r\n', '\r'])('lines may end in %j', (end) => {
    const text = `event: a${end}data: 1${end}${end}data: 2${end}${end}`;
    expect(plainFrames(text).map(({ event, data }) => [event, data])).toEqual([
      ['a', '1'],
      [undefined, '2'],
    ]);
  });
});

describe('borders', () => {
  test('a CRLF cut in two belongs to the frame before it', () => {
    const framer = new SseFramer();
    expect(framer.push(utf8.encode('data: 1\r\n\r'))).toEqual([]);
    const frames = framer.push(utf8.encode('\ndata: 2\r\n\r\n'));
    expect(frames.map(plain).map((frame) => frame.bytes)).toEqual(['data: 1\r\n\r\n', 'data: 2\r\n\r\n']);
  });

  test('a character cut in two is decoded whole', () => {
    expect(plainFrames('data: 😀\n\n', [8, 1, 1, 1, 99])[0]?.data).toBe('😀');
  });

  test('a frame that lies in one chunk is a view of it', () => {
    const chunk = utf8.encode('data: 1\n\ndata: 2\n\n');
    const frames = new SseFramer().push(chunk);
    expect(frames.map((frame) => [frame.bytes.buffer === chunk.buffer, frame.bytes.byteOffset])).toEqual([
      [true, 0],
      [true, 9],
    ]);
  });

  test('a stream without its last blank line gives the rest when it ends', () => {
    const framer = new SseFramer();
    expect(framer.push(utf8.encode('data: [DONE]'))).toEqual([]);
    expect(framer.finish()?.data).toBe('[DONE]');
    expect(framer.finish()).toBeUndefined();
  });

  test('frames joined give back the input and do not depend on chunk borders', () => {
    fc.assert(
      fc.property(
        streamText,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
        (text, sizes) => {
          const whole = plainFrames(text);
          expect(whole).toEqual(referenceFrames(text));
          expect(whole.map((frame) => frame.bytes).join('')).toBe(Buffer.from(text).toString('latin1'));
          expect(plainFrames(text, sizes)).toEqual(whole);
          expect(plainFrames(text, [1])).toEqual(whole);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('any bytes at all come back unchanged', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 1, max: 7 }), (input, size) => {
        expect(Buffer.concat(framesOf(input, [size]).map((frame) => frame.bytes))).toEqual(Buffer.from(input));
      }),
    );
  });
});

describe('bounds', () => {
  test('a frame of 2 MB in chunks of 64 bytes costs one pass', () => {
    const input = utf8.encode(`data: ${'x'.repeat(2_000_000)}\n\n`);
    const frames = framesOf(input, [64]);
    expect(frames).toHaveLength(1);
    expect(frames[0]?.data).toHaveLength(2_000_000);
  });

  test('a frame above the bound is a broken provider, at any chunking', () => {
    for (const size of [1, 7, 100]) {
      const framer = new SseFramer({ maxFrameBytes: 20 });
      const input = utf8.encode(`data: 1\n\ndata: ${'x'.repeat(20)}\n\n`);
      let error: unknown;
      try {
        for (let offset = 0; offset < input.length; offset += size) framer.push(input.subarray(offset, offset + size));
      } catch (thrown) {
        error = thrown;
      }
      expect(isFarthingError(error) && error.code).toBe('provider-broken');
    }
  });

  test('frames up to the bound pass', () => {
    const framer = new SseFramer({ maxFrameBytes: 9 });
    expect(framer.push(utf8.encode('data: 1\n\ndata: 2\n\n'))).toHaveLength(2);
  });
});

function recordedStreams(): { readonly id: string; readonly text: string }[] {
  const folder = sharedData('wire') ?? '';
  const streams: { id: string; text: string }[] = [];
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.jsonl'))) {
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      if (line === '') continue;
      const record: unknown = JSON.parse(line);
      if (typeof record !== 'object' || record === null || !('id' in record) || !('response_text' in record)) continue;
      if (typeof record.response_text === 'string') {
        streams.push({ id: `${name}#${String(record.id)}`, text: record.response_text });
      }
    }
  }
  return streams;
}

test.skipIf(!hasData('wire'))(
  'every recorded stream is framed alike at whole, 1-byte, 7-byte and random chunking',
  () => {
    const streams = recordedStreams();
    expect(streams.length).toBeGreaterThan(50);
    for (const { id, text } of streams) {
      const input = utf8.encode(text);
      const whole = plainFrames(input);
      const random = fc.sample(fc.integer({ min: 1, max: 300 }), { numRuns: 50, seed: text.length });
      expect({ id, frames: whole }).toEqual({ id, frames: referenceFrames(text) });
      for (const sizes of [[1], [7], random]) {
        expect({ id, sizes, frames: plainFrames(input, sizes) }).toEqual({ id, sizes, frames: whole });
      }
    }
  },
  60_000,
);
