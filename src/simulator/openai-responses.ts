import { asNumber, asObject, asText, objectsOf, type JsonObject } from './json-value.ts';
import type { LanguageModels, LanguageRequest, LanguageResult } from './language-model.ts';
import { lastText, responsesSegments } from './openai-prompt.ts';
import { openaiSampling } from './openai-sampling.ts';
import { answerPieces, type SimulatedAnswer } from './simulated-answer.ts';
import type { SimulatedModel } from './simulated-model.ts';
import {
  badRequest,
  namedEvent,
  type AnsweringContext,
  type ReplyFrame,
  type SimulatedReply,
} from './simulated-reply.ts';

const DEFAULT_MAX_TOKENS = 16_384;

/** Answers `POST /v1/responses`. Nothing is stored: `previous_response_id`, `conversation` and `background` are refused. @throws ProviderRefusal @internal */
export function answerResponses(
  models: LanguageModels,
  model: SimulatedModel,
  body: JsonObject,
  context: AnsweringContext,
): SimulatedReply {
  const result = models.answer(responsesRequest(model, body), context);
  const response = responseOf(model, body, result, context);
  if (body['stream'] === true) {
    const frames = responseFrames(response, result);
    return { model, contentType: 'text/event-stream; charset=utf-8', frames, usage: result.usage, statesUsage: true };
  }
  const frames = [{ text: JSON.stringify(response), outputTokens: result.usage.output }];
  return { model, contentType: 'application/json', frames, usage: result.usage, statesUsage: true };
}

function responsesRequest(model: SimulatedModel, body: JsonObject): LanguageRequest {
  for (const field of ['previous_response_id', 'conversation', 'background']) {
    if (body[field] === undefined || body[field] === null || body[field] === false) continue;
    throw badRequest(
      `The simulated provider stores nothing: '${field}' is not supported.`,
      field,
      'unsupported_parameter',
    );
  }
  const input = body['input'];
  const isMissing = typeof input !== 'string' && objectsOf(input).length === 0;
  if (isMissing) throw badRequest("Missing required parameter: 'input'.", 'input', 'missing_required_parameter');
  const {
    stream: _stream,
    stream_options: _options,
    user: _user,
    metadata: _metadata,
    store: _store,
    ...content
  } = body;
  const isToolResult = objectsOf(input).at(-1)?.['type'] === 'function_call_output';
  const functions = objectsOf(body['tools']).filter((tool) => tool['type'] === 'function');
  const wanted = asText(asObject(body['tool_choice'])?.['name']);
  const tools = functions
    .map((tool) => ({ name: asText(tool['name']) ?? 'unnamed', schema: asObject(tool['parameters']) ?? {} }))
    .filter((tool) => wanted === undefined || tool.name === wanted);
  return {
    ...openaiSampling(model, body, asText(asObject(body['reasoning'])?.['effort'])),
    model,
    content,
    segments: responsesSegments(body),
    maxTokens: asNumber(body['max_output_tokens']) ?? DEFAULT_MAX_TOKENS,
    tools: isToolResult || body['tool_choice'] === 'none' ? [] : tools,
    schema: asObject(asObject(asObject(body['text'])?.['format'])?.['schema']),
    lastText: lastText(input),
    choices: 1,
  };
}

function responseOf(
  model: SimulatedModel,
  body: JsonObject,
  result: LanguageResult,
  context: AnsweringContext,
): JsonObject {
  const answer = result.answers[0];
  const isCut = answer?.finish === 'length';
  const { usage } = result;
  const input = usage.input + usage.cacheRead + usage.cacheWrite30m;
  const written = model.regime.kind === 'implicit-written' ? { cache_write_tokens: usage.cacheWrite30m } : {};
  return {
    id: `resp_${context.uniqueHex}`,
    object: 'response',
    created_at: Math.floor(context.nowMs / 1000),
    status: isCut ? 'incomplete' : 'completed',
    background: false,
    error: null,
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    model: model.servedName,
    output: answer === undefined ? [] : outputItems(answer, context.uniqueHex),
    parallel_tool_calls: body['parallel_tool_calls'] ?? true,
    previous_response_id: null,
    reasoning: { effort: asObject(body['reasoning'])?.['effort'] ?? null, summary: null },
    service_tier: context.tier === 'flex' ? 'flex' : 'default',
    store: false,
    temperature: body['temperature'] ?? 1,
    text: body['text'] ?? { format: { type: 'text' } },
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: body['tools'] ?? [],
    top_p: body['top_p'] ?? 1,
    truncation: 'disabled',
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: usage.cacheRead, ...written },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: usage.reasoning },
      total_tokens: input + usage.output,
    },
    user: body['user'] ?? null,
    metadata: body['metadata'] ?? {},
  };
}

