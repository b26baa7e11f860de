import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { readJournalLine } from '../../src/client/batch/journal-line.ts';
import { preparedItem } from '../../src/client/batch/prepared-item.ts';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { bulkPrompts } from './bulk-prompts.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

const CHILD = new URL('bulk-run-child.ts', import.meta.url).pathname;
/** The child's concurrency: so much is in flight at the most. */
const IN_FLIGHT = 8;

interface AskedPrompt {
  readonly prompt: string;
  readonly body: string;
  readonly hashHex: string;
}

/** What the child asks, each once. */
function askedPrompts(count: number): readonly AskedPrompt[] {
  const settings = {
    model: 'gpt-5.4-mini',
    system: undefined,
    maxOutputTokens: 20,
    temperature: undefined,
    protocolOf: () => 'openai' as const,
  };
  return Array.from(new Set(bulkPrompts(count)), (prompt) => {
    const item = preparedItem(prompt, 0, settings);
    if (item.kind === 'fault') throw item.error;
    return { prompt, body: Buffer.from(item.body).toString(), hashHex: item.hashHex };
  });
}

/** Hashes of the items whose answers a journal has. */
async function journalledHashes(path: string): Promise<ReadonlySet<string>> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  const entries = lines.map((line) => readJournalLine(line));
  return new Set(entries.flatMap((entry) => (entry?.kind === 'answer' ? [entry.hashHex] : [])));
}

/**
 * Runs a child until the provider has had so many requests, kills it, and again for each further number; then lets it end. Expects that no item whose answer
 * was in the journal at a kill was asked again, and that a run with nothing left to ask gives the same output.
 */
export async function bulkKillRound(count: number, killAtRequests: readonly number[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-bulk-'));
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0.01 });
  const journal = join(folder, 'run.journal');
  const output = join(folder, 'results');
  const start = (): ReturnType<typeof spawn> =>
    spawn(process.execPath, [CHILD, upstream.origin, journal, output, String(count)], { stdio: 'inherit' });
  try {
    const prompts = askedPrompts(count);
    const settled = new Map<AskedPrompt, number>();
    for (const requests of killAtRequests) {
      const child = start();
      // oxlint-disable-next-line no-await-in-loop -- one life after the other
      while (upstream.counters().requests < requests && child.exitCode === null) await sleep(2);
      expect(child.exitCode, 'the run ended before it could be killed').toBeNull();
      child.kill('SIGKILL');
      // oxlint-disable-next-line no-await-in-loop
      await once(child, 'exit');
      // oxlint-disable-next-line no-await-in-loop
      const hashes = await journalledHashes(journal);
      expect(hashes.size).toBeGreaterThanOrEqual(settled.size);
      const isNew = (one: AskedPrompt): boolean => hashes.has(one.hashHex) && !settled.has(one);
      for (const one of prompts.filter(isNew)) settled.set(one, upstream.timesBilled(one.body));
    }
    const [code] = (await once(start(), 'exit')) as [number];
    expect(code).toBe(0);
    for (const [one, times] of settled) expect(upstream.timesBilled(one.body)).toBe(times);
    expect(Math.min(...prompts.map((one) => upstream.timesBilled(one.body)))).toBe(1);
    expect(upstream.counters().requests).toBeLessThanOrEqual(prompts.length + IN_FLIGHT * killAtRequests.length);
    await expectSameAgain(output, start, () => upstream.counters().requests);
  } finally {
    await upstream.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function expectSameAgain(
  output: string,
  start: () => ReturnType<typeof spawn>,
  requests: () => number,
): Promise<void> {
  const before = { output: await readFile(output, 'utf8'), requests: requests() };
  await once(start(), 'exit');
  expect(await readFile(output, 'utf8')).toBe(before.output);
  expect(requests()).toBe(before.requests);
}
