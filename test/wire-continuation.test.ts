import { createServer, type Server } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeServer, listenOnLoopback } from '../src/simulator/loopback-server.ts';
import { startSimulatedProvider, type SimulatedProvider } from '../src/simulator/simulated-provider.ts';
import { continuationRequest } from '../src/wire/continuation-request.ts';
import { ContinuedStream } from '../src/wire/continued-stream.ts';
import type { DecodedRequest } from '../src/wire/decoded-request.ts';
import { PartialAnswer } from '../src/wire/partial-answer.ts';
import { wholeFromStream } from '../src/wire/replay-whole-from-stream.ts';
import type { ReplyFrame } from '../src/wire/reply-frame.ts';
import { SseFramer } from '../src/wire/sse-framer.ts';
import { streamReader } from '../src/wire/stream-reader.ts';
import {
  continued,
  framesOf,
  joinedBytes,
  partialOf,
  requestOf,
  STREAMING_ENDPOINTS,
  type StreamingEndpoint,
} from './support/continued-streams.ts';
import { hasData } from './support/shared-data.ts';
import { SIMULATED_PRICES } from './support/simulated-prices.ts';
import { wireRecordings } from './support/wire-recordings.ts';

const MAX_BORDERS = 6;

/** Borders to break a stream at: each of a short one, spread ones of a long one, and those around its end. */
function bordersOf(frames: readonly ReplyFrame[]): readonly number[] {
  const step = Math.max(1, Math.floor(frames.length / MAX_BORDERS));
  return frames.map((_frame, place) => place + 1).filter((border) => border % step === 0 || border > frames.length - 6);
}

function wholeOf(endpoint: StreamingEndpoint, frames: readonly ReplyFrame[]): Record<string, unknown> {
  const whole = wholeFromStream(endpoint, joinedBytes(frames));
  if (whole === undefined) throw new Error('the stream is not whole');
  return JSON.parse(new TextDecoder().decode(whole));
}

/** The text of a whole stream: what it had come to before it was finished. */
function textOf(endpoint: StreamingEndpoint, frames: readonly ReplyFrame[]): string {
  const answer = new PartialAnswer(requestOf(endpoint));
  let text = '';
  for (const frame of frames) {
    answer.take(frame);
    text = answer.partial()?.text ?? text;
  }
  return text;
}

function expectWhole(endpoint: StreamingEndpoint, frames: readonly ReplyFrame[], name: string): void {
  const reader = streamReader(endpoint);
  const roles = new SseFramer().push(joinedBytes(frames)).map((frame) => reader.read(frame));
  expect(roles, name).not.toContain('error');
  expect(reader.facts(), name).toMatchObject({ ended: true });
  expect(wholeFromStream(endpoint, joinedBytes(frames)), name).toBeDefined();
}

const streams = wireRecordings().flatMap(({ endpoint, name, status, stream }) => {
  const streaming = STREAMING_ENDPOINTS.find((each) => each === endpoint);
  if (streaming === undefined || stream === undefined || status !== 200) return [];
  return [{ endpoint: streaming, name, frames: framesOf(streaming, stream) }];
});

describe.skipIf(!hasData('wire'))('streams in ../shared/data/wire', () => {
  test('a stream that breaks and is sent again behind its own text is the same answer', () => {
    let tried = 0;
    for (const { endpoint, name, frames } of streams) {
      if (wholeFromStream(endpoint, joinedBytes(frames)) === undefined) continue;
      for (const border of bordersOf(frames)) {
        const first = frames.slice(0, border);
        const partial = partialOf(endpoint, first);
        // Text that had ended is behind the repetition; thoughts would come twice.
        if (partial === undefined || partial.isTextClosed || partial.hasThinking || partial.text.trim() === '')
          continue;
        const all = continued(endpoint, first, frames, 'prefix') ?? [];
        expectWhole(endpoint, all, `${name} ${border}`);
        expect(comparable(wholeOf(endpoint, all)), `${name} ${border}`).toEqual(comparable(wholeOf(endpoint, frames)));
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(80);
  });

  test('whatever was relayed before, what follows makes it whole', () => {
    const wholes = streams.filter(
      ({ endpoint, frames }) => wholeFromStream(endpoint, joinedBytes(frames)) !== undefined,
    );
    let tried = 0;
    for (const { endpoint, name, frames } of streams) {
      const others = wholes.filter((whole) => whole.endpoint === endpoint);
      for (const border of bordersOf(frames)) {
        const first = frames.slice(0, border);
        const second = others[tried % others.length];
        const all = second && continued(endpoint, first, second.frames);
        if (all === undefined) continue;
        const label = `${name} ${border}, ${second?.name}`;
        expectWhole(endpoint, all, label);
        expect(all.slice(0, border), label).toEqual(first);
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(200);
  });
});

/** Drops random padding and null. */
function comparable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, field) => (field === null || name === 'obfuscation' ? undefined : field)),
  );
}

