import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import type { ReplyFacts } from '../src/core/model/reply.ts';
import { wholeReplyFacts } from '../src/wire/reply-whole.ts';
import { replayMarks, withFreshIds } from '../src/wire/replay-marks.ts';
import { streamFromWhole } from '../src/wire/replay-stream-from-whole.ts';
import { wholeFromStream } from '../src/wire/replay-whole-from-stream.ts';
import { SseFramer } from '../src/wire/sse-framer.ts';
import { type FrameRole, streamReader } from '../src/wire/stream-reader.ts';
import { hasData } from './support/shared-data.ts';
import { type WireRecording, wireRecordings } from './support/wire-recordings.ts';

const STREAMING = new Set(['chat', 'responses', 'messages']);
const recordings = wireRecordings().filter(({ endpoint, status }) => STREAMING.has(endpoint) && status === 200);
const wholes = recordings.filter((recording) => isWhole(recording));
const streams = recordings.filter(({ stream }) => stream !== undefined);

function isWhole({ endpoint, body, stream }: WireRecording): boolean {
  return stream === undefined && wholeReplyFacts(endpoint, body).ended;
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}

function decode(bytes: Uint8Array | undefined): unknown {
  return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
}

/** Drops what a stream has no place for: null and empty lists, indexes of tool calls, and the empty finish reason of one provider. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field === null || field === '' || (Array.isArray(field) && field.length === 0)) continue;
    fields[name] = name === 'tool_calls' && Array.isArray(field) ? field.map(withoutIndex) : comparable(field);
  }
  return fields;
}

function withoutIndex({ index: _index, type: _type, ...call }: Record<string, unknown>): unknown {
  return comparable(call);
}

/** Facts without the count of bytes: spaces inside tool arguments and the calls of hosted tools do not stream alike. */
function told({ outputBytes, ...facts }: ReplyFacts): unknown {
  return { ...facts, hasOutput: outputBytes > 0 };
}

/** A `fetch` that answers with the given bytes. */
function answering(bytes: Uint8Array, type: string): typeof fetch {
  return () => Promise.resolve(new Response(bytes.slice(), { headers: { 'content-type': type } }));
}

function sdkTakes(provider: string): boolean {
  return provider === 'openai' || provider === 'groq' || provider === 'deepseek';
}

/** The client adds what it parsed. */
function withoutParsed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (name, field) => (name.startsWith('parsed') ? undefined : field)));
}

function rolesOf(recording: WireRecording, bytes: Uint8Array): { roles: FrameRole[]; facts: ReplyFacts } {
  const reader = streamReader(recording.endpoint);
  const roles = new SseFramer().push(bytes).map((frame) => reader.read(frame));
  return { roles, facts: reader.facts() };
}

