/** One account with the simulated provider and one of its models: prompts are shared within, never beyond. @internal */
export interface PromptCacheScope {
  readonly account: string;
  readonly model: string;
}

interface CachedPrefix {
  readonly ttlMs: number;
  availableAtMs: number;
  expiresAtMs: number;
}

/** Beginnings of prompts that are remembered at most; the oldest go first. Some 100 bytes each. */
const MAX_PREFIXES = 200_000;

/**
 * The provider's memory of prompt beginnings. An entry can be read from when the first token of the request that wrote it was
 * there (simultaneous requests do not profit), and each reading prolongs its life.
 * @internal
 */
export class PromptCache {
  readonly #prefixes: Map<string, CachedPrefix> = new Map<string, CachedPrefix>();

  /** Whether the prefix can be read now; reading it prolongs its life. */
  read(scope: PromptCacheScope, digest: string, nowMs: number): boolean {
    const prefix = this.#prefixes.get(keyOf(scope, digest));
    if (prefix === undefined || prefix.availableAtMs > nowMs || prefix.expiresAtMs <= nowMs) return false;
    prefix.expiresAtMs = nowMs + prefix.ttlMs;
    return true;
  }

  /** Remembers a prefix from `availableAtMs` on; one that can be read already stays as it is. */
  write(scope: PromptCacheScope, digest: string, times: { nowMs: number; availableAtMs: number; ttlMs: number }): void {
    const key = keyOf(scope, digest);
    const known = this.#prefixes.get(key);
    const isAlive = known !== undefined && known.expiresAtMs > times.nowMs && known.ttlMs >= times.ttlMs;
    if (isAlive && known.availableAtMs <= times.availableAtMs) return;
    this.#prefixes.delete(key);
    this.#prefixes.set(key, {
      ttlMs: times.ttlMs,
      availableAtMs: times.availableAtMs,
      expiresAtMs: times.availableAtMs + times.ttlMs,
    });
    if (this.#prefixes.size <= MAX_PREFIXES) return;
    for (const oldest of this.#prefixes.keys()) {
      this.#prefixes.delete(oldest);
      break;
    }
  }
}

function keyOf(scope: PromptCacheScope, digest: string): string {
  return `${scope.account}\n${scope.model}\n${digest}`;
}
