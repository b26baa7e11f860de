import { dataEvent, namedEvent } from '../../simulator/simulated-reply.ts';
import type { JsonObject } from '../../simulator/json-value.ts';
import {
  answerParts,
  type AnswerShape,
  expectedAnswer,
  expectedInputTokens,
  expectedUsage,
  expectedVector,
} from './expected-answer.ts';
import type { UpstreamRequest } from './upstream-request.ts';

/** One event of a good stream. @internal */
export interface GoodFrame {
  readonly text: string;
  /** Whether it is the event that ends the stream, behind the finish reason. */
  readonly isTerminal: boolean;
}

const CREATED = 1_790_000_000;

function frame(text: string, isTerminal = false): GoodFrame {
  return { text, isTerminal };
}

/** The body of a good whole reply. @internal */
export function wholeBody(request: UpstreamRequest, shape: AnswerShape): string {
  const text = restOf(request, expectedAnswer(request.prompt, shape));
  switch (request.endpoint) {
    case 'chat':
      return JSON.stringify(chatObject(request, { content: text }, chatUsage(request, shape)));
    case 'responses':
      return JSON.stringify(responseObject(request, text, shape));
    case 'messages':
      return JSON.stringify(messageObject(request, text, shape));
    case 'embeddings':
      return JSON.stringify(embeddingsObject(request));
    case 'count-tokens':
      return JSON.stringify({ input_tokens: expectedInputTokens(request.prompt) });
  }
}

/** The events of a good stream; made one by one, so that a long answer needs no memory. @internal */
export function streamFrames(request: UpstreamRequest, shape: AnswerShape): Iterable<GoodFrame> {
  switch (request.endpoint) {
    case 'chat':
      return chatFrames(request, shape);
    case 'responses':
      return responseFrames(request, shape);
    case 'messages':
      return messageFrames(request, shape);
    case 'embeddings':
    case 'count-tokens':
      throw new RangeError(`${request.endpoint} replies are no streams`);
  }
}

/** The parts of the answer that the caller has not got yet. */
function* restParts(request: UpstreamRequest, shape: AnswerShape): Generator<string> {
  let skipped = begunOf(request, shape).length;
  for (const part of answerParts(request.prompt, shape)) {
    const rest = part.slice(skipped);
    skipped -= part.length - rest.length;
    if (rest !== '') yield rest;
  }
}

function begunOf(request: UpstreamRequest, shape: AnswerShape): string {
  if (request.begun === '') return '';
  return expectedAnswer(request.prompt, shape).startsWith(request.begun) ? request.begun : '';
}

function restOf(request: UpstreamRequest, text: string): string {
  return text.startsWith(request.begun) ? text.slice(request.begun.length) : text;
}

function chatUsage(request: UpstreamRequest, shape: AnswerShape): JsonObject {
  const { inputTokens, outputTokens } = expectedUsage(request.prompt, shape);
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}

function chatObject(request: UpstreamRequest, message: JsonObject, usage: JsonObject): JsonObject {
  const choice = { index: 0, message: { role: 'assistant', ...message, refusal: null }, finish_reason: 'stop' };
  return {
    id: 'chatcmpl-faulty',
    object: 'chat.completion',
    created: CREATED,
    model: request.model,
    choices: [choice],
    usage,
  };
}

function* chatFrames(request: UpstreamRequest, shape: AnswerShape): Generator<GoodFrame> {
  const head = { id: 'chatcmpl-faulty', object: 'chat.completion.chunk', created: CREATED, model: request.model };
  const noUsage = request.wantsUsage ? { usage: null } : {};
  const chunk = (delta: JsonObject, finish: string | null): GoodFrame =>
    frame(dataEvent({ ...head, choices: [{ index: 0, delta, finish_reason: finish }], ...noUsage }));
  yield chunk({ role: 'assistant', content: '', refusal: null }, null);
  for (const content of restParts(request, shape)) yield chunk({ content }, null);
  yield chunk({}, 'stop');
  if (request.wantsUsage) yield frame(dataEvent({ ...head, choices: [], usage: chatUsage(request, shape) }));
  yield frame('data: [DONE]\n\n', true);
}

