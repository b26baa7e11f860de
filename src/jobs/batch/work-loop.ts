import type { Random } from '../../ports/clock.ts';

/** Pauses of a loop that finds nothing to do, in milliseconds: at first, and at the longest. Ours: a store is asked once a second at most, and a call's hour is noticed in time. */
const SHORTEST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2000;

/** Does one kind of work again and again, with pauses in which there is none. Keeps no process alive. @internal */
export class WorkLoop {
  readonly #work: () => Promise<boolean>;
  readonly #random: Random;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isOpen = true;
  #isStarted = false;
  #isWoken = false;
  #pauseMs = SHORTEST_PAUSE_MS;

  /** @param work - must not reject; says whether there may be more to do at once. */
  constructor(work: () => Promise<boolean>, random: Random) {
    this.#work = work;
    this.#random = random;
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.wake();
  }

  /** Looks at once. */
  wake(): void {
    if (!this.#isOpen || !this.#isStarted) return;
    this.#isWoken = true;
    if (this.#running !== undefined) return;
    clearTimeout(this.#timer);
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      this.#pause();
    });
  }

  /** Resolves when the work under way is over. */
  async close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    let mayBeMore = true;
    while (this.#isOpen && (mayBeMore || this.#isWoken)) {
      this.#isWoken = false;
      // oxlint-disable-next-line no-await-in-loop -- one piece of work after the other
      mayBeMore = await this.#work();
      if (mayBeMore) this.#pauseMs = SHORTEST_PAUSE_MS;
    }
  }

  #pause(): void {
    if (!this.#isOpen) return;
    // Many processes that look at one store do not do so at once.
    const pauseMs = this.#pauseMs * (0.5 + this.#random.fraction() / 2);
    this.#timer = setTimeout(() => this.wake(), pauseMs).unref();
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }
}
