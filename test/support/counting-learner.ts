import type { EngineEvent } from '../../src/ports/event-sink.ts';
import type { StateStore, StateTerms, StateWrite, StoredState } from '../../src/ports/state-store.ts';
import type { Learner, LearntState } from '../../src/engine/learnt-state.ts';
import { LearntStates } from '../../src/engine/learnt-states.ts';
import { MemoryStateStore } from '../../src/stores/memory/memory-state-store.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

export const COUNTS_KEY = 'counts/v1/all';

/** How often each thing was seen. */
export type Counts = Readonly<Record<string, number>>;

export function parsedCounts(value: unknown): Counts | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.values(value).every((count) => typeof count === 'number') ? (value as Counts) : undefined;
}

/** Adds up what was learnt by all. */
function addedCounts(local: Counts, stored: Counts, shared: Counts = {}): Counts {
  const names = new Set([...Object.keys(local), ...Object.keys(stored)]);
  return Object.fromEntries(
    Array.from(names, (name) => [name, (stored[name] ?? 0) + (local[name] ?? 0) - (shared[name] ?? 0)]),
  );
}

/** Clock and log of all processes of a test. */
export class CountingStage {
  readonly clock: FakeClock = new FakeClock();
  readonly events: EngineEvent[] = [];

  /** What was told, in short. */
  get faults(): readonly string[] {
    return this.events.map((event) =>
      event.kind === 'store-failed' ? `${event.store}:${event.operation}` : event.kind,
    );
  }

  newStore(): TroubledStore {
    return new TroubledStore({ clock: this.clock });
  }

  newCounter(store: StateStore, changes: Partial<Learner<Counts>> = {}): Counter {
    return new Counter(this, store, changes);
  }
}

/** A process that counts. */
export class Counter {
  counts: Counts = {};
  readonly states: LearntStates;
  readonly kept: LearntState<Counts>;

  constructor({ clock, events }: CountingStage, store: StateStore, changes: Partial<Learner<Counts>>) {
    this.states = new LearntStates({ store, clock, events: { emit: (event) => void events.push(event) } });
    this.kept = this.states.keep<Counts>({
      key: COUNTS_KEY,
      snapshot: () => this.counts,
      adopt: (counts) => {
        this.counts = counts;
      },
      merge: addedCounts,
      parse: parsedCounts,
      ...changes,
    });
  }

  see(name: string, count = 1): void {
    this.counts = { ...this.counts, [name]: (this.counts[name] ?? 0) + count };
    this.kept.changed();
  }
}

/** A store that fails, hangs or loses its answer when it is told to. */
export class TroubledStore extends MemoryStateStore {
  trouble: 'none' | 'fails' | 'write-fails' | 'hangs' | 'answer-lost' = 'none';
  reads = 0;
  writes = 0;

  override async read(key: string): Promise<StoredState | undefined> {
    this.reads += 1;
    await this.#suffer(['fails', 'hangs']);
    return super.read(key);
  }

  override async write(key: string, value: string, terms: StateTerms): Promise<StateWrite> {
    this.writes += 1;
    await this.#suffer(['fails', 'write-fails', 'hangs']);
    const outcome = await super.write(key, value, terms);
    if (this.trouble === 'answer-lost') throw new Error('the answer was lost');
    return outcome;
  }

  async #suffer(kinds: readonly string[]): Promise<void> {
    if (!kinds.includes(this.trouble)) return;
    if (this.trouble === 'hangs') await new Promise(() => undefined);
    throw new Error('the store fails');
  }
}

export async function storedText(store: StateStore): Promise<string | undefined> {
  return (await store.read(COUNTS_KEY))?.value;
}
