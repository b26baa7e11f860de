import { checkStateNamespace, checkStateWrite, STATE_BOUNDS, stateKeyParts } from '../../core/state-bounds.ts';
import type { Clock } from '../../ports/clock.ts';
import type { StateStore, StateTerms, StateWrite, StoredState } from '../../ports/state-store.ts';

/** Settings of {@link MemoryStateStore}. @public */
export interface MemoryStateStoreOptions {
  readonly clock: Clock;
  /** States in all; beyond it those go that would expire first. @defaultValue 10_000 */
  readonly maxStates?: number;
  /** Bytes of keys and values, at two for each UTF-16 unit; beyond it likewise. @defaultValue 16_777_216 (16 MiB) */
  readonly maxBytes?: number;
}

const DEFAULTS = { maxStates: 10_000, maxBytes: 16_777_216 } as const;

/** What is dropped down to when a bound is passed, so that not every write has to look for what expires first. */
const AFTER_EVICTION_RATIO = 0.9;

interface KeptState extends StoredState {
  readonly expiresAtMs: number;
}

/**
 * States in the memory of one process: they are gone when it ends.
 * @public
 */
export class MemoryStateStore implements StateStore {
  readonly #clock: Clock;
  readonly #maxStates: number;
  readonly #maxBytes: number;
  readonly #states = new Map<string, KeptState>();
  #sizeBytes = 0;
  #lastVersion = 0;

  constructor(options: MemoryStateStoreOptions) {
    this.#clock = options.clock;
    this.#maxStates = options.maxStates ?? DEFAULTS.maxStates;
    this.#maxBytes = options.maxBytes ?? DEFAULTS.maxBytes;
  }

  async read(key: string): Promise<StoredState | undefined> {
    stateKeyParts(key);
    const kept = this.#find(key);
    return kept === undefined ? undefined : storedState(kept);
  }

  async readAll(namespace: string): Promise<readonly StoredState[]> {
    checkStateNamespace(namespace);
    const nowMs = this.#clock.nowMs();
    const kept = [...this.#states.values()]
      .filter(({ key, expiresAtMs }) => key.startsWith(`${namespace}/`) && nowMs < expiresAtMs)
      .toSorted((one, other) => other.expiresAtMs - one.expiresAtMs)
      .slice(0, STATE_BOUNDS.maxRead);
    let sizeBytes = 0;
    const end = kept.findIndex(({ value }) => (sizeBytes += Buffer.byteLength(value)) > STATE_BOUNDS.maxReadBytes);
    return (end < 0 ? kept : kept.slice(0, end)).map(storedState);
  }

  async write(key: string, value: string, terms: StateTerms): Promise<StateWrite> {
    stateKeyParts(key);
    checkStateWrite(value, terms);
    const { ttlMs, expectedVersion } = terms;
    const version = this.#find(key)?.version ?? 0;
    if (expectedVersion !== undefined && expectedVersion !== version) return { isWritten: false, version };
    this.#drop(key);
    this.#lastVersion += 1;
    const kept = { key, value, version: this.#lastVersion, expiresAtMs: this.#clock.nowMs() + ttlMs };
    this.#states.set(key, kept);
    this.#sizeBytes += sizeOf(kept);
    if (this.#states.size > this.#maxStates || this.#sizeBytes > this.#maxBytes) this.#evict();
    return { isWritten: true, version: kept.version };
  }

  async remove(key: string): Promise<boolean> {
    stateKeyParts(key);
    const isThere = this.#find(key) !== undefined;
    this.#drop(key);
    return isThere;
  }

  async close(): Promise<void> {
    this.#states.clear();
    this.#sizeBytes = 0;
  }

  #find(key: string): KeptState | undefined {
    const kept = this.#states.get(key);
    return kept !== undefined && this.#clock.nowMs() < kept.expiresAtMs ? kept : undefined;
  }

  #drop(key: string): void {
    const kept = this.#states.get(key);
    if (kept === undefined) return;
    this.#states.delete(key);
    this.#sizeBytes -= sizeOf(kept);
  }

  #evict(): void {
    const states = this.#maxStates * AFTER_EVICTION_RATIO;
    const sizeBytes = this.#maxBytes * AFTER_EVICTION_RATIO;
    for (const { key } of [...this.#states.values()].toSorted((one, other) => one.expiresAtMs - other.expiresAtMs)) {
      if (this.#states.size <= states && this.#sizeBytes <= sizeBytes) return;
      this.#drop(key);
    }
  }
}

function storedState({ key, value, version }: KeptState): StoredState {
  return { key, value, version };
}

function sizeOf({ key, value }: StoredState): number {
  return (key.length + value.length) * 2;
}
