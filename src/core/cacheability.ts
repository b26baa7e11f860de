import { parseCacheControl, type RequestCacheControl } from './cache-control.ts';
import type { Endpoint } from './model/protocol.ts';
import type { ReplyFacts } from './model/reply.ts';

/**
 * Which calls the cache serves; each mode includes the one before. `deterministic`: temperature exactly 0 or an integer seed, and always
 * embeddings and token counts. `declared`: also what the caller (`x-farthing-cache: on`) or the route declares. `all`: everything that may be stored.
 * @public
 */
export type CacheMode = 'off' | 'deterministic' | 'declared' | 'all';

/** A mode that caches anything. @public */
export type ActiveCacheMode = Exclude<CacheMode, 'off'>;

/** What the operator allows. @public */
export interface CachePolicy {
  readonly mode: CacheMode;
  /** Whether answers that the provider keeps for the caller (`store: true`) may be served from the cache, where no new object is made. */
  readonly allowStored: boolean;
}

/** What decides whether a call may be cached. @public */
export interface CacheRequest {
  readonly endpoint: Endpoint;
  /** The caller's body, parsed. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Lower-case names; `cache-control` and `x-farthing-cache` are read. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Whether the route declares its answers repeatable. */
  readonly declaredByRoute: boolean;
}

/** Why a call goes past the cache. @public */
export type BypassReason =
  | 'mode-off'
  | 'sampling'
  | 'not-declared'
  | 'opted-out'
  | 'no-store'
  | 'stored-conversation'
  | 'unversioned-prompt'
  | 'hosted-tools'
  | 'other-model';

/** Whether a call is looked up and stored. @public */
export type Cacheability =
  | { readonly kind: 'use'; readonly control: RequestCacheControl }
  | {
      readonly kind: 'bypass';
      readonly reason: BypassReason;
      readonly control: RequestCacheControl;
      /** The narrowest wider mode that would have cached the call, where only the mode stands in the way. */
      readonly missedBy: ActiveCacheMode | undefined;
    };

/**
 * Decides whether a call may be served from and stored in the cache. What the caller forbids comes first, then what cannot be repeated (provider-side
 * state and tools), then the mode.
 *
 * Responses are stored by the provider when `store` is absent. Only an explicit `store: true` counts as a wish for a retrievable object: most
 * callers leave the default and never fetch one.
 * @public
 */
export function cacheability(request: CacheRequest, policy: CachePolicy): Cacheability {
  const control = parseCacheControl(request.headers['cache-control']);
  const wish = request.headers['x-farthing-cache']?.trim().toLowerCase();
  const bypass = (reason: BypassReason, missedBy?: ActiveCacheMode): Cacheability => ({
    kind: 'bypass',
    reason,
    control,
    missedBy,
  });
  if (wish === 'off') return bypass('opted-out');
  if (control.noStore) return bypass('no-store');
  const unrepeatable = unrepeatableReason(request, policy.allowStored);
  if (unrepeatable !== undefined) return bypass(unrepeatable);
  const needed = neededMode(request, wish === 'on' || request.declaredByRoute);
  if (MODE_WIDTH[policy.mode] >= MODE_WIDTH[needed]) return { kind: 'use', control };
  return bypass(MODE_REASON[policy.mode], needed);
}

/** Why an answer is not stored. @public */
export type SkipReason =
  | 'status'
  | 'error'
  | 'unfinished'
  | 'truncated'
  | 'refused'
  | 'empty'
  | 'hosted-tools'
  | 'invalid-json'
  | 'too-large';

/** What decides whether an answer may be stored, beside the answer. @public */
export interface ReplyConditions {
  /** The provider's HTTP status. */
  readonly status: number;
  readonly sizeBytes: number;
  /** Largest answer to store, in bytes. */
  readonly maxEntryBytes: number;
  /** How many answers were asked for at once. */
  readonly samples: number;
  /** Whether the answer's text is JSON; undefined when the request asked for none (see {@link asksForJson}). */
  readonly isJson: boolean | undefined;
}

/** Whether an answer is stored. @public */
export type Storability = { readonly kind: 'store' } | { readonly kind: 'skip'; readonly reason: SkipReason };

/** Decides whether an answer is whole, good and small enough to be served again. @public */
export function storability(facts: ReplyFacts, conditions: ReplyConditions): Storability {
  const reason = skipReason(facts, conditions);
  return reason === undefined ? { kind: 'store' } : { kind: 'skip', reason };
}

