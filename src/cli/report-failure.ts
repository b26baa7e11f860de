import { CommanderError } from 'commander';
import { isFarthingError } from '../core/errors.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';

/** Says what went wrong and answers with the exit code. Only a fault of our own shows where it happened. @internal */
export function reportFailure(error: unknown): ExitCode {
  // Commander has printed its own messages already; its help and version also arrive here, with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
  if (isFarthingError(error)) {
    console.error(error.message);
    return error.code === 'configuration' ? EXIT_CODES.usage : EXIT_CODES.failure;
  }
  const isSystemError = error instanceof Error && 'syscall' in error;
  // Without the properties: that of a bad address holds the address, with its password.
  console.error(error instanceof Error ? (isSystemError ? error.message : error.stack) : error);
  return EXIT_CODES.failure;
}

/** The message of an error that a person at a running gateway may be shown. @internal */
export function messageOf(error: unknown): string {
  return isFarthingError(error) || (error instanceof Error && 'syscall' in error) ? error.message : 'an internal fault';
}
