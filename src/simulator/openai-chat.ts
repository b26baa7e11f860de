import type { Usage } from '../core/model/usage.ts';
import { asNumber, asObject, asText, objectsOf, type JsonObject } from './json-value.ts';
import type { LanguageModels, LanguageRequest, LanguageResult } from './language-model.ts';
import { openaiSampling } from './openai-sampling.ts';
import { chatSegments, lastText } from './openai-prompt.ts';
import { answerPieces, type OfferedTool, type SimulatedAnswer } from './simulated-answer.ts';
import type { SimulatedModel } from './simulated-model.ts';
import {
  badRequest,
  dataEvent,
  type AnsweringContext,
  type ReplyFrame,
  type SimulatedReply,
} from './simulated-reply.ts';

const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);
const MAX_CHOICES = 8;
const DEFAULT_MAX_TOKENS = 16_384;

/** Answers `POST /v1/chat/completions`. @throws ProviderRefusal @internal */
export function answerChat(
  models: LanguageModels,
  model: SimulatedModel,
  body: JsonObject,
  context: AnsweringContext,
): SimulatedReply {
  const result = models.answer(chatRequest(model, body), context);
  const usage = chatUsage(result.usage, model);
  const head = {
    id: `chatcmpl-${context.uniqueHex}`,
    created: Math.floor(context.nowMs / 1000),
    model: model.servedName,
    service_tier: context.tier === 'flex' ? 'flex' : 'default',
    system_fingerprint: 'fp_simulated',
  };
  if (body['stream'] === true) {
    const statesUsage = asObject(body['stream_options'])?.['include_usage'] === true;
    const frames = chatFrames(head, result, statesUsage, usage);
    return { model, contentType: 'text/event-stream; charset=utf-8', frames, usage: result.usage, statesUsage };
  }
  const choices = result.answers.map((answer, index) => ({
    index,
    message: {
      role: 'assistant',
      content: answer.toolCall === undefined ? answer.text : null,
      refusal: null,
      annotations: [],
      ...(answer.toolCall === undefined ? {} : { tool_calls: [toolCallOf(answer.toolCall, head.id, index)] }),
    },
    logprobs: null,
    finish_reason: finishReason(answer),
  }));
  const text = JSON.stringify({ ...head, object: 'chat.completion', choices, usage });
  const frames = [{ text, outputTokens: result.usage.output }];
  return { model, contentType: 'application/json', frames, usage: result.usage, statesUsage: true };
}

