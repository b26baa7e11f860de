import {
  type GuardEvent,
  type GuardPlan,
  type GuardSample,
  type GuardState,
  newGuard,
} from '../../core/guard/guard-state.ts';
import { observe } from '../../core/guard/observe.ts';
import { addUsd, type NanoUsd, ZERO_USD } from '../../core/money.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { StateStore, StoredState } from '../../ports/state-store.ts';
import { askStore, type OnStoreAnswer } from '../asked-store.ts';
import { within } from '../in-time.ts';
import { readStoredGuard, type StoredGuard } from './stored-guard.ts';

/** What a {@link SharedGuard} works with. @internal */
export interface SharedGuardOptions {
  /** Where the state is kept; processes that share it count each other's samples. */
  readonly key: string;
  readonly plan: GuardPlan;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly events: EventSink;
  /** Told what each sample came to, once, by the process that brought it in. */
  readonly onEvent: (event: GuardEvent) => void;
  /** Told of each operation of the store: the fault that it ended with, or undefined. */
  readonly onAnswer: OnStoreAnswer;
}

/** A sample that the store has not taken yet. */
interface PendingSample {
  readonly id: string;
  readonly sample: GuardSample;
  /** What it came to here; told when the store cannot be asked. */
  readonly event: GuardEvent | undefined;
  isTold: boolean;
}

/** How old what is known of others may be, in milliseconds: a revocation reaches every process within a second (design). */
const REFRESH_MS = 1000;

/** For how long a state is kept that nobody adds to, in milliseconds. A certificate without samples is one of traffic that has gone. Ours. */
const TTL_MS = 30 * 86_400_000;

/** For how long closing waits for the last write, in milliseconds. */
const CLOSE_PATIENCE_MS = 2000;

/** Pause before a store that failed is tried again, in milliseconds. */
const RETRY_MS = 1000;

/** Writes that are tried one after the other while other processes are faster. */
const MAX_TRIES = 20;

/** Samples that wait for a store that is down; past it the oldest are given up. Ours. */
const MAX_PENDING = 200;

/** Of a sample that is money and nothing else: guards count what they know no candidate of so. */
const NO_CANDIDATE = '';

/** Samples that a stored state remembers by id, so that one whose write may have taken place is not counted twice. */
const REMEMBERED_SAMPLES = 64;

/**
 * The guard of one route, shared through a store by compare and set. What it says is what the store had a second ago at the latest, with all samples of
 * this process upon it. A store that fails or hangs harms no call: what was known last stands, own samples are counted on top, so that an alarm that this
 * process raises holds here at once, and they are written when the store answers again.
 * @internal
 */
