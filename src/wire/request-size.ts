import { type RequestSize, searchesByItself, type UnboundedReason } from '../core/budget/call-bound.ts';
import { usesHostedTools, usesStoredConversation } from '../core/cacheability.ts';
import type { DecodedRequest } from './decoded-request.ts';
import { normalBytes } from './normal-size.ts';
import { contentTally } from './request-content.ts';
import { isAbsent, isObject, type JsonObject } from './request-guards.ts';

/** What providers put around a prompt that has no tools: the chat template, a preamble (Groq's gpt-oss 71 tokens, DeepSeek 83, measured). */
const BASE_TOKENS = 256;

/** Marks around a message, an item or a part of one: 4 to 10 tokens (measured), beside the bytes that the JSON around it takes. */
const PART_TOKENS = 8;

/** What is put before one text to be embedded: marks, or a sentence that says what it is for. */
const EMBEDDED_TEXT_TOKENS = 32;

/** The prompt that tells a model how to use tools: up to 640 tokens at Anthropic, 660 for Llama 4, 850 for Nova (measured). */
const TOOLS_TOKENS = 1024;

/** A tool that the provider describes itself: Anthropic's memory takes about 1,000 tokens (measured), its computer 735, its editor 700, its shell 245. */
const TYPED_TOOL_TOKENS = 2048;

/** How a model is told to answer in JSON, beside the schema itself. */
const FORMAT_TOKENS = 256;

/** Types of tools that are described by the request alone. */
const DESCRIBED_TOOLS: ReadonlySet<unknown> = new Set([undefined, null, 'function', 'custom']);

/**
 * The most that one image is billed as. OpenAI: gpt-4o-mini 2,833 + 5,667 for each of at most 8 tiles; newer models refuse an image of more than
 * 30,000 patches of 1.2 tokens. Where Anthropic's protocol is spoken: Claude has at most 4,784, open models up to 16,384.
 */
const IMAGE_TOKENS: Readonly<Record<'openai' | 'messages', number>> = { openai: 48_169, messages: 16_384 };

/** Fields by which OpenAI-compatible providers are told to search or to fetch, and which name what they keep. */
const FETCHING_FIELDS = ['plugins', 'search_parameters', 'enable_search', 'data_sources'] as const;

/**
 * Characters outside the blocks in which NFKC leaves each as it is, or composes it with its neighbour: Latin (but for its few signs and ligatures),
 * Cyrillic, kana, Han, Hangul, everyday punctuation. Two and a half times as fast as bringing a long text to its normal form.
 */
const MAY_GROW =
  /[^\0-\u009f\u00a1-\u00a7\u00a9\u00ab-\u00ae\u00b0\u00b1\u00b6\u00b7\u00bb\u00bf-\u0131\u0400-\u04ff\u2010\u2012-\u2016\u2018-\u2023\u3041-\u3094\u30a1-\u30fe\u4e00-\u9fff\uac00-\ud7a3]/;

/**
 * How much a request sends, at the most. Text is bounded by its UTF-8 bytes, since no token is shorter than a byte; the whole body counts,
 * but for pictures in it, which count as what the dearest model makes of one. What a provider adds without being asked is in the allowances.
 *
 * Whatever brings in what the body does not hold, or is of a kind that is not known here, has no bound.
 * @param bodyBytes - size of the body as the caller sent it.
 * @public
 */
export function requestSize(request: DecodedRequest, bodyBytes: number): RequestSize {
  const { endpoint } = request;
  // Counting tokens costs nothing.
  if (endpoint === 'count-tokens') return { kind: 'bounded', textTokens: 0, imageTokens: 0, hasOutput: false };
  const tally = contentTally(request);
  if (endpoint === 'embeddings') return embeddingsSize(request, bodyBytes, tally.parts);
  const reason = unboundedReason(request) ?? tally.unbounded;
  if (reason !== undefined) return { kind: 'unbounded', reason };
  const added = BASE_TOKENS + PART_TOKENS * tally.parts + toolTokens(request) + formatTokens(request.body);
  return {
    kind: 'bounded',
    textTokens: textBytes(request, bodyBytes) - tally.imageBytes + added,
    imageTokens: tally.images * IMAGE_TOKENS[endpoint === 'messages' ? 'messages' : 'openai'],
    hasOutput: true,
  };
}

