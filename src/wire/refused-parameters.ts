import type { RefusedParameter } from '../core/adapt/refused-parameter.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import { isObject } from './request-guards.ts';

/** The names of parameters in refusals; xAI writes them in camel case. */
const NAMES: ReadonlyMap<string, RefusedParameter> = new Map<string, RefusedParameter>([
  ['temperature', 'temperature'],
  ['top_p', 'top_p'],
  ['topP', 'top_p'],
  ['top_k', 'top_k'],
  ['topK', 'top_k'],
  ['presence_penalty', 'presence_penalty'],
  ['presencePenalty', 'presence_penalty'],
  ['frequency_penalty', 'frequency_penalty'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['logit_bias', 'logit_bias'],
  ['logitBias', 'logit_bias'],
  ['logprobs', 'logprobs'],
  ['top_logprobs', 'top_logprobs'],
  ['topLogprobs', 'top_logprobs'],
  ['max_tokens', 'max_tokens'],
  ['max_completion_tokens', 'max_completion_tokens'],
]);

/** Codes of OpenAI with which `param` is refused as such. Others judge the value (`decimal_above_max_value`), `unsupported_value` either. */
const PARAMETER_CODES: ReadonlySet<unknown> = new Set(['unsupported_parameter', 'unknown_parameter']);

/**
 * How providers say that they refuse a parameter, each from a body that was seen (tests, with their sources). All begin with the message: what callers
 * wrote may stand further on in it and must never be read as a refusal.
 */
const MESSAGES: readonly RegExp[] = [
  /^Unsupported (?:parameter|value): '(\w{1,32})' is not supported with this model/,
  /^Unknown parameter: '(\w{1,32})'/,
  /^(?:Unrecognized|Model incompatible) request arguments? supplied: ([\w, ]{1,200})/,
  /^`(\w{1,32})` (?:is deprecated|is not supported) (?:for|with) this model/,
  /^(?:The model returned the following errors: )?`?(\w{1,32})`? must be (?:unset when thinking is enabled|greater than or equal to 0\.95 or unset)/,
  /^(\w{1,32}): Extra inputs are not permitted/,
  /^Extra inputs are not permitted, field: '(\w{1,32})'/,
  /^\[\{'type': 'extra_forbidden', 'loc': \('body', '(\w{1,32})'\)/,
  /^property '(\w{1,32})' is unsupported/,
  /^Argument not supported on this model: (\w{1,32})/,
  /^Model \S{1,100} does not support parameter (\w{1,32})/,
  /^Invalid JSON payload received\. Unknown name "(\w{1,32})": Cannot find field/,
];

/** Refusals of any value but 1. */
const VALUE_MESSAGES: readonly RegExp[] = [
  /^Unsupported value: '(\w{1,32})' does not support .{1,40} with this model\. Only the default \(1\) value is supported/,
  /^`(\w{1,32})` may only be set to 1 when thinking is enabled/,
];

const UNLESS_1: ReadonlyMap<RefusedParameter, RefusedParameter> = new Map<RefusedParameter, RefusedParameter>([
  ['temperature', 'temperature_unless_1'],
  ['top_p', 'top_p_unless_1'],
]);

const BOTH_SAMPLERS = /^`temperature` and `top_p` cannot both be specified for this model/;
const NO_PENALTIES = /^Penalty is not enabled for /;

const NOTHING: ReadonlySet<RefusedParameter> = new Set();

/**
 * Reads from a provider's error which parameters it refuses, of those that a request can be adapted in. A value that is refused (a temperature of 3,
 * a limit above the model's) is no such refusal.
 * @param body - the reply's body as parsed JSON.
 * @returns empty for any other error.
 * @public
 */
export function refusedParameters(endpoint: Endpoint, status: number, body: unknown): ReadonlySet<RefusedParameter> {
  if (endpoint === 'embeddings' || endpoint === 'count-tokens') return NOTHING;
  // Mistral and other servers with pydantic answer 422.
  if (status !== 400 && status !== 422) return NOTHING;
  // Gemini's OpenAI-compatible API wraps its error into a list.
  const fault = errorIn(Array.isArray(body) ? body[0] : body);
  return new Set([...fromFields(fault), ...fromDetail(fault.detail), ...fromMessage(fault.message)]);
}

interface Fault {
  readonly message: string;
  readonly code: unknown;
  readonly param: unknown;
  /** Faults as pydantic lists them. */
  readonly detail: unknown;
}

function errorIn(body: unknown): Fault {
  const outer = isObject(body) ? body : {};
  const inner = isObject(outer['error']) ? outer['error'] : outer;
  // xAI: the error is the message.
  const message = parsedIfJson(typeof outer['error'] === 'string' ? outer['error'] : inner['message']);
  const nested = isObject(message) ? message : inner;
  return {
    message: typeof message === 'string' ? message : typeof nested['message'] === 'string' ? nested['message'] : '',
    code: inner['code'],
    param: inner['param'],
    detail: Array.isArray(message) ? message : nested['detail'],
  };
}

/** Mistral and gateways put JSON into the message's text. */
function parsedIfJson(message: unknown): unknown {
  if (typeof message !== 'string' || !/^[{[]/.test(message)) return message;
  try {
    return JSON.parse(message);
  } catch {
    return message; // Text that only begins like JSON: Python's writing of a list.
  }
}

function fromFields({ code, param }: Fault): readonly RefusedParameter[] {
  return PARAMETER_CODES.has(code) ? named(param) : [];
}

function fromDetail(detail: unknown): readonly RefusedParameter[] {
  if (!Array.isArray(detail)) return [];
  return detail.flatMap((each: unknown) => {
    if (!isObject(each) || each['type'] !== 'extra_forbidden' || !Array.isArray(each['loc'])) return [];
    const [place, name, ...deeper]: readonly unknown[] = each['loc'];
    return place === 'body' && deeper.length === 0 ? named(name) : [];
  });
}

function fromMessage(message: string): readonly RefusedParameter[] {
  if (BOTH_SAMPLERS.test(message)) return ['top_p_beside_temperature'];
  if (NO_PENALTIES.test(message)) return ['presence_penalty', 'frequency_penalty'];
  return [
    ...namesIn(message, MESSAGES),
    ...namesIn(message, VALUE_MESSAGES).map((parameter) => UNLESS_1.get(parameter) ?? parameter),
  ];
}

function namesIn(message: string, patterns: readonly RegExp[]): readonly RefusedParameter[] {
  const names = patterns.flatMap((pattern) => pattern.exec(message)?.[1]?.split(', ') ?? []);
  return names.flatMap((name) => named(name));
}

function named(name: unknown): readonly RefusedParameter[] {
  const parameter = typeof name === 'string' ? NAMES.get(name) : undefined;
  return parameter === undefined ? [] : [parameter];
}
