import { isVector, vectorText, type VectorEncoding } from './embedding-vector.ts';

/** One input of an embeddings call: a text, or the tokens of one. @public */
export type EmbeddingInput = string | readonly number[];

/** One item to embed. @public */
export interface EmbeddingItem {
  readonly input: EmbeddingInput;
  /** The body that the item's cache key covers: the call's own, with this input alone; long members beside it as their digest. */
  readonly keyBody: Readonly<Record<string, unknown>>;
}

/** One embedded item, as it is stored: its vector as JSON text in the encoding in which it came, and the tokens it accounts for. @public */
export interface EmbeddedItem {
  readonly vector: string;
  readonly tokens: number;
}

/** What an embeddings reply says. @public */
export interface EmbeddingsReply {
  readonly items: readonly EmbeddedItem[];
  readonly model: string | undefined;
}

/** Longest JSON text of the members beside `input` that goes into each item's key as it is: a megabyte of them would be hashed for each of 2,048 items. */
const MAX_REST_CHARS = 1000;

/** Stands for those members where they are longer. */
const REST_FIELD = 'farthing rest';

/**
 * Splits an embeddings request into its items. One text and a list of that one text give the same item, and so do tokens.
 * @param digest - Of the members beside `input`, where they are long: equal for those that ask for the same only.
 * @returns undefined when `input` has none of the four shapes that the API defines.
 * @public
 */
export function embeddingItems(
  body: Readonly<Record<string, unknown>>,
  digest: (rest: Readonly<Record<string, unknown>>) => string,
): readonly EmbeddingItem[] | undefined {
  const { input: own, ...rest } = body;
  const inputs = inputsOf(own);
  if (inputs === undefined) return undefined;
  // A caller's own member of that name must not pass for a digest.
  const isLong = JSON.stringify(rest).length > MAX_REST_CHARS || Object.hasOwn(rest, REST_FIELD);
  const keyed = isLong ? { [REST_FIELD]: digest(rest) } : rest;
  return inputs.map((input) => ({ input, keyBody: { ...keyed, input } }));
}

/** The encoding that a request asks for; the API's default is numbers. @public */
export function vectorEncodingOf(body: Readonly<Record<string, unknown>>): VectorEncoding {
  return body['encoding_format'] === 'base64' ? 'base64' : 'float';
}

/**
 * The body that asks for some items only, in their order; everything else is the caller's own.
 * @public
 */
export function embeddingsBody(
  body: Readonly<Record<string, unknown>>,
  items: readonly EmbeddingItem[],
): Readonly<Record<string, unknown>> {
  return { ...body, input: items.map((item) => item.input) };
}

/**
 * Takes a provider's reply to `items` apart, in their order. The reply's tokens are shared out by {@link apportion}, by the length of the inputs.
 * @returns undefined when it does not hold exactly one vector for each item: it must not be stored then.
 * @public
 */
export function readEmbeddings(reply: unknown, items: readonly EmbeddingItem[]): EmbeddingsReply | undefined {
  const fields = fieldsOf(reply);
  const data = fields?.['data'];
  if (!Array.isArray(data) || data.length !== items.length) return undefined;
  const vectors: (string | undefined)[] = items.map(() => undefined);
  for (const [position, element] of data.entries()) {
    const item = fieldsOf(element);
    const vector = item?.['embedding'];
    const index = item?.['index'] ?? position;
    if (typeof index !== 'number' || !(index in vectors) || vectors[index] !== undefined) return undefined;
    if (!isVector(vector)) return undefined;
    vectors[index] = JSON.stringify(vector);
  }
  const stated = fieldsOf(fields?.['usage'])?.['prompt_tokens'];
  const total = typeof stated === 'number' && Number.isSafeInteger(stated) && stated >= 0 ? stated : 0;
  const tokens = apportion(
    total,
    items.map((item) => item.input.length),
  );
  const model = fields?.['model'];
  return {
    items: vectors.map((vector, index) => ({ vector: vector ?? '', tokens: tokens[index] ?? 0 })),
    model: typeof model === 'string' ? model : undefined,
  };
}

/**
 * Writes one reply from items of any origin, in the order of the request. Its usage is the sum of theirs: what the provider would have stated.
 * @public
 */
export function mergeEmbeddings(
  items: readonly EmbeddedItem[],
  encoding: VectorEncoding,
  model: string,
): { readonly text: string; readonly tokens: number } {
  let tokens = 0;
  let data = '';
  for (const [index, item] of items.entries()) {
    tokens += item.tokens;
    if (index > 0) data += ',';
    data += `{"object":"embedding","index":${index},"embedding":${vectorText(item.vector, encoding)}}`;
  }
  const usage = `{"prompt_tokens":${tokens},"total_tokens":${tokens}}`;
  return { text: `{"object":"list","data":[${data}],"model":${JSON.stringify(model)},"usage":${usage}}`, tokens };
}

/**
 * Shares a whole number out by weights, by largest remainder: the parts are whole, sum to `total`, and each is within one of its exact share.
 * Equal remainders go to the earlier part. Weights that are all 0 count as equal.
 * @public
 */
export function apportion(total: number, weights: readonly number[]): readonly number[] {
  const sum = weights.reduce((left, right) => left + right, 0);
  if (sum === 0)
    return weights.length === 0
      ? []
      : apportion(
          total,
          weights.map(() => 1),
        );
  // A total of 2^21 tokens over 2^32 characters stays within the safe integers.
  const parts = weights.map((weight) => Math.floor((total * weight) / sum));
  let left = total - parts.reduce((one, other) => one + other, 0);
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (total * weight) % sum }))
    .toSorted((one, other) => other.remainder - one.remainder || one.index - other.index);
  for (const { index } of byRemainder) {
    if (left === 0) break;
    parts[index] = (parts[index] ?? 0) + 1;
    left -= 1;
  }
  return parts;
}

function inputsOf(input: unknown): readonly EmbeddingInput[] | undefined {
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input) || input.length === 0) return undefined;
  if (isTokens(input)) return [input as readonly number[]];
  return input.every((item) => typeof item === 'string' || isTokens(item)) ? (input as EmbeddingInput[]) : undefined;
}

function isTokens(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => Number.isInteger(item));
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
}