function chatRequest(model: SimulatedModel, body: JsonObject): LanguageRequest {
  const messages = objectsOf(body['messages']);
  if (!Array.isArray(body['messages']))
    throw badRequest("Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter');
  if (messages.length === 0) throw badRequest("Invalid 'messages': empty array.", 'messages', 'empty_array');
  for (const [index, message] of messages.entries()) {
    if (ROLES.has(asText(message['role']) ?? '')) continue;
    const param = `messages[${index}].role`;
    throw badRequest(
      `Invalid value: '${String(message['role'])}'. Supported values are: 'system', 'user', ...`,
      param,
      'invalid_value',
    );
  }
  const choices = asNumber(body['n']) ?? 1;
  if (!Number.isInteger(choices) || choices < 1 || choices > MAX_CHOICES)
    throw badRequest(`Invalid 'n': ${choices}.`, 'n');
  const {
    stream: _stream,
    stream_options: _options,
    user: _user,
    metadata: _metadata,
    store: _store,
    ...content
  } = body;
  const sampling = openaiSampling(model, body, asText(body['reasoning_effort']));
  const isToolResult = messages.at(-1)?.['role'] === 'tool';
  return {
    ...sampling,
    model,
    content,
    segments: chatSegments(body),
    maxTokens: asNumber(body['max_completion_tokens']) ?? asNumber(body['max_tokens']) ?? DEFAULT_MAX_TOKENS,
    tools: isToolResult || body['tool_choice'] === 'none' ? [] : offeredTools(body),
    schema: structure(asObject(body['response_format'])),
    lastText: lastText(messages),
    choices,
  };
}

function offeredTools(body: JsonObject): readonly OfferedTool[] {
  const tools = objectsOf(body['tools']).map((tool) => {
    const definition = asObject(tool['function']) ?? {};
    return { name: asText(definition['name']) ?? 'unnamed', schema: asObject(definition['parameters']) ?? {} };
  });
  const wanted = asText(asObject(asObject(body['tool_choice'])?.['function'])?.['name']);
  return wanted === undefined ? tools : tools.filter((tool) => tool.name === wanted);
}

function structure(format: JsonObject | undefined): JsonObject | undefined {
  if (format?.['type'] === 'json_object') return { type: 'object', properties: { answer: { type: 'string' } } };
  return asObject(asObject(format?.['json_schema'])?.['schema']);
}

function chatFrames(
  head: { readonly id: string },
  result: LanguageResult,
  isUsageAsked: boolean,
  usage: JsonObject,
): readonly ReplyFrame[] {
  const base = { ...head, object: 'chat.completion.chunk' };
  const chunk = (index: number, delta: JsonObject, finish: string | null): string =>
    dataEvent({
      ...base,
      choices: [{ index, delta, logprobs: null, finish_reason: finish }],
      ...(isUsageAsked ? { usage: null } : {}),
    });
  const frames: ReplyFrame[] = [];
  let before = 0;
  for (const [index, answer] of result.answers.entries()) {
    before += answer.reasoningTokens;
    frames.push({
      text: chunk(
        index,
        { role: 'assistant', content: answer.toolCall === undefined ? '' : null, refusal: null },
        null,
      ),
      outputTokens: before,
    });
    for (const { delta, tokens } of chatDeltas(answer, head.id, index)) {
      frames.push({ text: chunk(index, delta, null), outputTokens: before + tokens });
    }
    before += answer.textTokens + (answer.toolCall?.tokens ?? 0);
    frames.push({ text: chunk(index, {}, finishReason(answer)), outputTokens: before });
  }
  if (isUsageAsked) frames.push({ text: dataEvent({ ...base, choices: [], usage }), outputTokens: before });
  frames.push({ text: 'data: [DONE]\n\n', outputTokens: before });
  return frames;
}

function chatDeltas(
  answer: SimulatedAnswer,
  id: string,
  choice: number,
): readonly { delta: JsonObject; tokens: number }[] {
  const call = answer.toolCall;
  if (call === undefined) {
    return answerPieces(answer.text).map((piece) => ({ delta: { content: piece.text }, tokens: piece.tokens }));
  }
  const opening = { index: 0, ...toolCallOf({ ...call, argumentsJson: '' }, id, choice) };
  const pieces = answerPieces(call.argumentsJson).map((piece) => ({
    delta: { tool_calls: [{ index: 0, function: { arguments: piece.text } }] },
    tokens: piece.tokens,
  }));
  return [{ delta: { tool_calls: [opening] }, tokens: 0 }, ...pieces];
}

function toolCallOf(
  call: { readonly name: string; readonly argumentsJson: string },
  id: string,
  choice: number,
): JsonObject {
  return {
    id: `call_${id.slice(-20)}${choice}`,
    type: 'function',
    function: { name: call.name, arguments: call.argumentsJson },
  };
}

function finishReason(answer: SimulatedAnswer): string {
  if (answer.finish === 'tool-call') return 'tool_calls';
  return answer.finish === 'length' ? 'length' : 'stop';
}

function chatUsage(usage: Usage, model: SimulatedModel): JsonObject {
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite30m;
  const written = model.regime.kind === 'implicit-written' ? { cache_write_tokens: usage.cacheWrite30m } : {};
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output,
    total_tokens: prompt + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead, audio_tokens: 0, ...written },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
