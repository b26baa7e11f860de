import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wholeReplyFacts } from '../src/wire/reply-whole.ts';
import type { ReplyFacts } from '../src/core/model/reply.ts';
import { SseFramer } from '../src/wire/sse-framer.ts';
import { type FrameRole, streamReader } from '../src/wire/stream-reader.ts';
import { hasData } from './support/shared-data.ts';
import { type WireRecording, wireRecordings } from './support/wire-recordings.ts';

interface Reading {
  readonly roles: readonly FrameRole[];
  readonly facts: readonly ReplyFacts[];
}

const all = wireRecordings();
const streams = all.filter((recording) => recording.stream !== undefined);
const wholes = all.filter((recording) => recording.stream === undefined);
const RANDOM_CHUNKINGS = 3;

function bytesOf(recording: WireRecording): Uint8Array {
  return new TextEncoder().encode(recording.stream ?? '');
}

/** Reads a stream that comes in pieces of the given sizes, over and over. Facts are taken after every frame where `everyFrame`. */
function reading(recording: WireRecording, chunkSizes: readonly number[], everyFrame = true): Reading {
  const bytes = bytesOf(recording);
  const framer = new SseFramer();
  const reader = streamReader(recording.endpoint);
  const roles: FrameRole[] = [];
  const facts: ReplyFacts[] = [];
  const read = (frame: Parameters<typeof reader.read>[0]): void => {
    roles.push(reader.read(frame));
    if (everyFrame) facts.push(reader.facts());
  };
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = chunkSizes[turn % chunkSizes.length] ?? 1;
    for (const frame of framer.push(bytes.subarray(at, at + size))) read(frame);
    at += size;
  }
  const rest = framer.finish();
  if (rest !== undefined) read(rest);
  if (!everyFrame) facts.push(reader.facts());
  return { roles, facts };
}

const whole = new Map<string, Reading>(streams.map((recording) => [recording.name, reading(recording, [1e9])]));

function lastFacts(recording: WireRecording): ReplyFacts | undefined {
  return whole.get(recording.name)?.facts.at(-1);
}

describe.skipIf(!hasData('wire'))('recorded replies in ../shared/data/wire', () => {
  test('the recordings are all there', () => {
    expect(streams.length).toBe(54);
    expect(wholes.length).toBeGreaterThan(200);
  });

  test.each([1, 7])('every stream reads the same in chunks of %i bytes', (size) => {
    for (const recording of streams) {
      expect(reading(recording, [size]), recording.name).toEqual(whole.get(recording.name));
    }
  });

  test('every stream reads the same at random chunk borders', () => {
    for (const recording of streams) {
      const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });
      fc.assert(
        fc.property(sizes, (chunkSizes) => {
          expect(reading(recording, chunkSizes), recording.name).toEqual(whole.get(recording.name));
        }),
        { numRuns: RANDOM_CHUNKINGS },
      );
    }
  });

  test('every stream of OpenAI and Anthropic ends well, with usage, id and model', () => {
    const own = streams.filter(({ provider }) => provider === 'openai' || provider === 'anthropic');
    expect(own.length).toBe(32);
    for (const recording of own) {
      const facts = lastFacts(recording);
      expect(facts, recording.name).toMatchObject({ ended: true, isEmpty: false });
      expect(facts?.error, recording.name).toBeUndefined();
      expect(['complete', 'tool-calls'], recording.name).toContain(facts?.finish);
      expect(facts?.usage?.output, recording.name).toBeGreaterThan(0);
      expect(facts?.id, recording.name).toMatch(/^(?:chatcmpl-|resp_|msg_)/);
      expect(facts?.model, recording.name).toBeDefined();
      expect(whole.get(recording.name)?.roles.filter((role) => role === 'terminal')).toHaveLength(1);
    }
  });

  test('of the other streams only one is an error in the band, without an end', () => {
    const failed = streams.filter((recording) => lastFacts(recording)?.error !== undefined);
    expect(failed.map(({ provider }) => provider)).toEqual(['groq']);
    const [groq] = failed;
    if (groq === undefined) throw new Error('no failed stream');
    expect(lastFacts(groq)).toMatchObject({
      ended: false,
      finish: 'error',
      error: {
        type: 'invalid_request_error',
        code: 'tool_use_failed',
        message: expect.stringContaining('Tool choice'),
      },
    });
    expect(whole.get(groq.name)?.roles.at(-1)).toBe('error');
    for (const recording of streams.filter((one) => one !== groq)) {
      expect(lastFacts(recording)?.ended, recording.name).toBe(true);
      expect(lastFacts(recording)?.usage, recording.name).toBeDefined();
    }
  });

  test('the usage-only chunk is found in every OpenAI chat stream, once', () => {
    const chats = streams.filter(({ provider, endpoint }) => provider === 'openai' && endpoint === 'chat');
    expect(chats.length).toBe(7);
    for (const recording of chats) {
      const roles = whole.get(recording.name)?.roles ?? [];
      expect(
        roles.filter((role) => role === 'usage-only'),
        recording.name,
      ).toHaveLength(1);
      expect(roles.at(-1), recording.name).toBe('terminal');
    }
  });

  test('input that message_delta raised is charged, not what message_start stated', () => {
    const raised = streams.find(
      ({ provider, stream }) => provider === 'anthropic' && stream?.includes('"input_tokens":702'),
    );
    expect(raised === undefined ? undefined : lastFacts(raised)?.usage?.input).toBe(1591);
  });

  test('every whole reply of status 200 gives facts, and every other one an error or nothing', () => {
    for (const recording of wholes) {
      const facts = wholeReplyFacts(recording.endpoint, recording.body);
      if (recording.status !== 200) {
        expect(facts, recording.name).toMatchObject({ isEmpty: true, ended: false });
        expect(['error', 'unknown'], recording.name).toContain(facts.finish);
      } else {
        expect(facts.error, recording.name).toBeUndefined();
        expect(facts.finish, recording.name).not.toBe('error');
      }
    }
    const finishes = wholes
      .filter(({ status }) => status === 200)
      .map(({ endpoint, body }) => wholeReplyFacts(endpoint, body).finish);
    expect(finishes.filter((finish) => finish === 'length')).toHaveLength(3);
    expect(finishes.filter((finish) => finish === 'complete').length).toBeGreaterThan(100);
    expect(finishes.filter((finish) => finish === 'tool-calls').length).toBeGreaterThan(40);
  });
});
