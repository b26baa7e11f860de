import { EXIT_CODES } from './exit-codes.ts';
import { messageOf } from './report-failure.ts';

/** What signals do to a gateway. @internal */
export interface SignalActions {
  /** Stops well; resolves with the exit code. */
  readonly close: () => Promise<number>;
  readonly reload: () => Promise<void>;
  /** Ends what a second signal finds still running, before this process ends. @defaultValue nothing */
  readonly kill?: () => void;
}

/** SIGTERM and SIGINT stop a gateway well, once more at once; SIGHUP has it read its configuration again. @internal */
export function obeySignals({ close, reload, kill }: SignalActions): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      kill?.();
      process.exit(EXIT_CODES.failure);
    }
    isStopping = true;
    console.log(`${signal}: waiting for calls under way (once more stops at once)`);
    close().then(
      (exitCode) => process.exit(exitCode),
      (error: unknown) => {
        console.error('could not stop cleanly:', messageOf(error));
        process.exit(EXIT_CODES.failure);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => {
    reload().then(
      () => console.log('configuration reloaded'),
      (error: unknown) => console.error(`configuration not reloaded, the old one stays: ${messageOf(error)}`),
    );
  });
}
