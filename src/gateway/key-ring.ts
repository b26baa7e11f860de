import { hash, timingSafeEqual } from 'node:crypto';
import { FarthingError } from '../core/errors.ts';
import { keyVerdict } from '../core/gateway-key.ts';
import type { Caller } from '../core/model/caller.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyRecord, KeyStore } from '../ports/key-store.ts';

/** What a key ring is made of. @internal */
export interface KeyRingOptions {
  /** Keys of the configuration; they win over those of the store. */
  readonly configured: readonly KeyRecord[];
  readonly store: KeyStore;
  readonly clock: Clock;
  /** Told when the store failed; calls with keys that are not configured are then refused. */
  readonly onFault: (operation: string, error: unknown) => void;
  /** How often the store is asked whether keys changed, in milliseconds. @defaultValue {@link POLL_MS} */
  readonly pollMs?: number;
}

/** A change (a revocation above all) must reach every process within 1 s; a quarter of it leaves room for a slow store. */
const POLL_MS = 250;

/** With {@link POLL_MS} a store may hang for three quarters of a second before keys in memory count no more. */
const MAX_MISSED_POLLS = 2;

/** Most keys kept in memory; the one that came first goes. About 1 KB each. */
const MAX_CACHED_KEYS = 10_000;

interface CachedKey {
  readonly record: KeyRecord;
  readonly digest: Buffer;
  readonly caller: Caller;
}

/**
 * Knows the gateway's keys: those of the configuration, and those of the store, which it keeps in memory for as long as the store's
 * version stands still. What is not a key is never kept.
 * @internal
 */
export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #configured: ReadonlyMap<string, CachedKey>;
  readonly #cached = new Map<string, CachedKey>();
  readonly #timer: NodeJS.Timeout;
  /** Undefined while the store cannot be asked: then nothing is taken from memory. */
  #version: number | undefined;
  #generation = 0;
  #isPolling = false;
  #missedPolls = 0;

  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#configured = new Map(options.configured.map((record) => [record.secretSha256, cachedKey(record)]));
    this.#timer = setInterval(() => void this.poll(), options.pollMs ?? POLL_MS).unref();
  }

  /** The caller of a secret, when it is known without asking the store. */
  peek(secret: string): Caller | undefined {
    const digest = hash('sha256', secret, 'buffer');
    const id = digest.toString('hex');
    const key = this.#configured.get(id) ?? this.#cached.get(id);
    if (key === undefined || !timingSafeEqual(key.digest, digest)) return undefined;
    return this.#isValid(key.record) ? key.caller : undefined;
  }

  /**
   * The caller of a secret; undefined when the secret is none of a valid key's.
   * @throws FarthingError `store-unavailable` when the store cannot be asked.
   */
  async find(secret: string): Promise<Caller | undefined> {
    const known = this.peek(secret);
    if (known !== undefined) return known;
    const id = hash('sha256', secret);
    if (this.#configured.has(id)) return undefined;
    const generation = this.#generation;
    const record = await this.#ask('find', () => this.#options.store.findBySecretHash(id));
    if (record === undefined || !timingSafeEqual(Buffer.from(record.secretSha256), Buffer.from(id))) return undefined;
    if (!this.#isValid(record)) return undefined;
    const key = cachedKey(record);
    // A version seen meanwhile may have revoked what was read before it.
    if (this.#version !== undefined && generation === this.#generation) this.#keep(id, key);
    return key.caller;
  }

  /** Asks the store whether keys changed, and forgets what was kept if so, or if the store does not answer. */
  async poll(): Promise<void> {
    if (this.#isPolling) {
      // A store that hangs is no better than one that fails: what it would have revoked is unknown.
      this.#missedPolls += 1;
      if (this.#missedPolls === MAX_MISSED_POLLS) this.#forget(undefined);
      return;
    }
    this.#isPolling = true;
    this.#missedPolls = 0;
    try {
      const version = await this.#ask('version', () => this.#options.store.version());
      if (version !== this.#version) this.#forget(version);
    } catch {
      this.#forget(undefined); // told by #ask; every call now asks the store itself, and is refused while it fails
    } finally {
      this.#isPolling = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#cached.clear();
  }

  #isValid(record: KeyRecord): boolean {
    return keyVerdict(record, this.#options.clock.nowMs()) === 'valid';
  }

  #forget(version: number | undefined): void {
    this.#version = version;
    this.#generation += 1;
    this.#cached.clear();
  }

  #keep(id: string, key: CachedKey): void {
    if (this.#cached.size >= MAX_CACHED_KEYS) {
      const oldest = this.#cached.keys().next();
      if (oldest.done !== true) this.#cached.delete(oldest.value);
    }
    this.#cached.set(id, key);
  }

  async #ask<T>(operation: string, question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      this.#options.onFault(operation, error);
      throw new FarthingError('store-unavailable', 'keys cannot be checked at the moment', {
        retryable: true,
        cause: error,
      });
    }
  }
}

function cachedKey(record: KeyRecord): CachedKey {
  const caller: Caller = {
    project: record.project,
    keyId: record.keyId,
    ...(record.allowedModels === undefined ? {} : { allowedModels: record.allowedModels }),
    pinnedTags: record.pinnedTags,
    requiredTags: record.requiredTags,
    ...(record.limits === undefined ? {} : { limits: record.limits }),
    ...(record.priority === undefined ? {} : { priority: record.priority }),
  };
  return { record, digest: Buffer.from(record.secretSha256, 'hex'), caller };
}
