import { accessSync, constants } from 'node:fs';
import { type Environment, environment } from '../config/env.ts';

/** Set in a process that has replaced another one; by hand it keeps a run as it was started. */
const MARK = 'FARTHING_LEAN';

/**
 * V8 lets garbage pile up for as long as there is memory: a young generation of 8 MB and a heap that grows in small steps hold less of it. None is a bound: a large
 * item still gets what it needs. Code is compiled on the main thread: side by side, compilations take up to 40 MB that malloc then keeps. Measured and left out: `--optimize-for-size`, which
 * saves another 20 MB and costs 1.6 times the CPU; 4 MB for the young generation, which costs 1.2 times; `--no-maglev`, which saves nothing.
 */
const V8_FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=20', '--no-concurrent-recompilation'] as const;

/**
 * One malloc arena for all threads, as the container image has it: what is free in one of many is not used in another. Fixed thresholds, in bytes: glibc raises
 * its own with the largest block that was ever freed, and then keeps what it could give back.
 */
const MALLOC_SETTINGS = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
} as const;

/** The parts of a process that are needed. @internal */
export interface ReplaceableProcess {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly argv: readonly string[];
  execve?: ((file: string, words: readonly string[], variables: Record<string, string>) => unknown) | undefined;
}

/**
 * Replaces the process, once, by one that keeps little memory, where the command is a run over a list: these settings can only be made before a process starts.
 * It keeps its number, its terminal and what the user has set. Where the system cannot do that, nothing happens and the run takes more memory.
 * @internal
 */
export function replaceByLean(self: ReplaceableProcess = process, given: Environment = environment()): void {
  const { execPath, execArgv, argv, execve } = self;
  const [, script, ...words] = argv;
  if (execve === undefined || script === undefined || given[MARK] !== undefined) return;
  if (words[0] !== 'batch' || words[1] !== 'run') return;
  const set = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const variables = { ...MALLOC_SETTINGS, ...Object.fromEntries(set), [MARK]: '1' };
  try {
    // Node ends a process whose replacement cannot be started.
    accessSync(execPath, constants.X_OK);
    // The flags of the user come last: of two that say the same the last one holds.
    execve(execPath, [execPath, ...V8_FLAGS, ...execArgv, script, ...words], variables);
  } catch {
    // Not on this system, or not allowed to this process: it goes on as it is.
  }
}
