import { answerMessages, countMessageTokens } from './anthropic-messages.ts';
import { asText, type JsonObject } from './json-value.ts';
import type { LanguageModels } from './language-model.ts';
import { answerChat } from './openai-chat.ts';
import { answerEmbeddings } from './openai-embeddings.ts';
import { answerResponses } from './openai-responses.ts';
import { jsonBody, type ProviderRequest } from './provider-request.ts';
import { simulatedModel, type SimulatedModel } from './simulated-model.ts';
import { badRequest, ProviderRefusal, type AnsweringContext, type SimulatedReply } from './simulated-reply.ts';

const MODELS_PATH = '/v1/models';
const POST_PATHS = new Set([
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/messages',
  '/v1/messages/count_tokens',
]);

/** The simulated models and what they are called. @internal */
export interface Answering {
  readonly models: LanguageModels;
  /** Names of the models that are offered. */
  readonly names: readonly string[];
}

/** Whether a request asks for the list of models or one of them. @internal */
export function asksForModels({ path }: ProviderRequest): boolean {
  return path === MODELS_PATH || path.startsWith(`${MODELS_PATH}/`);
}

/** The body of a request that a model is to answer. @throws ProviderRefusal @internal */
export function bodyToAnswer(request: ProviderRequest): JsonObject {
  if (!POST_PATHS.has(request.path)) {
    throw new ProviderRefusal(404, 'invalid_request_error', `Unknown request URL: ${request.method} ${request.path}.`);
  }
  if (request.method !== 'POST')
    throw new ProviderRefusal(405, 'invalid_request_error', `Not allowed: ${request.method}.`);
  if (request.path.startsWith('/v1/messages') && request.headers['anthropic-version'] === undefined) {
    throw badRequest('anthropic-version: header is required');
  }
  return jsonBody(request);
}

/** Which of the provider's endpoints is asked. @internal */
export type AskedPath = Pick<ProviderRequest, 'path' | 'protocol'>;

/** Answers a body, whether it came by itself or in a batch. @throws ProviderRefusal @internal */
export function answerBody(
  answering: Answering,
  request: AskedPath,
  body: JsonObject,
  context: AnsweringContext,
): SimulatedReply {
  const model = requestedModel(answering, request, body);
  if (body['stream'] !== undefined && body['stream'] !== null && typeof body['stream'] !== 'boolean') {
    throw badRequest("Invalid type for 'stream': expected a boolean.", 'stream', 'invalid_type');
  }
  switch (request.path) {
    case '/v1/chat/completions':
      return answerChat(answering.models, model, body, context);
    case '/v1/responses':
      return answerResponses(answering.models, model, body, context);
    case '/v1/embeddings':
      return answerEmbeddings(model, body);
    case '/v1/messages':
      return answerMessages(answering.models, model, body, context);
    default:
      return countMessageTokens(model, body);
  }
}

function requestedModel(answering: Answering, request: AskedPath, body: JsonObject): SimulatedModel {
  const name = asText(body['model']);
  if (name === undefined)
    throw badRequest("Missing required parameter: 'model'.", 'model', 'missing_required_parameter');
  const model = simulatedModel(name);
  const kind = request.path === '/v1/embeddings' ? 'embedding' : 'language';
  if (!answering.names.includes(name) || model.vendor !== request.protocol || model.kind !== kind) {
    const message = `The model '${name}' does not exist or does not serve this endpoint.`;
    throw new ProviderRefusal(404, 'invalid_request_error', message, { code: 'model_not_found', param: 'model' });
  }
  return model;
}

/** Lists the models, or shows one. @throws ProviderRefusal @internal */
export function listModels(answering: Answering, request: ProviderRequest): SimulatedReply {
  const offered = answering.names.map(simulatedModel).filter((model) => model.vendor === request.protocol);
  const entries = offered.map((model) =>
    request.protocol === 'anthropic'
      ? { type: 'model', id: model.name, display_name: model.name, created_at: '2026-01-01T00:00:00Z' }
      : { id: model.name, object: 'model', created: 1_767_225_600, owned_by: 'simulated' },
  );
  const wanted = decodeURIComponent(request.path.slice(MODELS_PATH.length + 1));
  const entry = entries.find((one) => one.id === wanted);
  if (wanted !== '' && entry === undefined) {
    throw new ProviderRefusal(404, 'invalid_request_error', `The model '${wanted}' does not exist.`, {
      code: 'model_not_found',
    });
  }
  const list =
    request.protocol === 'anthropic'
      ? { data: entries, has_more: false, first_id: entries[0]?.id ?? null, last_id: entries.at(-1)?.id ?? null }
      : { object: 'list', data: entries };
  const text = JSON.stringify(entry ?? list);
  return {
    model: simulatedModel(''),
    contentType: 'application/json',
    frames: [{ text, outputTokens: 0 }],
    usage: undefined,
    statesUsage: false,
  };
}