const PATHS = { chat: '/v1/chat/completions', messages: '/v1/messages', responses: '/v1/responses' } as const;

describe('the official clients', () => {
  let provider: SimulatedProvider;
  let server: Server;
  let stitched: Uint8Array = new Uint8Array();
  let openai: OpenAI;
  let anthropic: Anthropic;

  beforeAll(async () => {
    provider = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 });
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(stitched);
    });
    const origin = await listenOnLoopback(server);
    openai = new OpenAI({ apiKey: 'none', baseURL: `${origin}/v1`, maxRetries: 0 });
    anthropic = new Anthropic({ apiKey: 'none', baseURL: origin, maxRetries: 0 });
  });

  afterAll(async () => {
    await closeServer(server);
    await provider.close();
  });

  async function ask(endpoint: StreamingEndpoint, request: DecodedRequest): Promise<readonly ReplyFrame[]> {
    const credential =
      endpoint === 'messages'
        ? { 'x-api-key': 'none', 'anthropic-version': '2023-06-01' }
        : { authorization: 'Bearer none' };
    const headers = { ...credential, 'content-type': 'application/json' };
    const reply = await fetch(provider.origin + PATHS[endpoint], { method: 'POST', headers, body: request.text });
    expect(reply.status).toBe(200);
    return framesOf(endpoint, new Uint8Array(await reply.arrayBuffer()));
  }

  /** What the client's own helper makes of the stitched stream. */
  const READ: Readonly<Record<StreamingEndpoint, () => Promise<{ readonly id: string; readonly text: string }>>> = {
    chat: async () => {
      const stream = openai.chat.completions.stream({ model: 'any', messages: [] });
      const { id, choices } = await stream.finalChatCompletion();
      expect(choices).toHaveLength(1);
      return { id, text: choices[0]?.message.content ?? '' };
    },
    messages: async () => {
      const stream = anthropic.messages.stream({ model: 'any', messages: [], max_tokens: 1 });
      const { id, content } = await stream.finalMessage();
      return { id, text: content.map((block) => (block.type === 'text' ? block.text : '')).join('') };
    },
    responses: async () => {
      const stream = openai.responses.stream({ model: 'any', input: '' });
      let deltas = '';
      stream.on('response.output_text.delta', ({ delta }) => (deltas += delta));
      const response = await stream.finalResponse();
      expect(response.output_text).toBe(deltas);
      return { id: response.id, text: response.output_text };
    },
  };

  const MODELS = { chat: 'gpt-5.4-mini', messages: 'claude-haiku-4-5', responses: 'gpt-5.4-mini' } as const;

  test.each(STREAMING_ENDPOINTS)(
    'take a %s stream that another target went on with at any border',
    async (endpoint) => {
      const request = requestOf(endpoint, { model: MODELS[endpoint] });
      const frames = await ask(endpoint, request);
      let tried = 0;
      for (const border of bordersOf(frames)) {
        const first = frames.slice(0, border);
        const answer = new PartialAnswer(request);
        for (const frame of first) answer.take(frame);
        const partial = answer.partial();
        if (partial === undefined) continue;
        const second = await ask(endpoint, continuationRequest(request, partial.text, 'instruct'));
        const all = [...first, ...new ContinuedStream(partial, 'instruct').take(second)];
        stitched = joinedBytes(all);
        const read = await READ[endpoint]();
        expect(read.id).toBe(wholeOf(endpoint, frames)['id']);
        expect(read.text).toBe(
          partial.text + textOf(endpoint, second).slice(skipped(partial.text, textOf(endpoint, second))),
        );
        tried += 1;
      }
      expect(tried).toBeGreaterThan(5);
    },
  );
});

/** How much whitespace at the beginning of the second text the client has already. */
function skipped(partialText: string, second: string): number {
  const space = partialText.slice(partialText.trimEnd().length);
  let same = 0;
  while (same < space.length && space[same] === second[same]) same += 1;
  return same;
}
