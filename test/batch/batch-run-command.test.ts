import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openJobs } from '../../src/cli/batch/open-jobs.ts';
import { batchesText } from '../../src/cli/batch/overview-text.ts';
import type { BatchInput } from '../../src/cli/batch/input-items.ts';
import { runBatch } from '../../src/cli/batch/run-batch.ts';
import { checkedItems } from '../../src/cli/batch/run-items.ts';
import type { RunOptions } from '../../src/cli/batch/run-options.ts';
import { type BatchOverview, batchOverview, runLines } from '../../src/cli/batch/run-overview.ts';
import { readJournalLine } from '../../src/client/batch/journal-line.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const MODEL = 'openai/gpt-5.4-mini';
const ITEMS = 90;

let folder = '';
let provider: SimulatedProvider;
let said: string[] = [];

beforeAll(async () => {
  provider = await startSimulatedProvider({
    prices: SIMULATED_PRICES,
    latencyRatio: 0.02,
    journalSize: 10_000,
    batches: { medianMs: 2000, spreadSigma: 0, slowRatio: 0 },
  });
});
afterAll(() => provider.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farthing-batch-'));
  writeFileSync(
    join(folder, 'farthing.yaml'),
    `providers: { openai: { protocol: openai, baseUrl: "${provider.origin}/v1", apiKey: sk-x } }\n`,
  );
  said = [];
  for (const stream of ['log', 'error'] as const) {
    vi.spyOn(console, stream).mockImplementation((text: unknown) => void said.push(String(text)));
  }
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

function put(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function run(file: string, options: Partial<RunOptions> = {}): Promise<number> {
  const usual = { via: 'live', onUnanswered: 'batch', config: join(folder, 'farthing.yaml') } as const;
  return runBatch(file, { ...usual, data: join(folder, 'data'), ...options });
}

interface ResultLine {
  readonly custom_id?: string;
  readonly line?: number;
  readonly content?: string | null;
  readonly response?: { readonly status_code: number; readonly body: { readonly object?: string } } | null;
  readonly error: { readonly code: string } | null;
  readonly farthing: { readonly call_id: string; readonly cost_usd: string; readonly is_repeat: boolean };
}

function resultsIn(name: string): readonly ResultLine[] {
  const lines = readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as ResultLine);
}

function requestLines(count: number): string {
  const line = (index: number): string => {
    const messages = [{ role: 'user', content: `What is ${index} times two?` }];
    return JSON.stringify({
      custom_id: `item-${index}`,
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model: MODEL, max_completion_tokens: 16, messages },
    });
  };
  return Array.from({ length: count }, (_, index) => `${line(index)}\n`).join('');
}

/** Bodies that the provider was asked for, from a point in its journal on. */
function askedSince(start: number): readonly string[] {
  return provider
    .journal()
    .slice(start)
    .map(({ bodyText }) => bodyText);
}

test('prompts of CSV records are asked once each, and answered in order; what is there is not paid for again', async () => {
  const start = provider.journal().length;
  const rows = Array.from({ length: 12 }, (_, index) => `"say, ""${index % 10}""\nagain",German\n`).join('');
  const file = put('rows.csv', `text,lang\n${rows}`);
  const options = { model: MODEL, template: 'Translate {text} into {lang}', maxOutputTokens: 8 };
  expect(await run(file, options)).toBe(0);
  const results = resultsIn('rows.results.jsonl');
  expect(results.map(({ line }) => line)).toEqual(Array.from({ length: 12 }, (_, index) => 2 + 2 * index));
  expect(results.every(({ content, error }) => (content ?? '') !== '' && error === null)).toBe(true);
  expect(results.map(({ farthing }) => farthing.is_repeat)).toEqual([...Array<boolean>(10).fill(false), true, true]);
  expect([results[10]?.content, results[10]?.farthing.cost_usd]).toEqual([results[0]?.content, '0.00']);
  const asked = askedSince(start);
  expect(asked).toHaveLength(10);
  expect(asked.some((body) => body.includes(String.raw`Translate say, \"3\"\nagain into German`))).toBe(true);
  expect(said.join('\n')).toContain('12 answered, 2 repeats');
  await expect(run(file, options)).rejects.toThrow('is there already');
  expect(askedSince(start)).toHaveLength(10);
});

