// `farthing batch run` as a user starts it, in a process of its own whose memory is looked at from outside.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicroseconds } from './bench-process.ts';

const LOOK_EVERY_MS = 250;

/** What a run is started with. */
export interface RunOrder {
  /** The built package. */
  readonly built: string;
  readonly config: string;
  readonly input: string;
  readonly results: string;
  readonly model: string;
  readonly concurrency: number;
}

/** Resident memory at one moment, in bytes. */
export interface MemoryLook {
  readonly atMs: number;
  readonly rssBytes: number;
  /** Of this, what no file stands behind: heaps and stacks. */
  readonly anonymousBytes: number;
  /** The highest that it has been (VmHWM). */
  readonly maxRssBytes: number;
}

/** What a run took. */
export interface RunFigures {
  readonly exitCode: number | null;
  readonly seconds: number;
  /** All threads, in user and system mode. */
  readonly cpuSeconds: number;
  readonly maxRssBytes: number;
}

/** Starts a run. It replaces its own process once, and keeps its number. */
export function startRun({ built, config, input, results, model, concurrency }: RunOrder): ChildProcess {
  const words = ['batch', 'run', input, '--out', results, '--model', model, '--config', config];
  const { PATH, HOME, TMPDIR } = process.env;
  return spawn(
    process.execPath,
    [join(built, 'cli', 'main.js'), ...words, '--concurrency', String(concurrency), '--yes'],
    {
      // Nothing of this process's own settings of Node and malloc.
      env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), OPENAI_API_KEY: 'sk-bench' },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
}

/** Looks at a run again and again until it ends. */
export async function watchRun(child: ChildProcess, onLook: (look: MemoryLook) => void): Promise<RunFigures> {
  const startedAtMs = performance.now();
  const ended = once(child, 'exit');
  let [maxRssBytes, cpuMicros] = [0, 0];
  while (child.exitCode === null && child.signalCode === null) {
    const look = memoryLook(child.pid ?? 0, performance.now() - startedAtMs);
    if (look !== undefined) {
      ({ maxRssBytes } = look);
      cpuMicros = cpuMicroseconds(child.pid ?? 0);
      onLook(look);
    }
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    await Promise.race([ended, sleep(LOOK_EVERY_MS)]);
  }
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { exitCode: child.exitCode, seconds, cpuSeconds: cpuMicros / 1e6, maxRssBytes };
}

/** Undefined where the process is no more. */
function memoryLook(pid: number, atMs: number): MemoryLook | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return undefined;
  }
  const bytesOf = (name: string): number | undefined => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  };
  const [rssBytes, anonymousBytes, maxRssBytes] = [bytesOf('VmRSS'), bytesOf('RssAnon'), bytesOf('VmHWM')];
  // A process that has ended and was not waited for has no memory.
  if (rssBytes === undefined || anonymousBytes === undefined || maxRssBytes === undefined) return undefined;
  return { atMs, rssBytes, anonymousBytes, maxRssBytes };
}
