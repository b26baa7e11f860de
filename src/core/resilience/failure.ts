import type { ErrorCode } from '../errors.ts';
import type { ReplyError } from '../model/reply.ts';

/**
 * What a failed attempt says about what may be tried next.
 * - `transient`: the same may succeed a moment later, here or elsewhere (408, 409, 5xx, 529, a connection that broke).
 * - `limited`: the same may succeed after a pause (429 of a rate limit).
 * - `refused`: the key or the account is not served (401, 402, 403, spent quota): of no use here for a while.
 * - `silent`: a time ran out. Another target may answer; this one was given its time.
 * - `missing`: the target does not have the model, or is set up wrongly.
 * - `too-long`: the request does not fit the model.
 * - `filtered`: the provider's content filter said no.
 * - `wrong`: the request itself is at fault, wherever it goes.
 * @public
 */
export type FailureKind =
  | 'transient'
  | 'limited'
  | 'refused'
  | 'silent'
  | 'missing'
  | 'too-long'
  | 'filtered'
  | 'wrong';

/** What is known of a failed attempt. @public */
export interface FailureFacts {
  /** The provider's status; undefined when no reply came. A 200 that holds an error counts by its error. */
  readonly status: number | undefined;
  /** Our own name for it, where the reply did not come to its end. */
  readonly code: ErrorCode | undefined;
  /** Whether a reply that did not come to its end may do so at the next try. */
  readonly mayPass: boolean;
  /** What the provider said. */
  readonly error: ReplyError | undefined;
}

/** Words for money that is spent, as codes or types: OpenAI (error codes guide), Anthropic `billing_error` (errors reference), Groq, DeepSeek. */
const QUOTA_WORDS: ReadonlySet<string> = new Set([
  'insufficient_quota',
  'billing_hard_limit_reached',
  'billing_not_active',
  'billing_error',
  'access_terminated',
  'insufficient_balance',
  'blocked_api_access',
  'spend_limit_reached',
]);

/**
 * The same in prose, for providers without a word: Anthropic's 400 "Your credit balance is too low", DeepSeek's "Insufficient Balance", OpenRouter's
 * "Insufficient credits". A mere "quota" is not enough: Google says so of a rate limit of one minute.
 */
const QUOTA_TEXT = /credit balance|insufficient (?:balance|credits|funds|quota)|billing|spend(?:ing)? limit/i;

/** OpenAI's code; Anthropic's "prompt is too long: 210000 tokens > 200000 maximum"; vLLM, Groq, Mistral and OpenRouter in prose. */
const TOO_LONG_WORDS: ReadonlySet<string> = new Set([
  'context_length_exceeded',
  'string_above_max_length',
  'request_too_large',
]);
const TOO_LONG_TEXT =
  /prompt is too long|maximum context length|context (?:length|window) (?:is )?exceed|exceeds? the (?:model'?s )?(?:maximum )?context|input is too long|too many (?:input )?tokens/i;

/** OpenAI and Azure; OpenRouter's 403 for flagged input says so in prose. */
const FILTER_WORDS: ReadonlySet<string> = new Set([
  'content_filter',
  'content_policy_violation',
  'responsibleaipolicyviolation',
  'moderation_blocked',
]);
const FILTER_TEXT =
  /content (?:management )?policy|content[ _]filter|input was flagged|flagged by moderation|safety system/i;

/** Statuses that say the same in a stream's error event, by the words of the protocols: Anthropic's errors reference, OpenAI's error codes guide. */
const STATUS_OF_WORD: ReadonlyMap<string, number> = new Map([
  ['overloaded_error', 529],
  ['api_error', 500],
  ['rate_limit_error', 429],
  ['rate_limit_exceeded', 429],
  ['slow_down', 429],
  ['authentication_error', 401],
  ['permission_error', 403],
  ['billing_error', 402],
  ['insufficient_quota', 429],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['timeout_error', 504],
  ['invalid_request_error', 400],
  ['server_error', 500],
  ['server_is_overloaded', 503],
]);

/** Names what went wrong with an attempt. @public */
export function failureKind(facts: FailureFacts): FailureKind {
  const { code, error } = facts;
  if (code === 'provider-timeout') return 'silent';
  if (code !== undefined) return facts.mayPass ? 'transient' : 'missing';
  const status = facts.status === undefined || facts.status < 300 ? errorStatus(error) : facts.status;
  return kindOfWords(status, error) ?? kindOfStatus(status);
}

/** The status that an error inside a 200 stands for; 502 where it names none that is known. @public */
export function errorStatus(error: ReplyError | undefined): number {
  const numeric = Number(error?.code);
  if (Number.isInteger(numeric) && numeric >= 400 && numeric < 600) return numeric;
  return STATUS_OF_WORD.get(error?.code ?? '') ?? STATUS_OF_WORD.get(error?.type ?? '') ?? 502;
}

/** What the provider's words say, where they say more than the status. */
function kindOfWords(status: number, error: ReplyError | undefined): FailureKind | undefined {
  if (error === undefined || status < 400 || status >= 500) return undefined;
  const words = [error.code?.toLowerCase() ?? '', error.type.toLowerCase()];
  const says = (known: ReadonlySet<string>): boolean => words.some((word) => known.has(word));
  if (says(QUOTA_WORDS) || QUOTA_TEXT.test(error.message)) return 'refused';
  if (status === 429) return undefined;
  if (says(TOO_LONG_WORDS) || TOO_LONG_TEXT.test(error.message)) return 'too-long';
  if (says(FILTER_WORDS) || ((status === 400 || status === 403) && FILTER_TEXT.test(error.message))) return 'filtered';
  if (words.includes('model_not_found')) return 'missing';
  // Anthropic's 404 names the model: {"type":"not_found_error","message":"model: claude-..."}.
  return status === 404 && /^model\b/i.test(error.message) ? 'missing' : undefined;
}

function kindOfStatus(status: number): FailureKind {
  switch (status) {
    case 401:
    case 402:
    case 403:
      return 'refused';
    case 408:
    case 409:
      return 'transient';
    case 413:
      return 'too-long';
    case 429:
      return 'limited';
    // Not implemented, version not supported: no pause changes that.
    case 501:
    case 505:
      return 'missing';
    default:
      return status >= 500 ? 'transient' : 'wrong';
  }
}

/** Whether a failure says that the target is in trouble, and not that the request or the account is at fault. @public */
export function blamesTarget(kind: FailureKind): boolean {
  return kind === 'transient' || kind === 'limited' || kind === 'silent';
}