test('faults are named by line before anything is sent; --skip-invalid leaves them out', async () => {
  const start = provider.journal().length;
  const file = put('bad.jsonl', `${requestLines(2)}no json\n${requestLines(1)}`);
  await expect(run(file)).rejects.toThrow(
    /line 3: is not JSON \(column 1\)\nline 4 \("item-0"\): custom_id is there already, in line 1\n.*nothing was sent/,
  );
  expect(askedSince(start)).toEqual([]);
  expect(await run(file, { skipInvalid: true })).toBe(0);
  const results = resultsIn('bad.results.jsonl');
  expect(results.map(({ custom_id }) => custom_id)).toEqual(['item-0', 'item-1']);
  expect(results[0]).toMatchObject({
    response: { status_code: 200, body: { object: 'chat.completion' } },
    error: null,
  });
  expect(said.join('\n')).toContain('2 lines left out');
});

test('a dry run says what it would cost and sends nothing; too little money is refused before the start', async () => {
  const start = provider.journal().length;
  const file = put('dry.jsonl', requestLines(100));
  expect(await run(file, { dryRun: true, json: true })).toBe(0);
  const found = JSON.parse(said.join('\n')) as Record<string, Record<string, string>>;
  // Of 100 items each: 16 tokens out at $4.50 a million, and some 14 in at $0.75.
  expect(found).toMatchObject({ items: 100, repeats: 0, expectedOutputTokens: 256 });
  expect(Number(found['live']?.['expectedUsd'])).toBeGreaterThan(100 * 16 * 4.5e-6);
  expect(Number(found['live']?.['expectedUsd'])).toBeLessThan(100 * (16 * 4.5e-6 + 30 * 0.75e-6));
  expect(Number(found['live']?.['mostUsd'])).toBeGreaterThan(Number(found['live']?.['expectedUsd']));
  expect(Number(found['batch']?.['expectedUsd'])).toBeCloseTo(Number(found['live']?.['expectedUsd']) / 2, 5);
  await expect(run(file, { maxUsd: nanoUsd(7_000_000) })).rejects.toThrow(
    /more than --max-usd 0\.007: nothing was sent/,
  );
  const one = put('one.jsonl', requestLines(1));
  await expect(run(one, { maxUsd: nanoUsd(85_000) })).rejects.toThrow(
    /the cheapest item may cost \$0\.000\d+, more than --max-usd 0\.000085: nothing was sent/,
  );
  expect([askedSince(start), existsSync(join(folder, 'data'))]).toEqual([[], false]);
});

test('an item that fails is an error in its place and exit code 1; the same command asks it alone again', async () => {
  const file = put('some.jsonl', requestLines(5));
  provider.failNext({ kind: 'status', status: 400 });
  expect(await run(file, { concurrency: 1 })).toBe(1);
  expect(resultsIn('some.results.jsonl').map(({ error }) => error?.code)).toEqual([
    'provider-failed',
    ...Array<undefined>(4).fill(undefined),
  ]);
  const start = provider.journal().length;
  expect(await run(file, { concurrency: 1 })).toBe(0);
  expect(askedSince(start)).toHaveLength(1);
  expect(resultsIn('some.results.jsonl').every(({ response }) => response?.status_code === 200)).toBe(true);
  expect(existsSync(join(folder, 'some.results.jsonl.journal'))).toBe(false);
});

interface StartedRun {
  readonly child: ReturnType<typeof spawn>;
  readonly err: () => string;
}

/** Starts the command in its own process. */
function started(file: string, more: readonly string[]): StartedRun {
  const words = ['batch', 'run', file, '-c', join(folder, 'farthing.yaml'), '-d', join(folder, 'data')];
  const child = spawn(process.execPath, [MAIN, ...words, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let err = '';
  child.stdout.resume();
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return { child, err: () => err };
}

/** The same, when some answers are kept. */
async function startedRun(file: string): Promise<StartedRun> {
  const asking = started(file, ['--concurrency', '4']);
  await vi.waitFor(() => expect(keptIn(file).length).toBeGreaterThan(ITEMS / 6), { timeout: 15_000, interval: 10 });
  return asking;
}

/** Hashes of the items whose answers are durable. */
function keptIn(file: string): readonly string[] {
  const path = file.replace('.jsonl', '.results.jsonl.journal');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    const entry = readJournalLine(line);
    return entry?.kind === 'answer' ? [entry.hashHex] : [];
  });
}

test('a run that is killed goes on: what was kept is not asked again, and nothing is missing or out of order', async () => {
  const start = provider.journal().length;
  const file = put('killed.jsonl', requestLines(ITEMS));
  const { child } = await startedRun(file);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const [kept, askedBefore] = [keptIn(file).length, askedSince(start).length];
  expect(kept).toBeLessThan(ITEMS);
  expect(await run(file)).toBe(0);
  expect(said.join('\n')).toContain(`resuming: ${kept} of ${ITEMS} done`);
  expect(askedSince(start).length - askedBefore).toBe(ITEMS - kept);
  const results = resultsIn('killed.results.jsonl');
  expect(results.map(({ custom_id }) => custom_id)).toEqual(
    Array.from({ length: ITEMS }, (_, index) => `item-${index}`),
  );
  expect(results.every(({ response }) => response?.status_code === 200)).toBe(true);
});

