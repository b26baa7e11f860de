import { GenerationalMap } from '../generational-map.ts';

/** Above about fifteen requests a minute for one prefix and key OpenAI's requests spill to other machines and miss (Microsoft Foundry, prompt caching). */
const REQUESTS_A_MINUTE = 15;
const MINUTE_MS = 60_000;
/** OpenAI takes at most 64 characters. */
const KEY_LENGTH = 40;
const MAX_PREFIXES = 10_000;
const MOST_KEYS = 1024;

interface Rate {
  readonly startedMs: number;
  readonly requests: number;
  /** Never fewer than in the busiest minute: what was written under a key stays where it is. */
  readonly keys: number;
}

/**
 * Gives requests of one prefix a `prompt_cache_key`: one for all while they are few, several where they are many. A conversation keeps its
 * key, and when keys are added only as many conversations move as the new keys take.
 * @public
 */
export class CacheKeySpread {
  readonly #rates: GenerationalMap<string, Rate>;

  constructor(maxPrefixes: number = MAX_PREFIXES) {
    this.#rates = new GenerationalMap(maxPrefixes);
  }

  /** @param prefix - hash of what the requests share. @param conversation - hash of what they do not. */
  keyFor(prefix: string, conversation: string, atMs: number): string {
    const rate = this.#counted(prefix, atMs);
    this.#rates.set(prefix, rate);
    const index = jumpHash(hash32(conversation), rate.keys);
    return index === 0 ? prefix.slice(0, KEY_LENGTH) : `${prefix.slice(0, KEY_LENGTH)}-${index}`;
  }

  #counted(prefix: string, atMs: number): Rate {
    const known = this.#rates.get(prefix);
    if (known === undefined) return { startedMs: atMs, requests: 1, keys: 1 };
    const isSameMinute = atMs - known.startedMs < MINUTE_MS;
    const requests = isSameMinute ? known.requests + 1 : 1;
    const keys = Math.min(MOST_KEYS, Math.max(known.keys, Math.ceil(requests / REQUESTS_A_MINUTE)));
    return { startedMs: isSameMinute ? known.startedMs : atMs, requests, keys };
  }
}

/** FNV-1a, with a last mix. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Jump consistent hash (Lamping and Veach, 2014), on a 32-bit generator. */
function jumpHash(seed: number, buckets: number): number {
  let state = seed;
  let chosen = 0;
  for (let next = 0; next < buckets;) {
    chosen = next;
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    next = Math.floor((chosen + 1) / ((state + 1) / 4_294_967_296));
  }
  return chosen;
}
