import { CACHE_KEY_FIELDS, type FieldRole } from './cache-key-fields.ts';
import type { CacheKey } from './model/cache-entry.ts';
import { ENDPOINTS, type Endpoint } from './model/protocol.ts';
import type { Target } from './model/target.ts';

/**
 * Version of the encoding below and of the field tables. Raised whenever equal requests get other keys or unequal ones could get the same:
 * entries of older versions are then never found again.
 * @public
 */
export const CACHE_KEY_SCHEMA = 1;

/** Who shares answers. Made by {@link cacheScope} only, so that it cannot be forgotten or taken from the caller's words. @public */
export type CacheScope = string & { readonly __brand: 'CacheScope' };

/** A first-level key over a request's bytes; see {@link rawKey}. @public */
export type RawKey = string & { readonly __brand: 'RawKey' };

/** SHA-256 in lower-case hex; of a string, over its UTF-8. Injected, since `core` knows no crypto. @public */
export type Sha256Hex = (data: string | Uint8Array) => string;

/** Everything that a key covers. @public */
export interface CacheKeyParts {
  readonly scope: CacheScope;
  readonly endpoint: Endpoint;
  /** The first target that routing chose; it replaces the body's `model`. */
  readonly target: Target;
  /** What the provider's name stands for: its base URL. */
  readonly providerIdentity: string;
  /** Names the policies that may change an answer: optimiser level and version, route policy. */
  readonly policyFingerprint: string;
  /** Lower-case names. Only those in {@link ANSWER_CHANGING_HEADERS} count. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The caller's body, parsed. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The caller's body as it came; counts only where parsing lost something (see {@link cacheKey}). */
  readonly rawBody: Uint8Array | string;
}

/** What a raw key covers. @public */
export interface RawKeyParts {
  readonly scope: CacheScope;
  readonly endpoint: Endpoint;
  /** Lower-case names; those that change the answer or the cache's own behaviour count. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Changes with every configuration that can change routing or the key. */
  readonly policyVersion: string;
  readonly body: Uint8Array;
}

/** Headers that select another behaviour of the provider; each is a list whose order does not matter. @public */
export const ANSWER_CHANGING_HEADERS = ['anthropic-version', 'anthropic-beta', 'openai-beta'] as const;

/** Headers by which a caller steers the cache or the route: an identical body with other ones is another call to the raw level. */
const STEERING_HEADERS = ['cache-control', 'x-farthing-cache', 'x-farthing-route'] as const;

/**
 * Keys below which the order of object keys reaches the model or is the caller's data: JSON Schemas (`parameters`, `input_schema`,
 * `json_schema`, `schema`) and the arguments of tool calls (`input`, `input_examples`).
 */
const ORDERED_KEYS: ReadonlySet<string> = new Set([
  'parameters',
  'input_schema',
  'json_schema',
  'schema',
  'input',
  'input_examples',
]);

/** From this length on an array of numbers is joined natively, which takes a fifth of the time (tokens of a text to embed). */
const MANY_NUMBERS = 16;

/** Names the scope that shares answers: a project, or a single key. @public */
export function cacheScope(kind: 'project' | 'key', id: string): CacheScope {
  if (id === '') throw new RangeError('a cache scope needs an id');
  return `${kind}:${id}` as CacheScope;
}

/**
 * The key of an exact cache entry: SHA-256 over {@link encodeCacheKey}.
 *
 * Two calls have the same key only when they ask the same of the same target under the same scope. Parsing JSON loses a little: integers beyond
 * 2^53, and where integer-like names stood among the keys of a schema. Where that happened the raw body counts as well, so that such calls
 * can only miss.
 * @example
 * ```ts
 * const key = cacheKey(parts, (data) => hash('sha256', data, 'hex')); // hash from node:crypto
 * ```
 * @public
 */