export class SharedGuard {
  readonly #options: SharedGuardOptions;
  #known: StoredGuard;
  #view: GuardState;
  #pending: PendingSample[] = [];
  /** What the sample cost that was given up last; goes with the next one. */
  #unbooked: NanoUsd = ZERO_USD;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Pieces of work that are under way or wait for their turn. */
  #turns = 0;
  #isLoaded = false;
  /** Of a stored value that is no state: told once, and written over. */
  #unreadableVersion = 0;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: SharedGuardOptions) {
    this.#options = options;
    this.#known = { guard: newGuard(options.plan), recent: [] };
    this.#view = this.#known.guard;
  }

  /** Whether the store has answered once: before, the state is a guess. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** The state as far as it is known here. */
  state(): GuardState {
    this.#refreshWhenOld();
    return this.#view;
  }

  /** Takes over what is stored. Resolves when that is done, has failed, or takes longer than so many milliseconds. */
  load(patienceMs: number): Promise<void> {
    return within(
      this.#inTurn(() => this.#look()),
      patienceMs,
    );
  }

  /** Counts a sample. Returns at once; it is written soon. */
  observe(id: string, sample: GuardSample): void {
    const costNanoUsd = addUsd(sample.costNanoUsd, this.#unbooked);
    this.#unbooked = ZERO_USD;
    const booked = { ...sample, costNanoUsd };
    const { state, event } = observe(this.#view, booked);
    this.#view = state;
    this.#pending.push({ id, sample: booked, event, isTold: false });
    if (this.#pending.length > MAX_PENDING) this.#unbooked = this.#pending.shift()?.sample.costNanoUsd ?? ZERO_USD;
    if (this.#timer === undefined) void this.#inTurn(() => this.#push());
  }

  /** Counts money of which no sample came. */
  spent(id: string, costNanoUsd: NanoUsd): void {
    if (costNanoUsd === ZERO_USD) return;
    const atMs = this.#options.clock.nowMs();
    this.observe(id, { candidate: NO_CANDIDATE, loss: 0, wasRouted: false, costNanoUsd, atMs });
  }

  /** Writes what was not written yet, for at most two seconds, and then writes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await within(
      this.#inTurn(() => this.#push()),
      CLOSE_PATIENCE_MS,
    );
  }

  #refreshWhenOld(): void {
    if (this.#turns > 0 || this.#isClosed) return;
    if (this.#options.clock.monotonicMs() - this.#lookedAt < REFRESH_MS) return;
    void this.#inTurn(() => this.#look());
  }

  #inTurn(work: () => Promise<unknown>): Promise<void> {
    this.#turns += 1;
    this.#work = this.#work
      .then(async () => void (await work()))
      .catch((error: unknown) => this.#options.events.emit({ kind: 'internal-fault', callId: '', error }))
      .finally(() => (this.#turns -= 1));
    return this.#work;
  }

  /** Takes what is stored. Undefined: it cannot be read. */
  async #look(): Promise<{ readonly version: number } | undefined> {
    this.#lookedAt = this.#options.clock.monotonicMs();
    const { key, store, onAnswer } = this.#options;
    const asked = await askStore('read', () => store.read(key), onAnswer);
    if (asked === undefined) return undefined;
    const stored = asked.answer;
    // One that has expired or was flushed is written again by whoever still knows it.
    const read = stored === undefined ? this.#known : (this.#parsed(stored) ?? this.#known);
    this.#take(read);
    this.#isLoaded = true;
    return { version: stored?.version ?? 0 };
  }

  #take(known: StoredGuard): void {
    this.#known = known;
    this.#view = this.#folded(known).stored.guard;
  }

  /** What is stored with all samples that it lacks. */
  #folded(known: StoredGuard): { readonly stored: StoredGuard; readonly events: Map<PendingSample, GuardEvent> } {
    const events = new Map<PendingSample, GuardEvent>();
    const counted = new Set(known.recent);
    let { guard } = known;
    const added: string[] = [];
    for (const pending of this.#pending) {
      if (counted.has(pending.id)) continue;
      const { state, event } = observe(guard, pending.sample);
      guard = state;
      added.push(pending.id);
      if (event !== undefined) events.set(pending, event);
    }
    return { stored: { guard, recent: [...known.recent, ...added].slice(-REMEMBERED_SAMPLES) }, events };
  }

  /** Brings what was observed into the store, or tries again later. */
  async #push(): Promise<void> {
    if (this.#pending.length === 0 || (await this.#written())) return;
    for (const pending of this.#pending) this.#tell(pending, pending.event);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#inTurn(() => this.#push());
    }, RETRY_MS).unref();
  }

  async #written(): Promise<boolean> {
    const { key, store, onAnswer } = this.#options;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- again only when another process was faster
      const looked = await this.#look();
      if (looked === undefined) return false;
      const { stored, events } = this.#folded(this.#known);
      const sent = new Set(this.#pending);
      const terms = { ttlMs: TTL_MS, expectedVersion: looked.version };
      // oxlint-disable-next-line no-await-in-loop
      const outcome = await askStore('write', () => store.write(key, JSON.stringify(stored), terms), onAnswer);
      if (outcome === undefined) return false;
      if (!outcome.answer.isWritten) continue;
      this.#pending = this.#pending.filter((pending) => !sent.has(pending));
      this.#take(stored);
      for (const [pending, event] of events) this.#tell(pending, event);
      return true;
    }
    return false;
  }

  #tell(pending: PendingSample, event: GuardEvent | undefined): void {
    if (event === undefined || pending.isTold) return;
    pending.isTold = true;
    this.#options.onEvent(event);
  }

  #parsed({ value, version }: StoredState): StoredGuard | undefined {
    if (version === this.#unreadableVersion) return undefined;
    try {
      const stored = readStoredGuard(JSON.parse(value), this.#options.plan);
      if (stored !== undefined) return stored;
      throw new TypeError('what is stored is no state of a guard');
    } catch (error) {
      this.#unreadableVersion = version;
      this.#options.events.emit({ kind: 'store-failed', store: 'states', operation: 'parse', error });
      return undefined;
    }
  }
}
