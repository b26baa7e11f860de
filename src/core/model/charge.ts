import type { ActiveCacheMode } from '../cacheability.ts';
import type { NanoUsd } from '../money.ts';
import type { SavingParts } from '../savings.ts';
import type { Tags } from './caller.ts';
import type { Decision } from './decision.ts';
import type { Endpoint } from './protocol.ts';
import type { RouteFacts } from './route-facts.ts';
import type { Usage } from './usage.ts';

/**
 * What an attempt is for: `call` is the caller's own; the others are side calls, each an attempt of its own kind. `verify` is a second answer that a cheap
 * one is held against, `shadow` an answer that nobody sees, `judge` compares two of them.
 * @public
 */
export type AttemptKind = 'call' | 'summary' | 'judge' | 'shadow' | 'verify';

/**
 * Written before an attempt leaves for the provider, so that money spent by a process that dies is never forgotten.
 * Removed by the charge of the same id.
 * @public
 */
export interface Intent {
  /** The charge id to be: `<call id>.<attempt number>`. Unique for ever. */
  readonly chargeId: string;
  readonly callId: string;
  readonly kind: AttemptKind;
  readonly atMs: number;
  /** The process that made it; only intents of dead owners are recovered. */
  readonly ownerId: string;
  readonly project: string;
  readonly keyId: string;
  readonly tags: Tags;
  readonly endpoint: Endpoint;
  /** `provider/model` that will be asked. */
  readonly target: string;
  /** The most that the attempt can cost, charged as an estimate when its owner dies. Undefined for an unpriced model. */
  readonly upperBoundNanoUsd: NanoUsd | undefined;
}

/**
 * How sure the amount of a charge is. `exact`: usage as the provider stated it, at a known price. `estimate`: the provider's figure never came
 * (a cut stream, a dead process). `unpriced`: usage is known but no price; the amount is unknown and never counted as 0.
 * `none`: the attempt cost nothing (refused by the provider, never sent).
 * @public
 */
export type ChargeCertainty = 'exact' | 'estimate' | 'unpriced' | 'none';

/** Outcome of a charge that was made because its owner died, at the attempt's upper bound. @public */
export const OWNER_DIED = 'owner-died';

/** Outcome of a charge that holds the money of a call which is answered later, at what it may cost when it is answered live. @public */
export const DEFERRED = 'deferred';

/** Outcomes of charges that only stand in for the truth: a later charge of the same id (with another outcome than {@link DEFERRED}) corrects exactly these. @public */
export const PROVISIONAL_OUTCOMES: readonly string[] = [OWNER_DIED, DEFERRED];

/** One row of the ledger: what one attempt (or the correction of one) cost. Append-only. @public */
export interface Charge {
  /** `<call id>.<attempt number>`, with `.c1`, `.c2` behind it for corrections. */
  readonly chargeId: string;
  readonly callId: string;
  readonly kind: AttemptKind;
  readonly atMs: number;
  readonly project: string;
  readonly keyId: string;
  readonly tags: Tags;
  readonly endpoint: Endpoint;
  readonly target: string;
  /** The model that the reply named, where it did. */
  readonly servedModel: string | undefined;
  readonly usage: Usage;
  readonly certainty: ChargeCertainty;
  /** The amount; for a correction the difference, which may be negative. Undefined when `certainty` is `unpriced`. */
  readonly amountNanoUsd: NanoUsd | undefined;
  /** The price-book entry it was priced with, `<book version>:<entry id>`; undefined when unpriced or none. */
  readonly priceEntry: string | undefined;
  /** The charge that this row corrects. */
  readonly corrects: string | undefined;
  /** HTTP status of the provider's answer; undefined when none came. */
  readonly status: number | undefined;
  /** Why the attempt ended: `complete`, `provider-error`, `broken-stream`, `client-left`, `owner-died` ... */
  readonly outcome: string;
}

/** How the response cache took part in a call. @public */
export type CacheStatus = 'hit' | 'miss' | 'stale' | 'bypass' | 'collapsed' | 'off';

/** The record of one call: what `GET /v1/farthing/calls/{id}`, `onCall` and the call log give. @public */
export interface CallRecord {
  readonly callId: string;
  readonly atMs: number;
  readonly project: string;
  readonly keyId: string;
  readonly tags: Tags;
  readonly endpoint: Endpoint;
  /** The model as the caller asked for it. */
  readonly modelAsked: string;
  /** `provider/model` that answered; undefined when nothing did. */
  readonly target: string | undefined;
  readonly servedModel: string | undefined;
  readonly isStream: boolean;
  /** HTTP status that the client got. */
  readonly status: number;
  /** `complete`, `refused`, `provider-error`, `broken-stream`, `client-left` ... */
  readonly outcome: string;
  readonly cacheStatus: CacheStatus;
  /** Original usage: on a cache hit that of the stored answer. */
  readonly usage: Usage;
  /** Undefined when any charge of the call is unpriced. */
  readonly costNanoUsd: NanoUsd | undefined;
  /** What the call would have cost as the caller wrote it; undefined when that model has no price. */
  readonly baselineNanoUsd: NanoUsd | undefined;
  readonly savedNanoUsd: NanoUsd | undefined;
  readonly savedParts: SavingParts | undefined;
  /** Whether any part of the cost is an estimate. */
  readonly isEstimate: boolean;
  /**
   * What a wider cache mode would have saved: the call repeats one that could have been served, were it not for the mode.
   * @see CacheMode
   */
  readonly missedByMode: { readonly mode: ActiveCacheMode; readonly nanoUsd: NanoUsd } | undefined;
  readonly attempts: number;
  readonly durationMs: number;
  /** From arrival to the first byte to the client; undefined when none was sent. */
  readonly firstByteMs: number | undefined;
  readonly decisions: readonly Decision[];
  /** Why it went where it went; undefined where no route took it. */
  readonly route: RouteFacts | undefined;
}
