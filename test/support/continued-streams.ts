import { decodeRequest } from '../../src/wire/decode-request.ts';
import type { ContinuationWay } from '../../src/wire/continuation-way.ts';
import { ContinuedStream } from '../../src/wire/continued-stream.ts';
import type { DecodedRequest } from '../../src/wire/decoded-request.ts';
import { PartialAnswer } from '../../src/wire/partial-answer.ts';
import type { PartialText } from '../../src/wire/partial-text.ts';
import type { ReplyFrame } from '../../src/wire/reply-frame.ts';
import { SseFramer } from '../../src/wire/sse-framer.ts';
import { streamReader } from '../../src/wire/stream-reader.ts';

export type StreamingEndpoint = 'chat' | 'messages' | 'responses';

export const STREAMING_ENDPOINTS: readonly StreamingEndpoint[] = ['chat', 'messages', 'responses'];

const ASK = [{ role: 'user', content: 'Tell me.' }];
const BODIES: Readonly<Record<StreamingEndpoint, object>> = {
  chat: { model: 'm', messages: ASK, stream: true },
  messages: { model: 'm', messages: ASK, max_tokens: 1000, stream: true },
  responses: { model: 'm', input: 'Tell me.', stream: true },
};

/** A request as it is decoded, with some fields of its own. */
export function requestOf(endpoint: StreamingEndpoint, fields: object = {}): DecodedRequest {
  return decodeRequest(endpoint, new TextEncoder().encode(JSON.stringify({ ...BODIES[endpoint], ...fields })));
}

/** A stream's frames, as a relay cuts them. */
export function framesOf(endpoint: StreamingEndpoint, stream: string | Uint8Array): readonly ReplyFrame[] {
  const reader = streamReader(endpoint);
  const framer = new SseFramer();
  const frames = [...framer.push(typeof stream === 'string' ? new TextEncoder().encode(stream) : stream)];
  const rest = framer.finish();
  if (rest !== undefined) frames.push(rest);
  return frames.map((frame) => ({ bytes: frame.bytes, role: reader.read(frame) }));
}

/** Events as a stream; `[DONE]` and the like are given as texts. */
export function sse(...events: readonly (object | string)[]): string {
  return events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('');
}

/** Events of a Responses stream, with their running number. */
export function numbered(events: readonly object[]): string {
  return sse(...events.map((event, place) => Object.assign({}, event, { sequence_number: place })));
}

export function joinedBytes(frames: readonly ReplyFrame[]): Uint8Array {
  return Buffer.concat(frames.map(({ bytes }) => bytes));
}

/** What the client has of a stream. */
export function answerOf(request: DecodedRequest, frames: readonly ReplyFrame[]): PartialAnswer {
  const answer = new PartialAnswer(request);
  for (const frame of frames) answer.take(frame);
  return answer;
}

export function partialOf(endpoint: StreamingEndpoint, frames: readonly ReplyFrame[]): PartialText | undefined {
  return answerOf(requestOf(endpoint), frames).partial();
}

/** The frames that a client gets when a stream breaks behind `first` and goes on with `second`; undefined when it cannot. */
export function continued(
  endpoint: StreamingEndpoint,
  first: readonly ReplyFrame[],
  second: readonly ReplyFrame[],
  way: ContinuationWay = 'prefill',
): readonly ReplyFrame[] | undefined {
  const partial = partialOf(endpoint, first);
  return partial && [...first, ...new ContinuedStream(partial, way).take(second)];
}

/** A stream of one text, in the given pieces, as the provider of each protocol sends it. Ids and model hold `name`. */
export function textStream(endpoint: StreamingEndpoint, name: string, pieces: readonly string[]): string {
  return STREAMS[endpoint](name, pieces);
}

const STREAMS: Readonly<Record<StreamingEndpoint, (name: string, pieces: readonly string[]) => string>> = {
  chat: (name, pieces) => {
    const chunk = (choices: readonly object[], rest: object = {}): object => ({
      id: `chatcmpl-${name}`,
      object: 'chat.completion.chunk',
      created: name.length,
      model: `model-${name}`,
      choices,
      usage: null,
      ...rest,
    });
    const choice = (delta: object, finish: string | null = null): object => ({
      index: 0,
      delta,
      logprobs: null,
      finish_reason: finish,
    });
    return sse(
      chunk([choice({ role: 'assistant', content: '', refusal: null })]),
      ...pieces.map((content) => chunk([choice({ content })])),
      chunk([choice({}, 'stop')]),
      chunk([], { usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 } }),
      '[DONE]',
    );
  },
  messages: (name, pieces) => {
    const message = {
      id: `msg_${name}`,
      type: 'message',
      role: 'assistant',
      model: `model-${name}`,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: name.length, output_tokens: 1 },
    };
    return sse(
      { type: 'message_start', message },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'ping' },
      ...pieces.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } },
      { type: 'message_stop' },
    );
  },
  responses: (name, pieces) => {
    const text = pieces.join('');
    const at = { item_id: `msg_${name}`, output_index: 0, content_index: 0 };
    const item = { id: `msg_${name}`, type: 'message', role: 'assistant' };
    const part = (partText: string): object => ({ type: 'output_text', text: partText, annotations: [] });
    const whole = { ...item, status: 'completed', content: [part(text)] };
    const response = {
      id: `resp_${name}`,
      object: 'response',
      created_at: name.length,
      model: `model-${name}`,
      error: null,
      incomplete_details: null,
      max_output_tokens: name.length,
      tools: [],
    };
    const begun = { ...response, status: 'in_progress', output: [], usage: null };
    const usage = { input_tokens: 5, output_tokens: 7, total_tokens: 12 };
    const events = [
      { type: 'response.created', response: begun },
      { type: 'response.in_progress', response: begun },
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { ...item, status: 'in_progress', content: [] },
      },
      { type: 'response.content_part.added', ...at, part: part('') },
      ...pieces.map((delta) => ({ type: 'response.output_text.delta', ...at, delta, logprobs: [] })),
      { type: 'response.output_text.done', ...at, text, logprobs: [] },
      { type: 'response.content_part.done', ...at, part: part(text) },
      { type: 'response.output_item.done', output_index: 0, item: whole },
      { type: 'response.completed', response: { ...response, status: 'completed', output: [whole], usage } },
    ];
    return numbered(events);
  },
};