test('Ctrl-C lets calls under way end, keeps what was answered, and says how to go on', async () => {
  const start = provider.journal().length;
  const file = put('stopped.jsonl', requestLines(ITEMS));
  const { child, err } = await startedRun(file);
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([1, null]);
  expect(err()).toMatch(/stopped with \d+ of 90 done: the same command again goes on from here/);
  const done = Number(/stopped with (\d+) of/.exec(err())?.[1]);
  expect([keptIn(file).length, resultsIn('stopped.results.jsonl.partial').length]).toEqual([done, done]);
  expect(await run(file)).toBe(0);
  // Not one was asked twice: none was cut.
  expect(askedSince(start)).toHaveLength(ITEMS);
});

test('a second run over the same results is refused while the first goes on, and harms nothing of it', async () => {
  const file = put('two.jsonl', requestLines(ITEMS));
  const { child } = await startedRun(file);
  for (const more of [{}, { fresh: true }, { via: 'batch' }] as const) {
    await expect(run(file, more)).rejects.toThrow(`is in use by process ${child.pid}`);
  }
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(resultsIn('two.results.jsonl').map(({ custom_id }) => custom_id)).toEqual(
    Array.from({ length: ITEMS }, (_, index) => `item-${index}`),
  );
});

test('when nobody reads the results any more the run ends well: what is under way is kept', async () => {
  const start = provider.journal().length;
  const file = put('left.jsonl', requestLines(ITEMS));
  const { child, err } = started(file, ['--concurrency', '4', '--out', '-', '--max-output-tokens', '1']);
  child.stdout?.destroy();
  expect(await once(child, 'exit')).toEqual([1, null]);
  expect(err()).toMatch(/results cannot be written to standard output \(whoever read it has left\)/);
  expect(keptIn(file)).toHaveLength(askedSince(start).length);
});

test('an input that changes between its check and its run is no whole run', async () => {
  const file = put('growing.jsonl', requestLines(3));
  const input: BatchInput = { path: file, format: 'requests', template: undefined, model: undefined };
  const read = async (count: number): Promise<number> => {
    let items = 0;
    for await (const item of checkedItems(input, [], count)) items += typeof item === 'object' ? 1 : 0;
    return items;
  };
  expect(await read(3)).toBe(3);
  await expect(read(2)).rejects.toThrow('growing.jsonl has grown since it was checked');
  await expect(read(4)).rejects.toThrow('growing.jsonl has shrunk since it was checked');
});

test('a run by batches may be left, looked at and taken up again: each item is answered once, at half the price', async () => {
  const billedBefore = provider.invoice().byTier.batch;
  const file = put('later.jsonl', requestLines(6));
  const { child, err } = started(file, ['--via', 'batch']);
  const look = async (): Promise<BatchOverview> => {
    const jobs = await openJobs({ data: join(folder, 'data') });
    const overview = await batchOverview(jobs, undefined, Date.now());
    await jobs.close();
    return overview;
  };
  await vi.waitFor(async () => expect((await look()).batches[0]?.stage, err()).toBe('submitted'), {
    timeout: 20_000,
    interval: 100,
  });
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([1, null]);
  expect(err()).toContain('the same command again goes on from here');
  const overview = await look();
  const [line] = runLines(overview);
  expect(line).toMatchObject({ targets: [MODEL], waiting: 0, underWay: 6, settled: 0, batches: 1 });
  expect(err()).toContain(`run ${line?.run} `);
  expect(batchesText(overview, Date.now())).toMatch(/submitted +6 +batch_/);
  await expect(run(file, { via: 'live' })).rejects.toThrow('--via batch');
  await expect(run(file, { via: 'batch', fresh: true })).rejects.toThrow('is not over yet');
  expect(await run(file, { via: 'batch' })).toBe(0);
  const results = resultsIn('later.results.jsonl');
  expect(results.map(({ custom_id }) => custom_id)).toEqual(Array.from({ length: 6 }, (_, index) => `item-${index}`));
  const billed = provider.invoice().byTier.batch;
  expect(billed.requests - billedBefore.requests).toBe(6);
  const cost = results.reduce((sum, { farthing }) => sum + Math.round(Number(farthing.cost_usd) * 1e9), 0);
  expect(cost).toBe(Number(billed.totalNanoUsd - billedBefore.totalNanoUsd));
  expect([runLines(await look())[0]?.settled, existsSync(`${join(folder, 'later.results.jsonl')}.journal`)]).toEqual([
    6,
    false,
  ]);
});
