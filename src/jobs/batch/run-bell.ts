import type { Job } from '../../core/model/deferred-call.ts';

/** Tells a run that jobs of it are done, so that it need not ask for them all the time. @internal */
export class RunBell {
  readonly #run: string;
  readonly #onDone: (job: Job) => void;
  readonly #waiting = new Set<() => void>();

  /** @param onDone - told of each job of the run that is done. */
  constructor(run: string, onDone: (job: Job) => void) {
    this.#run = run;
    this.#onDone = onDone;
  }

  /** A job is done, of whatever run. */
  ring(job: Job): void {
    if (job.call.run !== this.#run) return;
    this.#onDone(job);
    for (const wake of this.#waiting) wake();
  }

  /** Resolves at the next ring, after a time, or when a signal fires. */
  wait(mostMs: number, signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        for (const signal of signals) signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, mostMs);
      this.#waiting.add(wake);
      for (const signal of signals) {
        if (signal.aborted) return wake();
        signal.addEventListener('abort', wake);
      }
    });
  }
}
