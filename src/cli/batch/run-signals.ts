/** How a person ends a run. @internal */
export interface RunEnd {
  /** Fires at the first Ctrl-C: nothing more is begun. */
  readonly stop: AbortSignal;
  /** Fires at the second one: what runs is cut. */
  readonly cut: AbortSignal;
  /** Signals do again what they do by themselves. */
  release(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Ends a run well at the first signal and at once at the second; a third one ends the process.
 * @param beforeWords - leaves the line of the progress.
 * @internal
 */
export function runSignals(beforeWords: () => void): RunEnd {
  const [stop, cut] = [new AbortController(), new AbortController()];
  const obey = (): void => {
    beforeWords();
    if (!stop.signal.aborted) {
      console.error('stopping: waiting for calls under way (once more cuts them)');
      stop.abort();
      return;
    }
    release();
    cut.abort();
  };
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, obey);
  };
  for (const signal of SIGNALS) process.on(signal, obey);
  return { stop: stop.signal, cut: cut.signal, release };
}
