import { FarthingError } from '../../../src/core/errors.ts';
import type { Clock, Random } from '../../../src/ports/clock.ts';
import { seededRandom } from '../../../src/simulator/seeded-random.ts';

/** What may go wrong between a process and a store, as shares of all operations. */
export interface WorldFaults {
  readonly refusedRatio: number;
  readonly lostAnswerRatio: number;
  /** Of operations that are given up before they take place, and take place later all the same. */
  readonly lateRatio: number;
}

interface Operation {
  readonly process: SimulatedProcess;
  readonly kind: 'apply' | 'late' | 'deliver';
  readonly run: () => void | Promise<void>;
}

/** One process: its clock, and whether it runs. */
export class SimulatedProcess implements Clock {
  readonly world: SimulatedWorld;
  readonly name: string;
  state: 'running' | 'stopped' | 'dead' = 'running';
  /** Whether what a stopped process was about to do waits with it; else it was on its way already. */
  keepsBack = false;
  /** By how much its clock is ahead of the world's. */
  skewMs: number;

  constructor(world: SimulatedWorld, name: string, skewMs: number) {
    this.world = world;
    this.name = name;
    this.skewMs = skewMs;
  }

  nowMs(): number {
    return this.world.nowMs + this.skewMs;
  }

  monotonicMs(): number {
    return this.world.nowMs;
  }

  /** Asks a store: the effect takes place at some later moment, and the answer comes at a still later one, or never. */
  ask<Result>(effect: () => Result | Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.world.chance(this.world.faults.lateRatio)) {
        this.world.post(this, 'deliver', () => reject(unavailable()));
        this.world.post(this, 'late', () => this.#neglect(effect));
        return;
      }
      this.world.post(this, 'apply', async () => {
        const { refusedRatio, lostAnswerRatio } = this.world.faults;
        if (this.world.chance(refusedRatio)) return this.world.post(this, 'deliver', () => reject(unavailable()));
        let answer: () => void;
        try {
          const result = await effect();
          answer = this.world.chance(lostAnswerRatio) ? () => reject(unavailable()) : () => resolve(result);
        } catch (error) {
          answer = () => reject(error);
        }
        return this.world.post(this, 'deliver', answer);
      });
    });
  }

  async #neglect(effect: () => unknown): Promise<void> {
    try {
      await effect();
    } catch {
      // Nobody waits for it any more.
    }
  }

  /** Waits for something that does not fail: a provider, a pause. */
  pause(): Promise<void> {
    return new Promise((resolve) => this.world.post(this, 'deliver', resolve));
  }
}

/** How often something late lets others pass. */
const LATE_LAST_RATIO = 0.8;

function unavailable(): FarthingError {
  return new FarthingError('store-unavailable', 'a simulated fault', { retryable: true });
}

/** Time, chance and everything under way: one seed is one run. */
export class SimulatedWorld {
  readonly random: Random;
  nowMs: number = Date.UTC(2026, 10, 25, 10, 40);
  faults: WorldFaults;
  /** Whether money may have moved since somebody last looked. */
  isChanged = true;
  readonly #operations: Operation[] = [];

  constructor(seed: number, faults: WorldFaults) {
    this.random = seededRandom(seed);
    this.faults = faults;
  }

  get isIdle(): boolean {
    return this.#operations.length === 0;
  }

  chance(ratio: number): boolean {
    return this.random.fraction() < ratio;
  }

  below(bound: number): number {
    return Math.floor(this.random.fraction() * bound);
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.below(items.length)];
  }

  post(process: SimulatedProcess, kind: Operation['kind'], run: () => void | Promise<void>): void {
    if (process.state !== 'dead') this.#operations.push({ process, kind, run });
  }

  /** What a dead process had sent may still arrive; nothing reaches it any more. */
  bury(process: SimulatedProcess): void {
    for (let index = this.#operations.length - 1; index >= 0; index -= 1) {
      const operation = this.#operations[index];
      if (operation?.process !== process) continue;
      if (operation.kind === 'deliver' || this.chance(0.5)) this.#operations.splice(index, 1);
    }
  }

  /** Carries out one of the things that are under way. False when none can be. */
  async step(): Promise<boolean> {
    const possible = this.#operations.filter(
      ({ process, kind }) => process.state === 'running' || (kind !== 'deliver' && !process.keepsBack),
    );
    const prompt = possible.filter(({ kind }) => kind !== 'late');
    // What is late comes when others have gone by, or nothing else is to be done.
    const operation = this.pick(prompt.length > 0 && this.chance(LATE_LAST_RATIO) ? prompt : possible);
    if (operation === undefined) return false;
    this.#operations.splice(this.#operations.indexOf(operation), 1);
    void operation.run(); // an effect may have to ask a store itself
    await new Promise<void>((resolve) => void setImmediate(resolve)); // everything that follows from it within the process
    return true;
  }
}
