/** A state as it is kept. @public */
export interface StoredState {
  /** `<namespace>/<name>`. */
  readonly key: string;
  /** JSON text, as it was written. */
  readonly value: string;
  /** Which write this is. Of two versions of a key the later one is greater, also when the state had expired or was removed between them. */
  readonly version: number;
}

/** How a state is written. @public */
export interface StateTerms {
  /** For how long the state is kept from now on, in milliseconds: each write sets it anew. At most 366 days. */
  readonly ttlMs: number;
  /**
   * Writes only where the state is still of this version; 0: only where there is none.
   * @defaultValue the last writer wins
   */
  readonly expectedVersion?: number;
}

/** What became of a write. @public */
export interface StateWrite {
  /** False: the state was of another version than expected, and is as it was. */
  readonly isWritten: boolean;
  /** The version that the state has now; 0: there is none. */
  readonly version: number;
}

/**
 * Where processes keep what they have learnt from traffic and may lose: calibrations, warm prefixes, cooldowns. Never prompts, answers or keys of anybody.
 *
 * A key is a namespace (lower-case letters, digits and hyphens, at most 32), a slash and a name of any characters but control characters, at most 512 bytes in all: `calibration/openai/gpt-4o`.
 * A value has at most 64 KiB. What is beyond that, or has no length of life, is a programming mistake and rejects with a `RangeError`. Faults are thrown as `store-unavailable`; callers count them and
 * go on without: they are never a failed call. A store is bounded and drops what would expire first.
 * @public
 */
export interface StateStore {
  /** Undefined: there is none, or it has expired. */
  read(key: string): Promise<StoredState | undefined>;
  /** States of a namespace, those first that expire last: at most 1,000, and as many as have 4 MiB together. */
  readAll(namespace: string): Promise<readonly StoredState[]>;
  write(key: string, value: string, terms: StateTerms): Promise<StateWrite>;
  /** False: there was none. */
  remove(key: string): Promise<boolean>;
  close(): Promise<void>;
}