/** A text counts by its bytes, one that comes as tokens by their number. */
function embeddingsSize(request: DecodedRequest, bodyBytes: number, texts: number): RequestSize {
  const { input } = request.body;
  const first: unknown = Array.isArray(input) ? input[0] : input;
  let textTokens: number;
  if (typeof first === 'number') textTokens = texts + EMBEDDED_TEXT_TOKENS;
  else if (Array.isArray(input) && Array.isArray(first)) {
    const counts = input.map((tokens: unknown) => (Array.isArray(tokens) ? tokens.length : 0));
    textTokens = counts.reduce((sum, count) => sum + count, EMBEDDED_TEXT_TOKENS * texts);
  } else textTokens = textBytes(request, bodyBytes) + EMBEDDED_TEXT_TOKENS * texts;
  return { kind: 'bounded', textTokens, imageTokens: 0, hasOutput: false };
}

/** Bytes of the body, or of what a tokenizer may make of it: some bring text to a normal form first, in which a few characters grow. */
function textBytes({ text, body }: DecodedRequest, bodyBytes: number): number {
  const isEscaped = text.includes(String.raw`\u`);
  if (bodyBytes === text.length && !isEscaped) return bodyBytes;
  if (!isEscaped && !MAY_GROW.test(text)) return bodyBytes;
  const readable = isEscaped ? JSON.stringify(body) : text;
  return Math.max(bodyBytes, normalBytes(readable));
}

function unboundedReason({ endpoint, body, model }: DecodedRequest): UnboundedReason | undefined {
  if (usesStoredConversation(endpoint, body)) return 'stored-conversation';
  if (endpoint === 'responses' && !isAbsent(body['prompt'])) return 'stored-prompt';
  if (usesHostedTools(endpoint, body) || searchesByItself(model)) return 'hosted-tools';
  if (endpoint === 'chat') {
    if (FETCHING_FIELDS.some((name) => asksFor(body[name]))) return 'hosted-tools';
    if (!isAbsent(body['models'])) return 'other-model';
    if (namesCachedContent(body)) return 'stored-prompt';
    // Output that was predicted wrongly is billed, and a limit cannot be sent with it.
    if (!isAbsent(body['prediction'])) return 'added-passes';
  }
  if (endpoint === 'messages' && asksFor(body['fallbacks'])) return 'other-model';
  return addsPasses(body) ? 'added-passes' : undefined;
}

function asksFor(value: unknown): boolean {
  return !isAbsent(value) && value !== false && !(Array.isArray(value) && value.length === 0);
}

/** Gemini's cached content by name, in its OpenAI-compatible API. */
function namesCachedContent(body: JsonObject): boolean {
  const extra = body['extra_body'];
  const google = isObject(extra) ? extra['google'] : undefined;
  return !isAbsent(body['cached_content']) || (isObject(google) && !isAbsent(google['cached_content']));
}

/** Context management that only clears old parts sends less; one that sums up runs the model once more. */
function addsPasses(body: JsonObject): boolean {
  const management = body['context_management'];
  if (isAbsent(management)) return false;
  const edits: unknown = isObject(management) ? management['edits'] : management;
  if (!Array.isArray(edits)) return true;
  return !edits.every((edit) => isObject(edit) && String(edit['type']).startsWith('clear_'));
}

function toolTokens({ body, text, members }: DecodedRequest): number {
  const tools = [...listOf(body['tools']), ...listOf(body['functions'])];
  if (tools.length === 0) return 0;
  const typed = tools.filter((tool) => !DESCRIBED_TOOLS.has(isObject(tool) ? tool['type'] : undefined));
  const range = members.get('tools');
  const written = range === undefined ? '' : text.slice(range.valueStart, range.valueEnd);
  return TOOLS_TOKENS + typed.length * TYPED_TOOL_TOKENS + tools.length * PART_TOKENS + escapeBytes(written);
}

/** What tools grow by where a template writes them as JSON in ASCII: at most 4 bytes for each UTF-16 unit that is none. */
function escapeBytes(text: string): number {
  let units = 0;
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7f) units += 1;
  return 4 * units;
}

function formatTokens(body: JsonObject): number {
  const names = ['response_format', 'text', 'output_format', 'output_config'];
  return names.some((name) => !isAbsent(body[name])) ? FORMAT_TOKENS : 0;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
