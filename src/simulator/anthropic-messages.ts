import type { Usage } from '../core/model/usage.ts';
import { messagesSegments } from './anthropic-prompt.ts';
import { asNumber, asObject, asText, objectsOf, type JsonObject } from './json-value.ts';
import type { LanguageModels, LanguageRequest } from './language-model.ts';
import { lastText } from './openai-prompt.ts';
import type { BilledTier } from './provider-invoice.ts';
import { renderPrompt } from './rendered-prompt.ts';
import { answerPieces, type SimulatedAnswer } from './simulated-answer.ts';
import type { SimulatedModel } from './simulated-model.ts';
import {
  badRequest,
  namedEvent,
  type AnsweringContext,
  type ReplyFrame,
  type SimulatedReply,
} from './simulated-reply.ts';

/** Thinking tokens for each token of text, when the caller turns thinking on. */
const THINKING_RATIO = 1;

/** Answers `POST /v1/messages`. @throws ProviderRefusal @internal */
export function answerMessages(
  models: LanguageModels,
  model: SimulatedModel,
  body: JsonObject,
  context: AnsweringContext,
): SimulatedReply {
  const { answers, usage } = models.answer(messagesRequest(model, body), context);
  const answer = answers[0];
  if (answer === undefined) throw badRequest('nothing to answer');
  const content = contentBlocks(answer, context.uniqueHex);
  const message = {
    id: `msg_${context.uniqueHex}`,
    type: 'message',
    role: 'assistant',
    model: model.servedName,
    content,
    stop_reason: stopReason(answer),
    stop_sequence: null,
    usage: messagesUsage(usage, context.tier),
  };
  if (body['stream'] === true) {
    const frames = messageFrames(message, content, answer, usage);
    return { model, contentType: 'text/event-stream; charset=utf-8', frames, usage, statesUsage: true };
  }
  const frames = [{ text: JSON.stringify(message), outputTokens: usage.output }];
  return { model, contentType: 'application/json', frames, usage, statesUsage: true };
}

/** Answers `POST /v1/messages/count_tokens`, which is free. @throws ProviderRefusal @internal */
export function countMessageTokens(model: SimulatedModel, body: JsonObject): SimulatedReply {
  checkMessages(body);
  const text = JSON.stringify({ input_tokens: renderPrompt(messagesSegments(body)).tokens });
  return {
    model,
    contentType: 'application/json',
    frames: [{ text, outputTokens: 0 }],
    usage: undefined,
    statesUsage: true,
  };
}

function checkMessages(body: JsonObject): readonly JsonObject[] {
  if (!Array.isArray(body['messages'])) throw badRequest('messages: Field required');
  const messages = objectsOf(body['messages']);
  if (messages.length === 0) throw badRequest('messages: at least one message is required');
  for (const [index, message] of messages.entries()) {
    const role = message['role'];
    if (role !== 'user' && role !== 'assistant')
      throw badRequest(`messages.${index}.role: Input should be 'user' or 'assistant'`);
    if (message['content'] === undefined) throw badRequest(`messages.${index}.content: Field required`);
  }
  return messages;
}

function messagesRequest(model: SimulatedModel, body: JsonObject): LanguageRequest {
  const messages = checkMessages(body);
  const maxTokens = asNumber(body['max_tokens']);
  if (maxTokens === undefined) throw badRequest('max_tokens: Field required');
  const temperature = asNumber(body['temperature']);
  if (temperature !== undefined && (temperature < 0 || temperature > 1)) {
    throw badRequest('temperature: Input should be between 0 and 1');
  }
  const isSampling = (temperature ?? 1) !== 1 || body['top_p'] !== undefined || body['top_k'] !== undefined;
  if (isSampling && !model.allowsSampling)
    throw badRequest('temperature, top_p and top_k are not supported by this model');
  const { stream: _stream, metadata: _metadata, ...content } = body;
  const isToolResult = objectsOf(messages.at(-1)?.['content']).some((item) => item['type'] === 'tool_result');
  const choice = asObject(body['tool_choice']);
  const tools = objectsOf(body['tools'])
    .map((tool) => ({ name: asText(tool['name']) ?? 'unnamed', schema: asObject(tool['input_schema']) ?? {} }))
    .filter((tool) => choice?.['type'] !== 'tool' || tool.name === choice['name']);
  const thinking = asText(asObject(body['thinking'])?.['type']) ?? 'disabled';
  return {
    model,
    content,
    segments: messagesSegments(body),
    isDeterministic: temperature === 0,
    maxTokens,
    reasoningRatio: thinking === 'disabled' ? 0 : THINKING_RATIO,
    tools: isToolResult || choice?.['type'] === 'none' ? [] : tools,
    schema: asObject(asObject(asObject(body['output_config'])?.['format'])?.['schema']),
    lastText: lastText(messages),
    choices: 1,
    cachesExplicitlyOnly: true,
  };
}