function responseObject(request: UpstreamRequest, text: string, shape: AnswerShape): JsonObject {
  const { inputTokens, outputTokens } = expectedUsage(request.prompt, shape);
  const content = [{ type: 'output_text', text, annotations: [] }];
  return {
    id: 'resp_faulty',
    object: 'response',
    created_at: CREATED,
    status: 'completed',
    model: request.model,
    output: [{ type: 'message', id: 'msg_faulty', status: 'completed', role: 'assistant', content }],
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + outputTokens,
    },
  };
}

function* responseFrames(request: UpstreamRequest, shape: AnswerShape): Generator<GoodFrame> {
  let sequence = 0;
  const event = (type: string, fields: JsonObject): string =>
    namedEvent({ type, sequence_number: sequence++, ...fields });
  const item = { type: 'message', id: 'msg_faulty', status: 'in_progress', role: 'assistant', content: [] };
  const place = { item_id: 'msg_faulty', output_index: 0, content_index: 0 };
  const part = { type: 'output_text', text: '', annotations: [] };
  const opening = { ...responseObject(request, '', shape), status: 'in_progress', output: [], usage: null };
  yield frame(event('response.created', { response: opening }));
  yield frame(event('response.in_progress', { response: opening }));
  yield frame(event('response.output_item.added', { output_index: 0, item }));
  yield frame(event('response.content_part.added', { ...place, part }));
  for (const delta of restParts(request, shape)) yield frame(event('response.output_text.delta', { ...place, delta }));
  const text = restOf(request, expectedAnswer(request.prompt, shape));
  const done = { ...part, text };
  yield frame(event('response.output_text.done', { ...place, text }));
  yield frame(event('response.content_part.done', { ...place, part: done }));
  const doneItem = { ...item, status: 'completed', content: [done] };
  yield frame(event('response.output_item.done', { output_index: 0, item: doneItem }));
  yield frame(event('response.completed', { response: responseObject(request, text, shape) }), true);
}

function messageObject(request: UpstreamRequest, text: string, shape: AnswerShape): JsonObject {
  return {
    id: 'msg_faulty',
    type: 'message',
    role: 'assistant',
    model: request.model,
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: messageUsage(request, shape),
  };
}

function messageUsage(request: UpstreamRequest, shape: AnswerShape): JsonObject {
  const { inputTokens, outputTokens } = expectedUsage(request.prompt, shape);
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
  };
}

function messageFrame(type: string, fields: JsonObject = {}, isTerminal = false): GoodFrame {
  return frame(namedEvent({ type, ...fields }), isTerminal);
}

function* messageFrames(request: UpstreamRequest, shape: AnswerShape): Generator<GoodFrame> {
  const usage = messageUsage(request, shape);
  const opening = { ...messageObject(request, '', shape), content: [], stop_reason: null };
  yield messageFrame('message_start', { message: { ...opening, usage: { ...usage, output_tokens: 1 } } });
  yield messageFrame('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  yield messageFrame('ping');
  for (const text of restParts(request, shape)) {
    yield messageFrame('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  }
  yield messageFrame('content_block_stop', { index: 0 });
  yield messageFrame('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage });
  yield messageFrame('message_stop', {}, true);
}

function embeddingsObject(request: UpstreamRequest): JsonObject {
  const data = request.inputs.map((input, index) => {
    const vector = expectedVector(input);
    const embedding = request.wantsBase64 ? Buffer.from(new Float32Array(vector).buffer).toString('base64') : vector;
    return { object: 'embedding', index, embedding };
  });
  const tokens = request.inputs.reduce((sum, input) => sum + expectedInputTokens(input), 0);
  return { object: 'list', data, model: request.model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}