export function cacheKey(parts: CacheKeyParts, sha256Hex: Sha256Hex): CacheKey {
  const encoder = new Encoder(parts.endpoint);
  let text = encoder.envelope(parts);
  if (encoder.isLossy) text += encodeText(sha256Hex(parts.rawBody));
  return sha256Hex(wellFormed(text)) as CacheKey;
}

/**
 * The key of a value that a program keeps under a key of its own: SHA-256 over the key's content, so that equal JSON has equal keys. The order of
 * object keys does not matter anywhere, and a property that is undefined counts as absent, as in JSON.
 * @throws TypeError when the content is no JSON: NaN, a function, a Date, a Map ... would all look alike.
 * @public
 */
export function contentKey(scope: CacheScope, content: unknown, sha256Hex: Sha256Hex): CacheKey {
  const text = encodeText(`farthing content ${CACHE_KEY_SCHEMA}`) + encodeText(scope);
  return sha256Hex(wellFormed(text + new Encoder('content').content(content))) as CacheKey;
}

/**
 * The encoding under a key: every string and list carries its length and every value its type, so different values never encode alike.
 * Keys of the envelope are sorted; the order of arrays, and of keys inside JSON Schemas and tool arguments, is kept.
 * @internal
 */
export function encodeCacheKey(parts: CacheKeyParts): string {
  return new Encoder(parts.endpoint).envelope(parts);
}

/**
 * The first-level key: identical bytes under identical circumstances, found without parsing. The body is hashed by itself, so that it is
 * never copied.
 * @public
 */
export function rawKey(parts: RawKeyParts, sha256Hex: Sha256Hex): RawKey {
  let text = encodeText(`farthing raw ${CACHE_KEY_SCHEMA}`);
  text += encodeText(parts.scope) + encodeText(parts.endpoint) + encodeText(parts.policyVersion);
  for (const name of ANSWER_CHANGING_HEADERS) text += encodeOptional(parts.headers[name]);
  for (const name of STEERING_HEADERS) text += encodeOptional(parts.headers[name]);
  return sha256Hex(wellFormed(text + sha256Hex(parts.body))) as RawKey;
}

function encodeText(text: string): string {
  return `s${text.length}:${text}`;
}

function encodeOptional(text: string | undefined): string {
  return text === undefined ? 'N' : encodeText(text);
}

/** Hashing takes UTF-8, where every lone surrogate turns into the same replacement character: such a text is escaped first. */
function wellFormed(text: string): string {
  // `isWellFormed` is in every supported Node, but not in the es2023 library types.
  const checked = text as string & { isWellFormed(): boolean };
  return checked.isWellFormed() ? text : `escaped ${JSON.stringify(text)}`;
}

/** `a, b` and `b,a` are one list. */
function listOf(header: string): readonly string[] {
  const items = header.split(',').map((item) => item.trim());
  return [...new Set(items)].filter((item) => item !== '').toSorted();
}

/** Anthropic's mark for provider-side caching: it changes the bill, never the answer. Anything else of that name is data. */
function isCacheMark(value: unknown): boolean {
  return value === null || (typeof value === 'object' && 'type' in value && value.type === 'ephemeral');
}

/** Numbers that are written out one by one as they would be joined: neither -0 nor any that parsing may have changed. */
function isPlainNumber(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER && !Object.is(value, -0);
}

/** Objects whose content is not in their properties (Date, Map, class instances) would encode alike. */
function refuseStrange(value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype)
    throw new TypeError('not a JSON value: an object of a class');
}

class Encoder {
  /** Set when the parsed value no longer tells what was written. */
  isLossy = false;
  readonly #fields: Readonly<Record<string, FieldRole>>;
  readonly #isContent: boolean;
  readonly #dropsMarks: boolean;

  constructor(endpoint: Endpoint | 'content') {
    this.#isContent = endpoint === 'content';
    this.#fields = endpoint === 'content' ? {} : CACHE_KEY_FIELDS[endpoint];
    this.#dropsMarks = endpoint !== 'content' && ENDPOINTS[endpoint].protocol === 'anthropic';
  }

  content(value: unknown): string {
    return this.#sorted(value);
  }

