import type { Clock } from '../ports/clock.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { StateStore } from '../ports/state-store.ts';
import { askStore, type OnStoreAnswer } from './asked-store.ts';
import { within } from './in-time.ts';

/** Something that learns, and how it is kept. @internal */
export interface Learner<State> {
  /** Its key in the store. Name the version of the format in it, so that a later program does not meet states that it cannot read: `calibration/v1/openai/gpt-4o`. */
  readonly key: string;
  /** What has been learnt, as JSON can hold it. Asked for only when it is written; what was given must not change afterwards. */
  readonly snapshot: () => State;
  /** Takes a state for what has been learnt so far. Called in the same turn as `snapshot` and `merge`, so that nothing is learnt between. */
  readonly adopt: (state: State) => void;
  /**
   * What was learnt here and what others have written, as one.
   * @param shared - What both have in common: the state in the store when this process last looked, undefined when it never saw one. Sums need it, since
   * `stored + (local - shared)` counts nothing twice; states of which the better one is taken do not.
   */
  readonly merge: (local: State, stored: State, shared: State | undefined) => State;
  /** Reads a stored state. Undefined: it is none, and will be overwritten. */
  readonly parse: (value: unknown) => State | undefined;
  /** For how long a state is kept after it was last written, in milliseconds. @defaultValue 2_592_000_000 (30 days) */
  readonly ttlMs?: number;
  /** The least time between two writes, in milliseconds: what a process that is killed loses, at the most. @defaultValue 10_000 */
  readonly saveIntervalMs?: number;
}

/** What a {@link LearntState} works with. @internal */
export interface LearntStatePorts {
  readonly store: StateStore;
  readonly clock: Clock;
  readonly events: EventSink;
  /** Told of each operation of the store: the fault that it ended with, or undefined. */
  readonly onAnswer: OnStoreAnswer;
}

const DEFAULTS = { ttlMs: 30 * 86_400_000, saveIntervalMs: 10_000 } as const;

/** For how long a start waits for what is stored, in milliseconds: the first call must not. What comes later is taken as well. */
const LOAD_PATIENCE_MS = 250;

/** For how long closing waits for the last write, in milliseconds. */
const CLOSE_PATIENCE_MS = 2000;

/** Writes that are tried one after the other while other processes are faster; then it is left for the next time. */
const MAX_TRIES = 5;

/** Writes without an answer that are remembered: there are several only where reads work and writes do not. */
const MAX_UNSURE = 4;

/** A state that is, or was, in the store. */
interface SharedState<State> {
  /** 0: there was none. */
  readonly version: number;
  readonly state: State | undefined;
}

/** A state that was handed over for writing. */
interface SentState<State> {
  readonly text: string;
  readonly state: State;
}

/**
 * Keeps what one learner has learnt in a store, together with what other processes have: read at the start, merged and written back while it changes.
 * A store that fails or hangs harms nobody: learning goes on in memory and is written when the store works again. Nothing here ever rejects.
 *
 * Learners that add up are exact but in one case: a write of which nobody knows whether it took place, and upon which another process has written before
 * this one looked, is counted twice.
 * @internal
 */