function contentBlocks(answer: SimulatedAnswer, hex: string): readonly JsonObject[] {
  const blocks: JsonObject[] = [];
  if (answer.reasoningTokens > 0) {
    const signature = Buffer.from(`simulated ${hex}`).toString('base64');
    blocks.push({ type: 'thinking', thinking: `Thought for ${answer.reasoningTokens} tokens.`, signature });
  }
  if (answer.toolCall !== undefined) {
    const input: unknown = JSON.parse(answer.toolCall.argumentsJson);
    blocks.push({ type: 'tool_use', id: `toolu_${hex}`, name: answer.toolCall.name, input });
  } else if (answer.text !== '') {
    blocks.push({ type: 'text', text: answer.text });
  }
  return blocks;
}

function stopReason(answer: SimulatedAnswer): string {
  if (answer.finish === 'tool-call') return 'tool_use';
  return answer.finish === 'length' ? 'max_tokens' : 'end_turn';
}

function messagesUsage(usage: Usage, tier: BilledTier): JsonObject {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: usage.cacheWrite5m, ephemeral_1h_input_tokens: usage.cacheWrite1h },
    output_tokens: usage.output,
    ...(usage.reasoning > 0 ? { output_tokens_details: { thinking_tokens: usage.reasoning } } : {}),
    service_tier: tier === 'batch' ? 'batch' : 'standard',
    inference_geo: 'global',
  };
}

function messageFrames(
  message: JsonObject,
  content: readonly JsonObject[],
  answer: SimulatedAnswer,
  usage: Usage,
): readonly ReplyFrame[] {
  const opening = {
    ...message,
    content: [],
    stop_reason: null,
    usage: { ...messagesUsage(usage, 'standard'), output_tokens: 1 },
  };
  const frames: ReplyFrame[] = [
    { text: namedEvent({ type: 'message_start', message: opening }), outputTokens: 0 },
    { text: namedEvent({ type: 'ping' }), outputTokens: 0 },
  ];
  for (const [index, block] of content.entries()) frames.push(...blockFrames(block, index, answer.reasoningTokens));
  const { stop_reason, stop_sequence } = message;
  const { inference_geo: _geo, service_tier: _tier, ...final } = messagesUsage(usage, 'standard');
  const closing = { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage: final };
  frames.push({ text: namedEvent(closing), outputTokens: usage.output });
  frames.push({ text: namedEvent({ type: 'message_stop' }), outputTokens: usage.output });
  return frames;
}

function blockFrames(block: JsonObject, index: number, reasoningTokens: number): readonly ReplyFrame[] {
  const { empty, deltas, endTokens } = blockDeltas(block, reasoningTokens);
  const start = { type: 'content_block_start', index, content_block: empty };
  return [
    { text: namedEvent(start), outputTokens: deltas[0]?.tokens ?? reasoningTokens },
    ...deltas.map(({ delta, tokens }) => ({
      text: namedEvent({ type: 'content_block_delta', index, delta }),
      outputTokens: tokens,
    })),
    { text: namedEvent({ type: 'content_block_stop', index }), outputTokens: endTokens },
  ];
}

interface BlockDeltas {
  readonly empty: JsonObject;
  readonly deltas: readonly { readonly delta: JsonObject; readonly tokens: number }[];
  readonly endTokens: number;
}

function blockDeltas(block: JsonObject, reasoningTokens: number): BlockDeltas {
  if (block['type'] === 'thinking') {
    const thinking = { delta: { type: 'thinking_delta', thinking: block['thinking'] }, tokens: reasoningTokens };
    const signature = { delta: { type: 'signature_delta', signature: block['signature'] }, tokens: reasoningTokens };
    return {
      empty: { ...block, thinking: '', signature: '' },
      deltas: [thinking, signature],
      endTokens: reasoningTokens,
    };
  }
  const isText = block['type'] === 'text';
  const pieces = answerPieces(isText ? (asText(block['text']) ?? '') : JSON.stringify(block['input']));
  const deltas = pieces.map((piece) => ({
    delta: isText ? { type: 'text_delta', text: piece.text } : { type: 'input_json_delta', partial_json: piece.text },
    tokens: reasoningTokens + piece.tokens,
  }));
  const empty = isText ? { ...block, text: '' } : { ...block, input: {} };
  return { empty, deltas, endTokens: deltas.at(-1)?.tokens ?? reasoningTokens };
}
