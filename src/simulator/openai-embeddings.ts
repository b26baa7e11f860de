import { usageOf } from '../core/model/usage.ts';
import { asNumber, type JsonObject } from './json-value.ts';
import { seedOf } from './language-model.ts';
import { seededRandom } from './seeded-random.ts';
import type { SimulatedModel } from './simulated-model.ts';
import { badRequest, type SimulatedReply } from './simulated-reply.ts';
import { countTokens } from './token-count.ts';

const MAX_INPUTS = 2048;
const MAX_INPUT_TOKENS = 8192;

type EmbeddingInput = string | readonly number[];

/** Answers `POST /v1/embeddings`: the same text always has the same vector of length 1. @throws ProviderRefusal @internal */
export function answerEmbeddings(model: SimulatedModel, body: JsonObject): SimulatedReply {
  const inputs = embeddingInputs(body['input']);
  const dimensions = asNumber(body['dimensions']) ?? model.dimensions;
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > model.dimensions) {
    throw badRequest(
      `Invalid value for 'dimensions' = ${dimensions}. Must be between 1 and ${model.dimensions}.`,
      'dimensions',
    );
  }
  let tokens = 0;
  const data = inputs.map((input, index) => {
    const inputTokens = typeof input === 'string' ? countTokens(input) : input.length;
    if (inputTokens > MAX_INPUT_TOKENS)
      throw badRequest(`Input ${index} is longer than ${MAX_INPUT_TOKENS} tokens.`, 'input');
    tokens += inputTokens;
    const vector = embeddingVector(model.name, input, dimensions);
    const embedding =
      body['encoding_format'] === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  const text = JSON.stringify({ object: 'list', data, model: model.servedName, usage });
  return {
    model,
    contentType: 'application/json',
    frames: [{ text, outputTokens: 0 }],
    usage: usageOf({ input: tokens }),
    statesUsage: true,
  };
}

function embeddingInputs(input: unknown): readonly EmbeddingInput[] {
  if (typeof input === 'string') return oneInput(input);
  if (!Array.isArray(input) || input.length === 0) {
    throw badRequest("'input' must be a text, a list of texts, or lists of tokens.", 'input', 'invalid_type');
  }
  if (input.every((item) => typeof item === 'number')) return [input];
  if (input.length > MAX_INPUTS) throw badRequest(`'input' has more than ${MAX_INPUTS} items.`, 'input');
  if (!input.every(isEmbeddingInput)) {
    throw badRequest("'input' holds an empty text or something that is no text.", 'input');
  }
  return input;
}

function oneInput(text: string): readonly EmbeddingInput[] {
  if (text === '') throw badRequest("'input' cannot be an empty string.", 'input');
  return [text];
}

function isEmbeddingInput(value: unknown): value is EmbeddingInput {
  if (typeof value === 'string') return value !== '';
  return Array.isArray(value) && value.length > 0 && value.every((item) => Number.isInteger(item));
}

function embeddingVector(model: string, input: EmbeddingInput, dimensions: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(seedOf(`${model}\n${JSON.stringify(input)}`));
  const vector = new Float32Array(dimensions);
  let squares = 0;
  for (let index = 0; index < dimensions; index += 1) {
    const value = random.fraction() * 2 - 1;
    vector[index] = value;
    squares += value * value;
  }
  const length = Math.sqrt(squares);
  return vector.map((value) => value / length);
}
