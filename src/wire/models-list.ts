import type { Protocol } from '../core/model/protocol.ts';

/** A model as `GET /v1/models` shows it. @public */
export interface ListedModel {
  /** What clients put into `model`. */
  readonly id: string;
  /** Who serves it: the configured provider's name, or `farthing` for a route or an alias. */
  readonly ownedBy: string;
  /** When the model was released, in Unix milliseconds. @defaultValue 0, Anthropic's way to say that it is not known (OpenAI has none) */
  readonly createdAtMs?: number;
  /** A name for people. @defaultValue the id */
  readonly displayName?: string;
  /** Most tokens in. Undefined: not known. */
  readonly contextWindowTokens?: number;
  /** Most tokens out. Undefined: not known. */
  readonly maxOutputTokens?: number;
}

/** The body of `GET /v1/models` as JSON text, all models on one page. @public */
export function modelsListBody(models: readonly ListedModel[], protocol: Protocol): string {
  if (protocol === 'openai') return JSON.stringify({ object: 'list', data: models.map(openaiModel) });
  return JSON.stringify({
    data: models.map(anthropicModel),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  });
}

/** The body of `GET /v1/models/{id}` as JSON text. @public */
export function modelBody(model: ListedModel, protocol: Protocol): string {
  return JSON.stringify(protocol === 'openai' ? openaiModel(model) : anthropicModel(model));
}

function openaiModel(model: ListedModel): object {
  const createdSeconds = Math.floor((model.createdAtMs ?? 0) / 1000);
  return { id: model.id, object: 'model', created: createdSeconds, owned_by: model.ownedBy };
}

/** Every field that Anthropic's `ModelInfo` requires (@anthropic-ai/sdk 1.12); what is not known is null. */
function anthropicModel(model: ListedModel): object {
  return {
    type: 'model',
    id: model.id,
    display_name: model.displayName ?? model.id,
    created_at: new Date(model.createdAtMs ?? 0).toISOString(),
    capabilities: null,
    deprecated_at: null,
    lifecycle: 'active',
    line: null,
    max_input_tokens: model.contextWindowTokens ?? null,
    max_tokens: model.maxOutputTokens ?? null,
    retires_at: null,
  };
}
