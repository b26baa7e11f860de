import type { NanoUsd } from '../money.ts';
import type { Tags } from './caller.ts';
import type { Endpoint } from './protocol.ts';
import type { ServedTerms, Usage } from './usage.ts';

/** SHA-256 in lower-case hex over the encoded request; see `cache-key`. @public */
export type CacheKey = string & { readonly __brand: 'CacheKey' };

/** The form in which the provider sent an answer, and in which it is stored; replay makes the other form on demand. @public */
export type ReplyForm = 'whole' | 'stream';

/** When an entry was made and until when it may be served. Stores never decide freshness: they only drop what is past `deleteAtMs`. @public */
export interface EntryTimes {
  readonly storedAtMs: number;
  /** From here on the entry is stale: served only under `staleIfError`. */
  readonly staleAtMs: number;
  /** From here on it must not be served and may be dropped. */
  readonly deleteAtMs: number;
}

/** A stored answer. @public */
export interface CacheEntry extends EntryTimes {
  /**
   * What was asked; `value` is no answer of a provider but what a program keeps through `ResponseCache`. `sealed` is what only an encrypted store can
   * open: whoever meets it elsewhere takes it for a miss.
   */
  readonly endpoint: Endpoint | 'value' | 'sealed';
  readonly form: ReplyForm;
  /** The provider's bytes. For a chat stream with the usage chunk, whether the client asked for it or not. */
  readonly body: Uint8Array;
  readonly project: string;
  readonly tags: Tags;
  /** `provider/model` that answered. */
  readonly target: string;
  readonly servedModel: string | undefined;
  readonly usage: Usage;
  /** What the caller's own bytes would have met, where they were not what was sent. @defaultValue `usage` */
  readonly baselineUsage?: Usage;
  readonly terms: ServedTerms;
  /** What the answer cost when it was made. Undefined when unpriced. */
  readonly costNanoUsd: NanoUsd | undefined;
}

/** Bytes that an entry is accounted with beside its body: object, key and bookkeeping (measured on Node 24, rounded up). @public */
export const ENTRY_OVERHEAD_BYTES = 1024;

/** What an entry weighs against a store's byte limit. @public */
export function entrySizeBytes(entry: CacheEntry): number {
  return entry.body.byteLength + ENTRY_OVERHEAD_BYTES;
}
