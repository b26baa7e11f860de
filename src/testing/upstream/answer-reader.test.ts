import fc from 'fast-check';
import { expect, test } from 'vitest';
import { askedRequest, FORMS } from '../../../test/support/asked-calls.ts';
import { type AskedAnswer, readAnswer, type SeenAnswer } from './answer-reader.ts';
import { answerParts, expectedAnswer } from './expected-answer.ts';
import { replyPlan } from './reply-plan.ts';
import type { UpstreamFault } from './upstream-fault.ts';
import { upstreamRequest } from './upstream-request.ts';

const STREAMS = FORMS.filter(({ isStream }) => isStream);

/** The frames of a reply that the upstream would send. */
function framesOf(asked: AskedAnswer, isStream: boolean, fault?: UpstreamFault): readonly string[] {
  const [path, init] = askedRequest({ ...asked, isStream });
  const request = upstreamRequest(path, init.body);
  if (request === undefined) throw new Error('no request');
  const plan = replyPlan(request, fault);
  if (plan.kind !== 'reply') throw new Error('no reply');
  return [...plan.parts].map((part) => Buffer.from(part).toString());
}

/** How a client sees bytes that end properly or, where `cutAt` says so, by a break. */
function read(bytes: Uint8Array, asked: AskedAnswer, isStream: boolean, cutAt?: number): Promise<SeenAnswer> {
  async function* body(): AsyncGenerator<Uint8Array> {
    // Three bytes at a time split events and characters.
    for (let start = 0; start < (cutAt ?? bytes.byteLength); start += 3) yield bytes.subarray(start, start + 3);
    if (cutAt !== undefined) throw new Error('reset');
  }
  const headers = new Headers({ 'content-type': isStream ? 'text/event-stream' : 'application/json' });
  return readAnswer({ status: 200, headers, body: body() }, asked);
}

test.each(STREAMS)('a $endpoint stream is right only with every part once and in order', async ({ endpoint }) => {
  const asked = { endpoint, prompt: 'hello' };
  const frames = framesOf(asked, true);
  const parts = frames.flatMap((frame, index) =>
    /delta":("|\{"(content":"[^"]|type":"text))/.test(frame) ? [index] : [],
  );
  expect(parts).toHaveLength(12);
  const seen = async (changed: readonly string[]): Promise<string> =>
    (await read(Buffer.from(changed.join('')), asked, true)).kind;
  expect(await seen(frames)).toBe('right');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...parts), async (index) => {
      expect(await seen(frames.toSpliced(index, 0, frames[index] ?? ''))).toBe('wrong');
      expect(await seen(frames.toSpliced(index, 1))).toBe(index === parts.at(-1) ? 'truncated' : 'wrong');
    }),
  );
});

test.each(STREAMS)('no $endpoint stream is right that ends early, cleanly or not', async ({ endpoint }) => {
  const asked = { endpoint, prompt: 'hello' };
  const frames = framesOf(asked, true);
  const bytes = Buffer.from(frames.join(''));
  // Of chat, a clean end behind the finish reason is an end.
  const endBytes = endpoint === 'chat' ? bytes.byteLength - Buffer.byteLength(frames.at(-1) ?? '') : bytes.byteLength;
  await fc.assert(
    fc.asyncProperty(fc.nat(endBytes - 3), async (cutAt) => {
      expect((await read(bytes, asked, true, cutAt)).kind).toBe('cut');
      expect((await read(bytes.subarray(0, cutAt), asked, true)).kind).toBe('truncated');
    }),
  );
});

test.each(FORMS)(
  'an answer to another prompt is wrong: $endpoint, stream $isStream',
  async ({ endpoint, isStream }) => {
    const bytes = Buffer.from(framesOf({ endpoint, prompt: 'something else' }, isStream).join(''));
    expect((await read(bytes, { endpoint, prompt: 'hello' }, isStream)).kind).toBe('wrong');
  },
);

test('an error event behind wrong text does not hide that it was wrong', async () => {
  const asked = { endpoint: 'chat', prompt: 'hello' } as const;
  const seen = async (prompt: string): Promise<string> => {
    const frames = framesOf({ ...asked, prompt }, true, { kind: 'in-band-error', afterFrames: 3 });
    return (await read(Buffer.from(frames.join('')), asked, true)).kind;
  };
  expect(await seen('hello')).toBe('error-event');
  expect(await seen('something else')).toBe('wrong');
});

test('parts are as long as was asked, and no two are alike', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 24, max: 200 }), (prompt, frameBytes) => {
      const parts = [...answerParts(prompt, { frames: 40, frameBytes })];
      expect(new Set(parts.map((part) => Buffer.byteLength(part)))).toEqual(new Set([frameBytes]));
      expect(new Set(parts).size).toBe(40);
      expect(expectedAnswer(prompt, { frames: 40, frameBytes })).toBe(parts.join(''));
    }),
  );
  expect(() => expectedAnswer('x', { frameBytes: 23 })).toThrow(RangeError);
});
