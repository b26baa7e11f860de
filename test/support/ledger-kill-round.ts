import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { systemClock } from '../../src/engine/system-ports.ts';
import { collect } from '../../src/testing/collect.ts';
import type { OwnedLedger } from '../../src/testing/ledger-owner-stage.ts';
import { openLedger } from './open-ledger.ts';

/** The child of a test and what it has acknowledged so far. */
export interface LedgerChild {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly lines: string[];
  /** Resolves when the child has ended and everything it wrote was read. */
  readonly ended: Promise<void>;
}

const CHILD = new URL('ledger-kill-child.ts', import.meta.url).pathname;

/** Starts a process that writes the ledger; `limitBlocks` bounds its files (in the shell's blocks of 512 or 1,024 bytes) like a full disk. */
export function startLedgerChild(childArguments: readonly string[], limitBlocks?: number): LedgerChild {
  const command = [process.execPath, CHILD, ...childArguments];
  const limited = ['sh', '-c', `ulimit -f ${limitBlocks} && exec "$0" "$@"`, ...command];
  const [program = '', ...words] = limitBlocks === undefined ? command : limited;
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  return { process: child, lines, ended };
}

/** The ids that a child acknowledged with a letter. */
export function acknowledged(lines: readonly string[], letter: 'i' | 'c' | 'f' | 'o'): readonly string[] {
  return lines.filter((line) => line.startsWith(`${letter} `)).map((line) => line.split(' ')[1] ?? '');
}

/** A small generator with a seed (mulberry32), so that a failing run can be made again. */
export function seededFraction(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What one round found. */
export interface KillRound {
  readonly intents: number;
  readonly charges: number;
  readonly estimates: number;
  readonly restartMs: number;
}

/** Kills a writing process after `lifeMs` under load, opens its ledger again and checks that every acknowledgement was kept. */
export async function killRound(place: string, name: string, lifeMs: number): Promise<KillRound> {
  const fromMs = systemClock.nowMs();
  const child = startLedgerChild([place, 'load', name]);
  await expect.poll(() => child.lines[0], { timeout: 20_000, interval: 5 }).toBe('ready');
  await delay(lifeMs);
  child.process.kill('SIGKILL');
  await child.ended;

  const startedAtMs = performance.now();
  const ledger = await openLedger(place);
  const restartMs = performance.now() - startedAtMs;
  try {
    expect(await ledger.openIntents()).toEqual([]);
    const rows = await collect(ledger.charges({ fromMs }));
    const outcomes = new Map(rows.map((row) => [row.chargeId, row.outcome]));
    expect(outcomes.size).toBe(rows.length); // none doubled
    expect(rows.filter((row) => row.corrects !== undefined)).toEqual([]);
    const charges = acknowledged(child.lines, 'c');
    const intents = acknowledged(child.lines, 'i');
    expect(acknowledged(child.lines, 'f')).toEqual([]);
    expect(charges.filter((id) => outcomes.get(id) !== 'complete')).toEqual([]); // none lost
    expect(intents.filter((id) => !outcomes.has(id))).toEqual([]); // none forgotten
    const estimates = rows.filter((row) => row.outcome === 'owner-died');
    expect(estimates.filter((row) => row.certainty !== 'estimate' || row.amountNanoUsd !== 5_000)).toEqual([]);
    return { intents: intents.length, charges: charges.length, estimates: estimates.length, restartMs };
  } finally {
    await ledger.close();
  }
}

/** What each owner's rows in the ledger sum to. */
export async function sumsByOwner(ledger: OwnedLedger): Promise<ReadonlyMap<string | undefined, number>> {
  const sums = new Map<string | undefined, number>();
  for await (const { ownerId, amountNanoUsd } of ledger.spending({})) {
    sums.set(ownerId, (sums.get(ownerId) ?? 0) + amountNanoUsd);
  }
  return sums;
}

/**
 * Stops a process until its owner was ended, and lets it go on.
 * @returns the sums of the owners that were ended by then; undefined when the process stood still in the middle of a commit, so that nobody could end it.
 */
export async function stopPastLease(
  child: LedgerChild,
  ledger: OwnedLedger,
): Promise<ReadonlyMap<string | undefined, number> | undefined> {
  child.process.kill('SIGSTOP');
  try {
    for (let waitedMs = 0; waitedMs < 2_000; waitedMs += 20) {
      await delay(20); // oxlint-disable-line no-await-in-loop -- a poll
      const living = await ledger.livingOwners(); // oxlint-disable-line no-await-in-loop -- a poll
      if (living.every((ownerId) => ownerId === ledger.ownerId)) return await sumsByOwner(ledger); // oxlint-disable-line no-await-in-loop -- the end of it
    }
    return undefined;
  } finally {
    child.process.kill('SIGCONT');
  }
}

/** The middle of some restarts: one may be slow because the machine is busy with other tests. */
export function medianMs(restartsMs: readonly number[]): number {
  return restartsMs.toSorted((left, right) => left - right)[Math.floor(restartsMs.length / 2)] ?? Number.NaN;
}