describe.skipIf(!hasData('wire'))('replay of the replies in ../shared/data/wire', () => {
  test('a whole reply made a stream and whole again is the same', () => {
    expect(wholes.length).toBeGreaterThan(150);
    for (const recording of wholes) {
      const stream = streamFromWhole(recording.endpoint, encode(recording.body));
      expect(stream, recording.name).toBeDefined();
      const again = decode(wholeFromStream(recording.endpoint, stream ?? encode('')));
      expect(comparable(again), recording.name).toEqual(comparable(recording.body));
    }
  });

  test('the stream made of a whole reply tells the same facts', () => {
    for (const recording of wholes) {
      const stream = streamFromWhole(recording.endpoint, encode(recording.body)) ?? encode('');
      const { roles, facts } = rolesOf(recording, stream);
      expect(told(facts), recording.name).toEqual(told(wholeReplyFacts(recording.endpoint, recording.body)));
      expect(roles.at(-1), recording.name).toBe('terminal');
      expect(roles, recording.name).not.toContain('error');
      if (recording.endpoint === 'chat') expect(roles.at(-2), recording.name).toBe('usage-only');
    }
  });

  test('the whole reply made of a recorded stream tells the same facts', () => {
    let made = 0;
    for (const recording of streams) {
      const bytes = encode(recording.stream);
      const { facts } = rolesOf(recording, bytes);
      const whole = wholeFromStream(recording.endpoint, bytes);
      if (facts.error !== undefined) {
        expect(whole, recording.name).toBeUndefined();
        continue;
      }
      made += 1;
      expect(told(wholeReplyFacts(recording.endpoint, decode(whole))), recording.name).toEqual(told(facts));
    }
    expect(made).toBeGreaterThan(45);
  });

  test('the OpenAI client puts our chat streams together to the recorded completion', async () => {
    const chats = wholes.filter(({ endpoint, provider }) => endpoint === 'chat' && sdkTakes(provider));
    expect(chats.length).toBeGreaterThan(20);
    for (const recording of chats) {
      const bytes = streamFromWhole('chat', encode(recording.body)) ?? encode('');
      const client = new OpenAI({ apiKey: 'none', fetch: answering(bytes, 'text/event-stream'), maxRetries: 0 });
      const stream = client.chat.completions.stream({ model: 'any', messages: [] });
      const completion = JSON.parse(JSON.stringify(await stream.finalChatCompletion()));
      expect(comparable(withoutParsed(completion)), recording.name).toEqual(comparable(recording.body));
    }
  });

  test('the OpenAI client puts our response streams together to the recorded response', async () => {
    const responses = wholes.filter(({ endpoint, provider }) => endpoint === 'responses' && sdkTakes(provider));
    expect(responses.length).toBeGreaterThan(40);
    for (const recording of responses) {
      const bytes = streamFromWhole('responses', encode(recording.body)) ?? encode('');
      const client = new OpenAI({ apiKey: 'none', fetch: answering(bytes, 'text/event-stream'), maxRetries: 0 });
      const stream = client.responses.stream({ model: 'any', input: 'any' });
      const response = JSON.parse(JSON.stringify(await stream.finalResponse()));
      delete response.output_text; // added by the client
      expect(comparable(withoutParsed(response)), recording.name).toEqual(comparable(recording.body));
    }
  });

  test('the Anthropic client puts our message streams together to the recorded message', async () => {
    const messages = wholes.filter(({ endpoint }) => endpoint === 'messages');
    expect(messages.length).toBeGreaterThan(40);
    for (const recording of messages) {
      const bytes = streamFromWhole('messages', encode(recording.body)) ?? encode('');
      const client = new Anthropic({ apiKey: 'none', fetch: answering(bytes, 'text/event-stream'), maxRetries: 0 });
      const request = { model: 'any', max_tokens: 1, messages: [] };
      const beta = await client.beta.messages.stream(request).finalMessage();
      expect(comparable(JSON.parse(JSON.stringify(beta))), recording.name).toEqual(comparable(recording.body));
      // Blocks that only the beta knows are not put together by the other.
      if (JSON.stringify(recording.body).includes('"mcp_tool_use"')) continue;
      const message = await client.messages.stream(request).finalMessage();
      expect(comparable(JSON.parse(JSON.stringify(message))), recording.name).toEqual(comparable(recording.body));
    }
  });

  test('every recorded answer can be marked, and a fresh id changes nothing but the ids', () => {
    const NEW_ID = '0123456789abcdef0123456789abcdef';
    for (const recording of recordings) {
      const form = recording.stream === undefined ? 'whole' : 'stream';
      const body = encode(recording.stream ?? recording.body);
      const marks = replayMarks(recording.endpoint, form, body);
      expect(marks, recording.name).toBeDefined();
      const fresh = new TextDecoder().decode(withFreshIds(body, marks?.idRanges ?? [], NEW_ID));
      expect(fresh.length, recording.name).toBe(new TextDecoder().decode(body).length);
      const before = JSON.stringify(eventsWithoutId(recording, new TextDecoder().decode(body)));
      expect(JSON.stringify(eventsWithoutId(recording, fresh)), recording.name).toBe(before);
      const own = recording.provider === 'openai' || recording.provider === 'anthropic';
      if (own && recording.endpoint !== 'responses') {
        expect(fresh, recording.name).toMatch(/"id": ?"(?:chatcmpl-|msg_)0123456789abcdef/);
        expect(marks?.idRanges.length, recording.name).toBe(idCount(recording) * 2);
      }
    }
  });
});

function eventsWithoutId(recording: WireRecording, text: string): readonly unknown[] {
  const texts = recording.stream === undefined ? [text] : text.split('\n').filter((line) => line.startsWith('data: {'));
  return texts.map((line) => {
    const event = JSON.parse(line.replace(/^data: /, ''));
    if (recording.endpoint === 'chat' || recording.stream === undefined) delete event.id;
    else delete event.message?.id;
    return event;
  });
}

/** A whole reply and a messages stream state their id once, a chat stream with every chunk. */
function idCount({ stream, endpoint }: WireRecording): number {
  if (stream === undefined || endpoint === 'messages') return 1;
  return stream.split('\n').filter((line) => line.startsWith('data: {')).length;
}
