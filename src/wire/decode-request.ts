import { FarthingError } from '../core/errors.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import type { DecodedRequest } from './decoded-request.ts';
import { jsonFaultAt } from './json-fault.ts';
import { DEFAULT_REQUEST_LIMITS, type RequestLimits } from './json-limits.ts';
import { type JsonFaultReason, scanJson } from './json-scan.ts';
import { readChat } from './request-chat.ts';
import { readEmbeddings } from './request-embeddings.ts';
import type { RequestFacts } from './request-facts.ts';
import { isAbsent, isObject, type JsonObject, refuse } from './request-guards.ts';
import { readCountTokens, readMessages } from './request-messages.ts';
import { readResponses } from './request-responses.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Names by which gateways elsewhere let a request choose the server or the credential that it goes to (LiteLLM, Portkey and others: each had a hole there).
 * Upstreams come from the operator's configuration only; such a field is refused rather than passed on, so that nobody believes it works.
 */
const ADDRESS_FIELD =
  /^(?:(?:api|base|custom|provider|upstream|proxy|server|azure|openai|anthropic|litellm)[_-]?(?:(?:api|base)[_-]?)?(?:base|url|uri|host|endpoint|key)|url|uri|host|endpoint|custom[_-]?llm[_-]?provider|litellm[_-]?params)$/i;

/**
 * Reads a request's body and checks what the gateway acts on; every other field passes untouched and unchecked.
 *
 * Refused are: bytes that are not UTF-8, text that is not a JSON object, nesting or keys above the limits, duplicate keys, a `__proto__` key, lone surrogates,
 * a missing or strange model, fields that name a server or a credential, and wrong types in the fields that the gateway reads.
 * @throws FarthingError `invalid-request` that names the fault and the field but never quotes content.
 * @public
 */
export function decodeRequest(
  endpoint: Endpoint,
  body: Uint8Array,
  limits: RequestLimits = DEFAULT_REQUEST_LIMITS,
): DecodedRequest {
  const text = textOf(body);
  let value: unknown;
  // The scan bounds depth and width before it lets the text be parsed, so that a body of nothing but brackets is never built.
  const scan = scanJson(text, limits, () => (value = parsed(text)));
  if (scan.kind === 'fault') return refuseScanned(text, scan.reason, scan.path, limits);
  if (!isObject(value)) throw new FarthingError('invalid-request', 'the body must be a JSON object');
  refuseAddresses(value);
  const model = modelOf(value, limits);
  return { endpoint, text, body: value, members: scan.members, model, ...READERS[endpoint](value, limits) };
}

const READERS: Readonly<Record<Endpoint, (body: JsonObject, limits: RequestLimits) => RequestFacts>> = {
  chat: readChat,
  responses: readResponses,
  embeddings: readEmbeddings,
  messages: readMessages,
  'count-tokens': readCountTokens,
};

const SCAN_FAULTS: Readonly<
  Record<Exclude<JsonFaultReason, 'too-deep' | 'too-many-keys' | 'too-many-containers'>, string>
> = {
  syntax: 'is not valid JSON',
  'duplicate-key': 'is there twice',
  'forbidden-key': 'is not allowed as a key',
  'lone-surrogate': 'holds half of a surrogate pair, which is no text',
};

function textOf(body: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch (error) {
    throw new FarthingError('invalid-request', 'the body is not valid UTF-8', { cause: error });
  }
  if (text.trim() === '') throw new FarthingError('invalid-request', 'the body is empty');
  return text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Without the cause: V8 quotes the text in its message.
    const at = jsonFaultAt(text, error);
    const place = at === text.length ? ': it ends too early' : ` (at character ${at})`;
    throw new FarthingError('invalid-request', `the body is not valid JSON${at === undefined ? '' : place}`);
  }
}

function refuseScanned(text: string, reason: JsonFaultReason, path: string, limits: RequestLimits): never {
  if (reason === 'too-deep')
    throw new FarthingError('invalid-request', `the body nests deeper than ${limits.maxDepth} levels`);
  if (reason === 'too-many-keys') {
    throw new FarthingError('invalid-request', `an object in the body has more than ${limits.maxObjectKeys} keys`);
  }
  if (reason === 'too-many-containers') {
    throw new FarthingError('invalid-request', `the body has more than ${limits.maxContainers} objects and arrays`);
  }
  // In text that is not JSON the scan may take content for a key, which must not be quoted: syntax comes first.
  parsed(text);
  const where = path === '' ? 'the body' : `\`${path}\``;
  throw new FarthingError('invalid-request', `${where} ${SCAN_FAULTS[reason]}`, path === '' ? {} : { param: path });
}

function refuseAddresses(body: JsonObject): void {
  for (const name of Object.keys(body)) {
    if (ADDRESS_FIELD.test(name)) refuse(name, 'is not allowed: no URL or credential is ever taken from a request');
  }
}

function modelOf(body: JsonObject, limits: RequestLimits): string {
  const { model } = body;
  if (isAbsent(model) || model === '') refuse('model', 'is required');
  if (typeof model !== 'string') refuse('model', 'must be a string');
  if (model.length > limits.maxModelChars) refuse('model', `must have at most ${limits.maxModelChars} characters`);
  if (/\p{Control}/u.test(model)) refuse('model', 'must not hold control characters');
  return model;
}
