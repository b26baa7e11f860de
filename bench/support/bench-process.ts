import { type ChildProcess, fork, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ReadyMessage } from './bench-child.ts';
import type { LoadOrder, LoadResult } from './load-generator.ts';

/** Length of a clock tick in the kernel's accounts, in microseconds: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MICROSECONDS = 10_000;

/** A process of a bench run. */
export interface BenchProcess {
  readonly pid: number;
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

/** Starts one of our own scripts and waits until it listens. */
export async function startScript(
  file: string,
  env: Readonly<Record<string, string>> = {},
  execArgv: readonly string[] = [],
): Promise<BenchProcess> {
  const path = new URL(file, new URL('../', import.meta.url)).pathname;
  const child = fork(path, [], { env: { ...process.env, ...env }, execArgv: [...execArgv], stdio: 'inherit' });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message: ReadyMessage) => resolve(message.port));
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code} before it listened`)));
  });
  return processOf(child, `http://127.0.0.1:${port}`);
}

/** Starts a program that says nothing; the caller waits until it answers. */
export function startProgram(
  command: string,
  args: readonly string[],
  origin: string,
  env: Readonly<Record<string, string>> = {},
): BenchProcess {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
  return processOf(child, origin);
}

function processOf(child: ChildProcess, origin: string): BenchProcess {
  return {
    pid: child.pid ?? 0,
    origin,
    child,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) {
          resolve();
          return;
        }
        child.once('exit', () => resolve());
        if (child.connected) child.disconnect();
        else child.kill();
      }),
  };
}

/** Gives the load generator its work and waits for the end. */
export function runLoad(generator: BenchProcess, order: LoadOrder): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const { child } = generator;
    const ended = (): void => reject(new Error('the load generator ended'));
    child.once('exit', ended);
    child.once('message', (result: LoadResult) => {
      child.off('exit', ended);
      resolve(result);
    });
    child.send(order);
  });
}

/** CPU time of a process so far, all threads, user and system, in microseconds. proc(5): fields 14 and 15 of `stat`. */
export function cpuMicroseconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROSECONDS;
}

/** The CPU time of a process and of all that it has started and that still run, in microseconds. */
export function treeMicroseconds(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean);
  return children.reduce((sum, child) => sum + treeMicroseconds(Number(child)), cpuMicroseconds(pid));
}

/** Resident memory of a process in megabytes (10^6 bytes). */
export function residentMegabytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return (Number(kibibytes) * 1024) / 1e6;
}
