import { expect } from 'vitest';
import { convertReply } from '../../src/wire/convert-reply.ts';
import { eventsOf } from '../../src/wire/replay-events.ts';
import { objectOf, objectsOf } from '../../src/wire/reply-fields.ts';
import type { ReplyFrame } from '../../src/wire/reply-frame.ts';
import { SseFramer } from '../../src/wire/sse-framer.ts';
import { streamReader } from '../../src/wire/stream-reader.ts';
import { type Fields, wordOf } from '../../src/wire/usage-count.ts';
import { joinedBytes, type StreamingEndpoint } from './continued-streams.ts';

/** The body that a stream amounts to; throws where it is not whole. */
export function wholeOf(endpoint: StreamingEndpoint, frames: readonly ReplyFrame[]): Fields {
  const whole = convertReply(endpoint, 'stream', joinedBytes(frames))?.[0];
  if (whole === undefined) throw new Error('the stream is not whole');
  return JSON.parse(new TextDecoder().decode(whole.bytes));
}

/** The whole answer's text, of one choice, all text blocks or all message items. */
export function textOf(endpoint: StreamingEndpoint, whole: Fields): string {
  if (endpoint === 'chat') return wordOf(objectOf(objectsOf(whole['choices'])[0]?.['message'])?.['content']) ?? '';
  const blocks = endpoint === 'messages' ? [whole] : objectsOf(whole['output']);
  return blocks
    .flatMap((block) => objectsOf(block['content']))
    .map((block) => block['text'])
    .join('');
}

/** The data of each event. */
export function dataOf(frames: readonly ReplyFrame[]): readonly Fields[] {
  return (eventsOf(joinedBytes(frames)) ?? []).map(({ data }) => data ?? { type: '[DONE]' });
}

/** One whole answer without an error, that ends once. */
export function expectOneStream(endpoint: StreamingEndpoint, frames: readonly ReplyFrame[]): void {
  const reader = streamReader(endpoint);
  const roles = new SseFramer().push(joinedBytes(frames)).map((frame) => reader.read(frame));
  expect(roles).not.toContain('error');
  expect(roles.filter((role) => role === 'terminal')).toHaveLength(1);
  expect(roles.at(-1)).toBe('terminal');
  expect(reader.facts()).toMatchObject({ ended: true, finish: 'complete' });
  expectWellOrdered(endpoint, frames);
}

/** One id, one role, one end; blocks and items that open and close in order; texts that are repeated whole. */
export function expectWellOrdered(endpoint: StreamingEndpoint, frames: readonly ReplyFrame[]): void {
  RULES[endpoint](dataOf(frames));
}

const RULES: Readonly<Record<StreamingEndpoint, (events: readonly Fields[]) => void>> = {
  chat: (events) => {
    const chunks = events.filter((event) => 'choices' in event);
    const choices = chunks.flatMap((chunk) => objectsOf(chunk['choices']));
    for (const name of ['id', 'created', 'model']) expect(new Set(chunks.map((chunk) => chunk[name])).size).toBe(1);
    expect(choices.filter((choice) => objectOf(choice['delta'])?.['role'] !== undefined)).toHaveLength(1);
    expect(choices.filter((choice) => typeof choice['finish_reason'] === 'string')).toHaveLength(1);
    expect(chunks.filter((chunk) => objectsOf(chunk['choices']).length === 0)).toHaveLength(1);
  },
  messages: (events) => {
    let open: unknown;
    let next = 0;
    for (const { type, index } of events) {
      if (type === 'content_block_start') {
        expect([open, index]).toEqual([undefined, next]);
        open = index;
        next += 1;
      } else if (type === 'content_block_delta') expect(index).toBe(open);
      else if (type === 'content_block_stop') {
        expect(index).toBe(open);
        open = undefined;
      } else if (type === 'message_delta') expect(open).toBeUndefined();
    }
    for (const type of ['message_start', 'message_delta', 'message_stop'])
      expect(events.filter((event) => event['type'] === type)).toHaveLength(1);
  },
  responses: (events) => {
    expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_event, place) => place));
    const of = (type: string): readonly Fields[] => events.filter((event) => event['type'] === type);
    const added = of('response.output_item.added');
    expect(added.map((event) => event['output_index'])).toEqual(added.map((_event, place) => place));
    expect(of('response.output_item.done').map((event) => objectOf(event['item'])?.['id'])).toEqual(
      added.map((event) => objectOf(event['item'])?.['id']),
    );
    const last = objectOf(events.at(-1)?.['response']);
    expect(last?.['output']).toEqual(of('response.output_item.done').map((event) => event['item']));
    expect(last?.['id']).toBe(objectOf(events[0]?.['response'])?.['id']);
    const done = of('response.output_text.done').map((event) => event['text']);
    const deltas = of('response.output_text.delta').map((event) => event['delta']);
    expect(done.join('')).toBe(deltas.join(''));
    expect(of('response.content_part.done').map((event) => objectOf(event['part'])?.['text'])).toEqual(done);
    expect(of('response.content_part.added')).toHaveLength(done.length);
  },
};