export class LearntState<State> {
  readonly #learner: Learner<State>;
  readonly #ports: LearntStatePorts;
  readonly #saveIntervalMs: number;
  /** Undefined: not looked yet. */
  #shared: SharedState<State> | undefined;
  /** Writes upon the shared version of which nobody knows whether they took place, or still will. */
  #unsure: SentState<State>[] = [];
  #isChanged = false;
  #nextSaveMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** One thing at a time. */
  #work: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(learner: Learner<State>, ports: LearntStatePorts) {
    this.#learner = learner;
    this.#ports = ports;
    this.#saveIntervalMs = learner.saveIntervalMs ?? DEFAULTS.saveIntervalMs;
  }

  /** Takes over what is stored. Resolves when that is done, has failed or takes too long for a start to wait. */
  load(): Promise<void> {
    return within(
      this.#inTurn(async () => void (await this.#pull())),
      LOAD_PATIENCE_MS,
    );
  }

  /** Something was learnt: it is written soon, or when the last write is old enough. Costs next to nothing. */
  changed(): void {
    this.#isChanged = true;
    this.#schedule();
  }

  /** Writes what was learnt since the last time now. Resolves when it is written or cannot be. */
  save(): Promise<void> {
    return this.#inTurn(() => this.#save());
  }

  /** Writes what was not written yet, for at most two seconds, and then writes no more. The store stays open. */
  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    clearTimeout(this.#timer);
    const saving = this.save();
    this.#closing = within(saving, CLOSE_PATIENCE_MS);
    return this.#closing;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#closing !== undefined) return;
    const waitMs = Math.max(0, this.#nextSaveMs - this.#ports.clock.monotonicMs());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.save();
    }, waitMs).unref();
  }

  /** A learner that throws is a fault of ours, and none of the call in which something was learnt. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#ports.events.emit({ kind: 'internal-fault', callId: '', error });
    });
    return this.#work;
  }

  async #save(): Promise<void> {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    this.#nextSaveMs = this.#ports.clock.monotonicMs() + this.#saveIntervalMs;
    if (await this.#push()) return;
    this.#isChanged = true;
    this.#schedule();
  }

  /** Brings what was learnt into the store. False: not now. */
  async #push(): Promise<boolean> {
    const { key, ttlMs = DEFAULTS.ttlMs, snapshot } = this.#learner;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const mustLook = tries > 0 || this.#shared === undefined || this.#unsure.length > 0;
      // oxlint-disable-next-line no-await-in-loop -- again only when another process was faster
      if (mustLook && !(await this.#pull())) return false;
      const state = snapshot();
      const text = JSON.stringify(state);
      const terms = { ttlMs, expectedVersion: this.#shared?.version ?? 0 };
      // oxlint-disable-next-line no-await-in-loop
      const outcome = await askStore('write', () => this.#ports.store.write(key, text, terms), this.#ports.onAnswer);
      if (outcome === undefined) {
        this.#unsure = [...this.#unsure, { text, state }].slice(-MAX_UNSURE);
        return false;
      }
      const { isWritten, version } = outcome.answer;
      if (isWritten) return this.#share({ version, state });
    }
    return false;
  }

  /** Merges what is in the store into what was learnt here. False: it cannot be read. */
  async #pull(): Promise<boolean> {
    const { key, snapshot, adopt, merge } = this.#learner;
    const asked = await askStore('read', () => this.#ports.store.read(key), this.#ports.onAnswer);
    if (asked === undefined) return false;
    const stored = asked.answer;
    const shared = this.#shared;
    const version = stored?.version ?? 0;
    // A write that is unsure may still come.
    if (version === shared?.version) return true;
    // It has expired or was flushed: whoever writes it again has what was shared.
    if (stored === undefined) return this.#share({ version, state: shared?.state });
    const own = this.#unsure.find(({ text }) => text === stored.value);
    if (own !== undefined) return this.#share({ version, state: own.state });
    const state = this.#parsed(stored.value);
    if (state !== undefined) adopt(merge(snapshot(), state, shared?.state));
    return this.#share({ version, state: state ?? shared?.state });
  }

  /** Writes upon an older version cannot take place any more. */
  #share(shared: SharedState<State>): true {
    this.#shared = shared;
    this.#unsure = [];
    return true;
  }

  #parsed(text: string): State | undefined {
    let state: State | undefined;
    try {
      state = this.#learner.parse(JSON.parse(text));
      if (state !== undefined) return state;
      throw new TypeError('what is stored is no state of this learner');
    } catch (error) {
      this.#ports.events.emit({ kind: 'store-failed', store: 'states', operation: 'parse', error });
      return undefined;
    }
  }
}
