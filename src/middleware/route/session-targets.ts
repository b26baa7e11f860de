import { GenerationalMap } from '../../core/generational-map.ts';
import { formatTarget, parseTarget, type Target } from '../../core/model/target.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { within } from '../within.ts';

/** Where a conversation is. @internal */
export interface SessionTarget {
  readonly target: Target;
  /** Tokens of the prompt of its last turn, which the target has in its cache while that lives. */
  readonly promptTokens: number;
  /** When that was, Unix milliseconds. */
  readonly atMs: number;
  /** Turns that were noted, the last one included. */
  readonly turns: number;
  /** What it has cost less than at the strong target with a warm cache, in pico-dollars; see `sessionCredit`. */
  readonly creditPicoUsd: number;
}

/** What {@link SessionTargets} need. @internal */
export interface SessionTargetsOptions {
  readonly store: StateStore;
  /** Whether other processes write to the store. */
  readonly isShared: boolean;
  readonly clock: Clock;
  readonly events: EventSink;
  /**
   * For how long a conversation without a turn is remembered, in milliseconds; at most 24 h.
   * @defaultValue 3_600_000 (one hour)
   */
  readonly idleMs?: number;
}

/** Conversations that are remembered, some 250 bytes each. */
const MAX_SESSIONS = 50_000;

const DEFAULT_IDLE_MS = 3_600_000;
const MAX_IDLE_MS = 24 * DEFAULT_IDLE_MS;

/** What is older is asked for in the store once more, in milliseconds: most turns come later than this, so that a turn is one read. Ours. */
const FRESH_MS = 1000;

/** For how long a call waits for the store, in milliseconds. Ours. */
const READ_MS = 250;

/** A prompt that grew by so much since it was written is written anew: it decides what moving would cost. Ours. */
const GROWTH_RATIO = 1.5;

/**
 * Which target has which conversation: noted after each turn, asked before the next. Other processes hear of it through the store. Names are hashes, and
 * no content is among what is kept. Fails no call: what cannot be read is not known, and counted.
 * @internal
 */
export class SessionTargets {
  readonly #options: SessionTargetsOptions;
  readonly #idleMs: number;
  readonly #known = new GenerationalMap<string, SessionTarget>(MAX_SESSIONS);
  readonly #stored = new GenerationalMap<string, SessionTarget>(MAX_SESSIONS);
  /** When the store was last asked for a conversation, or one was noted here. */
  readonly #heardMs = new GenerationalMap<string, number>(MAX_SESSIONS);

  /** @throws RangeError for an idle time that is not between 1 ms and 24 h. */
  constructor(options: SessionTargetsOptions) {
    const { idleMs = DEFAULT_IDLE_MS } = options;
    if (!(idleMs >= 1 && idleMs <= MAX_IDLE_MS)) throw new RangeError(`not between 1 ms and 24 h: ${idleMs} ms`);
    this.#options = options;
    this.#idleMs = idleMs;
  }

  /**
   * Where a conversation is. Asks the store where this process has not heard of it for a moment: another one may have had its last turn.
   * @param name - a hash that names the conversation.
   * @returns undefined: it was never routed, not for long, or nobody knows.
   */
  async find(name: string): Promise<SessionTarget | undefined> {
    const { clock, isShared } = this.#options;
    const heardMs = this.#heardMs.get(name);
    if (heardMs !== undefined && (!isShared || clock.nowMs() - heardMs < FRESH_MS)) return this.#latest(name);
    const stored = await this.#read(name);
    this.#heardMs.set(name, clock.nowMs());
    const known = this.#known.get(name);
    // What was noted here while the store was read is not undone.
    if (stored !== undefined && stored.atMs > (known?.atMs ?? 0)) {
      this.#known.set(name, stored);
      this.#stored.set(name, stored);
    }
    return this.#latest(name);
  }

  /**
   * Takes note of a turn that was answered.
   * @param gainedPicoUsd - what it cost less than at the strong target, for a credit that later moves are paid from.
   */
  note(name: string, target: Target, promptTokens: number, gainedPicoUsd: number = 0): void {
    const atMs = this.#options.clock.nowMs();
    const before = this.#latest(name);
    const session: SessionTarget = {
      target,
      promptTokens,
      atMs,
      turns: (before?.turns ?? 0) + 1,
      creditPicoUsd: (before?.creditPicoUsd ?? 0) + gainedPicoUsd,
    };
    this.#known.set(name, session);
    this.#heardMs.set(name, atMs);
    if (!this.#isStored(name, session)) this.#write(name, session);
  }

  #latest(name: string): SessionTarget | undefined {
    const session = this.#known.get(name);
    return session === undefined || session.atMs + this.#idleMs <= this.#options.clock.nowMs() ? undefined : session;
  }

  /** Whether what other processes read is near enough: the same target, half of its life left, not much longer since. */
  #isStored(name: string, session: SessionTarget): boolean {
    const stored = this.#stored.get(name);
    return (
      stored !== undefined &&
      formatTarget(stored.target) === formatTarget(session.target) &&
      session.atMs - stored.atMs < this.#idleMs / 2 &&
      session.promptTokens <= stored.promptTokens * GROWTH_RATIO
    );
  }

  async #read(name: string): Promise<SessionTarget | undefined> {
    try {
      const stored = await within(READ_MS, this.#options.store.read(keyOf(name)));
      return stored === undefined ? undefined : readSession(JSON.parse(stored.value));
    } catch (error) {
      this.#options.events.emit({ kind: 'store-failed', store: 'states', operation: 'read', error });
      return undefined;
    }
  }

  #write(name: string, session: SessionTarget): void {
    this.#stored.set(name, session);
    const value = JSON.stringify({ ...session, target: formatTarget(session.target) });
    this.#options.store.write(keyOf(name), value, { ttlMs: this.#idleMs }).catch((error: unknown) => {
      this.#options.events.emit({ kind: 'store-failed', store: 'states', operation: 'write', error });
    });
  }
}

function keyOf(name: string): string {
  return `route-session/v1/${name}`;
}

/** What the store holds may have been written by another version. */
function readSession(value: unknown): SessionTarget | undefined {
  if (typeof value !== 'object' || value === null || !('target' in value)) return undefined;
  const {
    target: written,
    promptTokens,
    atMs,
    turns,
    creditPicoUsd,
  } = value as Omit<SessionTarget, 'target'> & {
    readonly target: unknown;
  };
  const target = typeof written === 'string' ? parseTarget(written) : undefined;
  const isSound = [promptTokens, atMs, turns, creditPicoUsd].every((number) => Number.isFinite(number));
  return target !== undefined && isSound ? { target, promptTokens, atMs, turns, creditPicoUsd } : undefined;
}
