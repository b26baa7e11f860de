import type { RunOptions } from './run-options.ts';

/** How a person ends a run. @internal */
export interface RunEnd {
  /** Nothing more is begun, and what runs ends. */
  readonly stop: AbortSignal;
  /** What runs is cut; of a run by batches: left as it is, to be taken up again. */
  readonly cut: AbortSignal;
  /** Ends it as the first signal does, without a word. */
  end(): void;
  /** Signals do again what they do by themselves. */
  release(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Ends a live run well at the first signal and at once at the second; a third one ends the process. A run by batches is left at the first: its batches go on, and
 * it is taken up again by the same command.
 * @param beforeWords - leaves the line of the progress.
 * @internal
 */
export function runSignals(via: RunOptions['via'], beforeWords: () => void): RunEnd {
  const [stop, cut] = [new AbortController(), new AbortController()];
  const obey = (): void => {
    beforeWords();
    if (via === 'live' && !stop.signal.aborted) {
      console.error('stopping: waiting for calls under way (once more cuts them)');
      stop.abort();
      return;
    }
    if (via === 'batch') console.error('leaving: batches that were sent go on');
    release();
    cut.abort();
  };
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, obey);
  };
  for (const signal of SIGNALS) process.on(signal, obey);
  const end = (): void => (via === 'live' ? stop : cut).abort();
  return { stop: stop.signal, cut: cut.signal, end, release };
}