  envelope(parts: CacheKeyParts): string {
    const { protocol } = ENDPOINTS[parts.endpoint];
    let text = encodeText(`farthing key ${CACHE_KEY_SCHEMA}`);
    text += encodeText(parts.scope) + encodeText(protocol) + encodeText(parts.endpoint);
    text += encodeText(parts.target.provider) + encodeText(parts.providerIdentity) + encodeText(parts.target.model);
    text += encodeText(parts.policyFingerprint);
    for (const name of ANSWER_CHANGING_HEADERS) {
      const header = parts.headers[name];
      text += header === undefined ? 'N' : this.#array(listOf(header));
    }
    return text + this.#body(parts.body);
  }

  #body(body: Readonly<Record<string, unknown>>): string {
    let count = 0;
    let text = '';
    for (const key of Object.keys(body).toSorted()) {
      const role = Object.hasOwn(this.#fields, key) ? this.#fields[key] : undefined;
      if (role !== undefined && role !== 'in' && role !== 'bypass') continue;
      count += 1;
      // Of a field that no table lists nothing is known: even the order of its keys counts.
      text += `${key.length}:${key}${role === undefined ? this.#ordered(body[key]) : this.#sorted(body[key])}`;
    }
    return `o${count}:${text}`;
  }

  #sorted(value: unknown): string {
    if (typeof value !== 'object' || value === null) return this.#scalar(value);
    if (Array.isArray(value)) return this.#array(value);
    if (this.#isContent) refuseStrange(value);
    const fields = value as Readonly<Record<string, unknown>>;
    const keys = Object.keys(fields).toSorted();
    let count = keys.length;
    let text = '';
    for (const key of keys) {
      const child = fields[key];
      if (this.#leavesOut(key, child)) {
        count -= 1;
        continue;
      }
      const keepsOrder = ORDERED_KEYS.has(key) && !this.#isContent;
      text += `${key.length}:${key}${keepsOrder ? this.#ordered(child) : this.#sorted(child)}`;
    }
    return `o${count}:${text}`;
  }

  #leavesOut(key: string, child: unknown): boolean {
    if (this.#isContent) return child === undefined;
    return this.#dropsMarks && key === 'cache_control' && isCacheMark(child);
  }

  #ordered(value: unknown): string {
    if (typeof value !== 'object' || value === null) return this.#scalar(value);
    if (Array.isArray(value)) {
      if (value.length >= MANY_NUMBERS && value.every(isPlainNumber)) return this.#array(value);
      let items = `a${value.length}:`;
      for (const item of value) items += this.#ordered(item);
      return items;
    }
    const fields = value as Readonly<Record<string, unknown>>;
    const keys = Object.keys(fields);
    // JavaScript moves integer-like names to the front, so their place among the others is gone.
    const first = keys[0]?.charCodeAt(0) ?? 0;
    if (first >= 48 && first <= 57) this.isLossy = true;
    let text = `o${keys.length}:`;
    for (const key of keys) text += `${key.length}:${key}${this.#ordered(fields[key])}`;
    return text;
  }

  #array(items: readonly unknown[]): string {
    if (items.length >= MANY_NUMBERS && items.every(isPlainNumber)) return `a${items.length}:n${items.join(';n')};`;
    let text = `a${items.length}:`;
    for (const item of items) text += this.#sorted(item);
    return text;
  }

  #scalar(value: unknown): string {
    if (typeof value === 'string') return `s${value.length}:${value}`;
    if (typeof value === 'number') return this.#number(value);
    if (typeof value === 'boolean') return value ? 'T' : 'F';
    if (value === null) return 'N';
    if (value === undefined) return 'u';
    throw new TypeError(`not a JSON value: ${typeof value}`);
  }

  #number(value: number): string {
    if (this.#isContent && !Number.isFinite(value)) throw new TypeError(`not a JSON value: ${value}`);
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) this.isLossy = true;
    return Object.is(value, -0) ? 'n-0;' : `n${value};`;
  }
}