function outputItems(answer: SimulatedAnswer, hex: string): readonly JsonObject[] {
  const items: JsonObject[] = [];
  if (answer.reasoningTokens > 0) items.push({ id: `rs_${hex}`, type: 'reasoning', summary: [] });
  if (answer.toolCall !== undefined) {
    const { name, argumentsJson } = answer.toolCall;
    items.push({
      id: `fc_${hex}`,
      type: 'function_call',
      status: 'completed',
      arguments: argumentsJson,
      call_id: `call_${hex.slice(-20)}`,
      name,
    });
  } else if (answer.text !== '') {
    const content = [{ type: 'output_text', annotations: [], logprobs: [], text: answer.text }];
    items.push({
      id: `msg_${hex}`,
      type: 'message',
      status: answer.finish === 'length' ? 'incomplete' : 'completed',
      role: 'assistant',
      content,
    });
  }
  return items;
}

interface PendingEvent {
  readonly type: string;
  readonly tokens: number;
  readonly fields: JsonObject;
}

function responseFrames(response: JsonObject, result: LanguageResult): readonly ReplyFrame[] {
  const answer = result.answers[0];
  const reasoningTokens = answer?.reasoningTokens ?? 0;
  const opening = { ...response, status: 'in_progress', output: [], usage: null, incomplete_details: null };
  const events: PendingEvent[] = ['response.created', 'response.in_progress'].map((type) => ({
    type,
    tokens: 0,
    fields: { response: opening },
  }));
  for (const [index, item] of objectsOf(response['output']).entries()) {
    events.push(...itemEvents(item, index, reasoningTokens));
  }
  const last = response['status'] === 'incomplete' ? 'response.incomplete' : 'response.completed';
  events.push({ type: last, tokens: result.usage.output, fields: { response } });
  return events.map(({ type, tokens, fields }, sequence) => ({
    text: namedEvent({ ...fields, type, sequence_number: sequence }),
    outputTokens: tokens,
  }));
}

function itemEvents(item: JsonObject, outputIndex: number, reasoningTokens: number): readonly PendingEvent[] {
  const place = { output_index: outputIndex };
  const inside = { item_id: item['id'], ...place };
  const isMessage = item['type'] === 'message';
  const [content] = objectsOf(item['content']);
  const text = isMessage ? asText(content?.['text']) : asText(item['arguments']);
  const pieces = answerPieces(text ?? '');
  const endTokens = reasoningTokens + (pieces.at(-1)?.tokens ?? 0);
  const empty = isMessage
    ? { ...item, status: 'in_progress', content: [] }
    : { ...item, ...(text === undefined ? {} : { status: 'in_progress', arguments: '' }) };
  const added = {
    type: 'response.output_item.added',
    tokens: text === undefined ? 0 : reasoningTokens,
    fields: { item: empty, ...place },
  };
  const done = { type: 'response.output_item.done', tokens: endTokens, fields: { item, ...place } };
  if (text === undefined) return [added, done];
  const kind = isMessage ? 'response.output_text' : 'response.function_call_arguments';
  const where: JsonObject = isMessage ? { ...inside, content_index: 0 } : inside;
  const deltas = pieces.map((piece) => ({
    type: `${kind}.delta`,
    tokens: reasoningTokens + piece.tokens,
    fields: { ...where, delta: piece.text, ...(isMessage ? { logprobs: [] } : {}) },
  }));
  const finished = {
    type: `${kind}.done`,
    tokens: endTokens,
    fields: { ...where, ...(isMessage ? { text, logprobs: [] } : { arguments: text }) },
  };
  if (!isMessage) return [added, ...deltas, finished, done];
  const part = (type: string, tokens: number, words: string): PendingEvent => ({
    type,
    tokens,
    fields: { ...where, part: { ...content, text: words } },
  });
  return [
    added,
    part('response.content_part.added', reasoningTokens, ''),
    ...deltas,
    finished,
    part('response.content_part.done', endTokens, text),
    done,
  ];
}