/** Whether a request asks for JSON by schema or by `json_object`, so that an answer which is none must not be stored. @public */
export function asksForJson(endpoint: Endpoint, body: Readonly<Record<string, unknown>>): boolean {
  if (endpoint === 'chat') return isJsonFormat(body['response_format']);
  if (endpoint === 'responses') return isJsonFormat(fieldOf(body['text'], 'format'));
  if (endpoint !== 'messages') return false;
  return isJsonFormat(body['output_format']) || isJsonFormat(fieldOf(body['output_config'], 'format'));
}

const MODE_WIDTH: Readonly<Record<CacheMode, number>> = { off: 0, deterministic: 1, declared: 2, all: 3 };

const MODE_REASON: Readonly<Record<CacheMode, BypassReason>> = {
  off: 'mode-off',
  deterministic: 'sampling',
  declared: 'not-declared',
  all: 'mode-off', // never asked: `all` covers every mode
};

/** Tools that run at the caller. Every other type runs, or may run, at the provider and sees a changing world. */
const CLIENT_TOOL_TYPES: ReadonlySet<unknown> = new Set([
  undefined,
  null,
  'function',
  'custom',
  'local_shell',
  'apply_patch',
]);

/** Anthropic's own tools that the caller executes; their types end in a date. */
const ANTHROPIC_CLIENT_TOOL = /^(?:bash|text_editor|memory|computer)_\d{8}$/;

function neededMode(request: CacheRequest, isDeclared: boolean): ActiveCacheMode {
  if (isDeterministic(request)) return 'deterministic';
  return isDeclared ? 'declared' : 'all';
}

function isDeterministic({ endpoint, body }: CacheRequest): boolean {
  if (endpoint === 'embeddings' || endpoint === 'count-tokens') return true;
  return body['temperature'] === 0 || (endpoint === 'chat' && Number.isInteger(body['seed']));
}

function unrepeatableReason({ endpoint, body }: CacheRequest, allowStored: boolean): BypassReason | undefined {
  if (endpoint === 'embeddings' || endpoint === 'count-tokens') return undefined;
  if (body['store'] === true && !allowStored) return 'stored-conversation';
  if (usesStoredConversation(endpoint, body)) return 'stored-conversation';
  if (endpoint === 'responses' && isGiven(body['prompt']) && !isGiven(fieldOf(body['prompt'], 'version'))) {
    return 'unversioned-prompt';
  }
  if (usesHostedTools(endpoint, body)) return 'hosted-tools';
  return endpoint === 'messages' && isGiven(body['fallbacks']) ? 'other-model' : undefined;
}

/** Whether a call goes on from what the provider keeps, or runs there on its own. @internal */
export function usesStoredConversation(endpoint: Endpoint, body: Readonly<Record<string, unknown>>): boolean {
  if (endpoint === 'messages') return isGiven(body['thread']);
  if (endpoint !== 'responses') return false;
  return isGiven(body['previous_response_id']) || isGiven(body['conversation']) || body['background'] === true;
}

/** Whether a call may run tools at the provider: search, code in a container, MCP servers. @internal */
export function usesHostedTools(endpoint: Endpoint, body: Readonly<Record<string, unknown>>): boolean {
  if (endpoint === 'chat' && isGiven(body['web_search_options'])) return true;
  if (endpoint === 'messages' && (isGiven(body['container']) || isGiven(body['mcp_servers']))) return true;
  const tools = body['tools'];
  return Array.isArray(tools) && tools.some((tool) => !isClientTool(tool));
}

function isClientTool(tool: unknown): boolean {
  const type = fieldOf(tool, 'type');
  return CLIENT_TOOL_TYPES.has(type) || (typeof type === 'string' && ANTHROPIC_CLIENT_TOOL.test(type));
}

function skipReason(facts: ReplyFacts, conditions: ReplyConditions): SkipReason | undefined {
  if (conditions.status !== 200) return 'status';
  if (facts.error !== undefined || facts.finish === 'error') return 'error';
  if (!facts.ended || (facts.choices !== undefined && facts.choices < conditions.samples)) return 'unfinished';
  if (facts.finish === 'length' || facts.finish === 'paused') return 'truncated';
  if (facts.finish === 'refusal' || facts.finish === 'content-filter') return 'refused';
  if (facts.finish === 'unknown') return 'unfinished';
  if (facts.usedHostedTools) return 'hosted-tools';
  if (facts.isEmpty) return 'empty';
  // An answer that calls tools has no text to be JSON yet.
  if (conditions.isJson === false && facts.finish !== 'tool-calls') return 'invalid-json';
  return conditions.sizeBytes > conditions.maxEntryBytes ? 'too-large' : undefined;
}

function isJsonFormat(format: unknown): boolean {
  const type = fieldOf(format, 'type');
  return type === 'json_object' || type === 'json_schema';
}

/** An absent field, `null`, and an empty list all ask for nothing. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
