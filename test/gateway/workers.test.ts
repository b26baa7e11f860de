import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';
import { ask, chat, type Reply } from './gateway-fixture.ts';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const WORKERS = 4;
const ADMIN = { authorization: 'Bearer the-key-of-the-admin' };
const KEY = { authorization: 'Bearer fk-key-of-the-file' };
/** Eight for each worker: connections go round. */
const ROUND = Array.from({ length: WORKERS * 8 }, (_, index) => index);

let upstream: SimulatedProvider;
let folder: string;
let running: Running;
let prompts = 0;
const children: ChildProcess[] = [];

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  output(): string;
  readonly exit: Promise<number | null>;
}

beforeAll(async () => {
  upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 });
});
afterAll(() => upstream.close());

async function writeSettings(rest = ''): Promise<void> {
  const lines = [
    'version: 1',
    'listen: 127.0.0.1:0',
    'admin: { key: the-key-of-the-admin }',
    'keys: [{ name: file, project: shop, key: fk-key-of-the-file }]',
    'providers:',
    `  openai: { protocol: openai, baseUrl: "${upstream.origin}/v1", apiKey: test }`,
    'cache: { mode: all, ttl: 1h }',
    rest,
  ];
  await writeFile(join(folder, 'farthing.yaml'), lines.join('\n'));
}

function run(...words: readonly string[]): Omit<Running, 'url'> {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [MAIN, ...words], { cwd: folder, env: { PATH } });
  children.push(child);
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => void child.on('close', (code) => resolve(code)));
  return { child, output: () => printed, exit };
}

async function serve(): Promise<Running> {
  const started = run('serve', '--workers', String(WORKERS));
  await vi.waitFor(() => expect(started.output()).toMatch(/Point your programs here:[\s\S]*\n$/), { timeout: 40_000 });
  return { ...started, url: /listens on (\S+)/.exec(started.output())?.[1] ?? '' };
}

function callOf(content: string, headers: Record<string, string> = KEY): Promise<Reply> {
  const body = JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content }] });
  return chat(running.url, { headers, body });
}

function freshPrompt(): string {
  prompts += 1;
  return `Prompt number ${prompts}`;
}

async function metric(name: string): Promise<number> {
  const { body } = await ask(running.url, { path: '/metrics' });
  const values = [...body.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, 'gm'))];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Processes that a process has started. proc(5): the parent is the second field behind the name. */
function workersOf({ child }: Running): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
      return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) === child.pid;
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

describe('four workers', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'farthing-workers-'));
    await writeSettings();
    running = await serve();
  });
  afterAll(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  test('fifty clients with one prompt at once are one call to the provider', async () => {
    const before = upstream.counters().requests;
    upstream.failNext({ kind: 'slow', delayMs: 300 });
    const prompt = freshPrompt();
    const replies = await Promise.all(Array.from({ length: 50 }, () => callOf(prompt)));
    expect(replies.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(new Set(replies.map(({ body }) => JSON.stringify(JSON.parse(body).choices))).size).toBe(1);
    expect(upstream.counters().requests - before).toBe(1);
    const statuses = replies.map(({ headers }) => String(headers['cache-status']));
    const isAnswered = (status: string): boolean => status.includes('collapsed') || status.includes('hit');
    expect(statuses.filter((status) => !isAnswered(status))).toHaveLength(1);
    expect(statuses.filter((status) => status.includes('collapsed')).length).toBeGreaterThan(WORKERS);
    const paid = replies.filter(({ headers }) => Number(headers['x-farthing-cost-usd']) > 0);
    expect(paid).toHaveLength(1);
  });

  test('embeddings of one text asked for by many at once are one call to the provider', async () => {
    const before = upstream.counters().requests;
    upstream.failNext({ kind: 'slow', delayMs: 300 });
    const body = JSON.stringify({ model: 'text-embedding-3-small', input: freshPrompt() });
    const headers = { ...KEY, 'content-type': 'application/json' };
    const request = { method: 'POST', path: '/v1/embeddings', headers, body };
    const replies = await Promise.all(ROUND.map(() => ask(running.url, request)));
    expect(replies.map(({ status }) => status)).toEqual(ROUND.map(() => 200));
    expect(new Set(replies.map((reply) => JSON.stringify(reply.json()['data']))).size).toBe(1);
    expect(upstream.counters().requests - before).toBe(1);
  });

  test('when the leading call fails, one of another worker asks again', async () => {
    upstream.failNext({ kind: 'status', status: 400 });
    const before = upstream.counters().requests;
    const prompt = freshPrompt();
    const replies = await Promise.all(ROUND.map(() => callOf(prompt)));
    const failed = replies.filter(({ status }) => status === 400);
    expect(failed.length).toBeGreaterThan(0);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(ROUND.length - failed.length);
    expect(upstream.counters().requests - before).toBeLessThanOrEqual(WORKERS);
    expect((await callOf(prompt)).status).toBe(200);
  });

  test('a key that is revoked through one worker is refused by all within a second', async () => {
    const body = JSON.stringify({ name: 'late', project: 'shop' });
    const headers = { ...ADMIN, 'content-type': 'application/json' };
    const created = await ask(running.url, { method: 'POST', path: '/admin/v1/keys', headers, body });
    const { key, secret } = created.json() as { key: { keyId: string }; secret: string };
    const prompt = freshPrompt();
    const statuses = async (): Promise<readonly number[]> => {
      const caller = { authorization: `Bearer ${secret}` };
      const replies = await Promise.all(ROUND.map(() => callOf(prompt, caller)));
      return replies.map(({ status }) => status);
    };
    await expect.poll(statuses).toEqual(ROUND.map(() => 200));
    await ask(running.url, { method: 'DELETE', path: `/admin/v1/keys/${key.keyId}`, headers: ADMIN });
    await expect.poll(statuses, { timeout: 1000, interval: 50 }).toEqual(ROUND.map(() => 401));
  });

  test.each([
    ['by project', '?project=shop'],
    ['of everything', '?all=true'],
  ])(
    'a delete %s from the cache through one worker reaches the memory of all within a second',
    async (_what, query) => {
      const prompt = freshPrompt();
      await Promise.all(ROUND.map(() => callOf(prompt)));
      const cachedOnly = async (): Promise<readonly number[]> => {
        const headers = { ...KEY, 'cache-control': 'only-if-cached' };
        return (await Promise.all(ROUND.map(() => callOf(prompt, headers)))).map(({ status }) => status);
      };
      await expect.poll(cachedOnly).toEqual(ROUND.map(() => 200));
      const path = `/admin/v1/cache${query}`;
      expect((await ask(running.url, { method: 'DELETE', path, headers: ADMIN })).status).toBe(200);
      await expect.poll(cachedOnly, { timeout: 1000, interval: 50 }).toEqual(ROUND.map(() => 504));
    },
  );

  test('whichever worker is asked, metrics and stats are the sums of all', async () => {
    const before = await metric('farthing_calls_total');
    await Promise.all(ROUND.map(() => callOf(freshPrompt())));
    const sums = await Promise.all(ROUND.map(() => metric('farthing_calls_total')));
    expect(new Set(sums)).toEqual(new Set([before + ROUND.length]));
    expect(await metric('farthing_call_duration_seconds_count')).toBe(before + ROUND.length);
    expect(await metric('farthing_workers')).toBe(WORKERS);
    const stats = await Promise.all(
      ROUND.map(async () => (await ask(running.url, { path: '/admin/v1/stats', headers: ADMIN })).json()),
    );
    for (const { calls, workers } of stats) {
      expect(workers).toBe(WORKERS);
      const rows = calls as readonly { readonly calls: number }[];
      expect(rows.reduce((sum, row) => sum + row.calls, 0)).toBe(before + ROUND.length);
    }
  });

  test('calls under way on other workers are in the gauge of each', async () => {
    upstream.failNext({ kind: 'slow', delayMs: 1000 }, WORKERS);
    const calls = Array.from({ length: WORKERS }, () => callOf(freshPrompt()));
    await expect.poll(() => metric('farthing_calls_in_flight'), { interval: 20 }).toBe(WORKERS);
    await Promise.all(calls);
    await expect.poll(() => metric('farthing_calls_in_flight')).toBe(0);
  });

  test('settings read again through one worker, or by SIGHUP, hold for all; a fault of theirs is told', async () => {
    const post = { method: 'POST', path: '/admin/v1/reload', headers: ADMIN };
    const second = { authorization: 'Bearer fk-second-key' };
    const prompt = freshPrompt();
    const statuses = async (): Promise<ReadonlySet<number>> =>
      new Set((await Promise.all(ROUND.map(() => callOf(prompt, second)))).map(({ status }) => status));
    const settings = readFileSync(join(folder, 'farthing.yaml'), 'utf8');
    expect(await statuses()).toEqual(new Set([401]));
    const withSecond = settings.replace('keys: [', 'keys: [{ name: second, project: shop, key: fk-second-key }, ');
    await writeFile(join(folder, 'farthing.yaml'), withSecond);
    expect((await ask(running.url, post)).json()).toEqual({ reloaded: true });
    expect(await statuses()).toEqual(new Set([200]));
    await writeFile(join(folder, 'farthing.yaml'), `${withSecond}\ncash: off\n`);
    const refused = await ask(running.url, post);
    expect([refused.status, refused.body]).toEqual([400, expect.stringContaining('cash')]);
    running.child.kill('SIGHUP');
    await expect.poll(running.output).toMatch(/configuration not reloaded.*cash/s);
    await writeFile(join(folder, 'farthing.yaml'), settings);
    running.child.kill('SIGHUP');
    await expect.poll(running.output).toContain('configuration reloaded');
    expect(await statuses()).toEqual(new Set([401]));
  });

  test('a worker that is killed takes no call of another with it, and is started again; no counter falls', async () => {
    const before = await metric('farthing_calls_total');
    upstream.failNext({ kind: 'slow', delayMs: 1500 }, ROUND.length);
    const inFlightBefore = upstream.counters().inFlight;
    const calls = ROUND.map(() => callOf(freshPrompt()));
    const ended = Promise.allSettled(calls);
    await expect.poll(() => upstream.counters().inFlight - inFlightBefore, { interval: 10 }).toBe(ROUND.length);
    const [victim] = workersOf(running);
    process.kill(victim ?? 0, 'SIGKILL');
    const outcomes = await ended;
    const cut = outcomes.filter(({ status }) => status === 'rejected').length;
    expect(cut).toBeGreaterThan(0);
    expect(cut).toBeLessThan(ROUND.length / 2);
    const answered = outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value.status === 200);
    expect(answered).toHaveLength(ROUND.length - cut);
    await expect.poll(() => metric('farthing_workers'), { timeout: 20_000 }).toBe(WORKERS);
    expect(await metric('farthing_worker_restarts_total')).toBe(1);
    expect(await metric('farthing_calls_total')).toBe(before + answered.length);
    expect(workersOf(running)).toHaveLength(WORKERS);
    expect(running.output()).toMatch(new RegExp(`"pid":${victim},.*a worker ended`));
    const replies = await Promise.all(ROUND.map(() => callOf(freshPrompt())));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  });

  test('a connection that a frozen worker has not taken is cut when the worker dies', async () => {
    const restarts = await metric('farthing_worker_restarts_total');
    const [victim = 0] = workersOf(running);
    process.kill(victim, 'SIGSTOP');
    let answered = 0;
    const calls = ROUND.map(async () => {
      const { status } = await callOf(freshPrompt());
      if (status === 200) answered += 1;
    });
    const ended = Promise.allSettled(calls);
    // One at a time is handed over, so the others go round the frozen one.
    await expect.poll(() => answered, { timeout: 10_000 }).toBe(ROUND.length - 1);
    process.kill(victim, 'SIGKILL');
    expect((await ended).filter(({ status }) => status === 'rejected')).toHaveLength(1);
    await expect.poll(() => metric('farthing_worker_restarts_total'), { timeout: 20_000 }).toBe(restarts + 1);
    await expect.poll(() => metric('farthing_workers'), { timeout: 20_000 }).toBe(WORKERS);
  });

  test('when all are killed at once they come back to the same address', async () => {
    for (const pid of workersOf(running)) process.kill(pid, 'SIGKILL');
    const isBack = (): Promise<number> => metric('farthing_workers').catch(() => 0);
    await expect.poll(isBack, { timeout: 30_000, interval: 200 }).toBe(WORKERS);
    expect((await callOf(freshPrompt())).status).toBe(200);
  });

  test('SIGTERM lets the calls under way on all workers end, and exits with 0', async () => {
    upstream.failNext({ kind: 'slow', delayMs: 1000 }, ROUND.length);
    const inFlightBefore = upstream.counters().inFlight;
    const calls = ROUND.map(() => callOf(freshPrompt()));
    await expect.poll(() => upstream.counters().inFlight - inFlightBefore, { interval: 10 }).toBe(ROUND.length);
    running.child.kill('SIGTERM');
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(ROUND.map(() => 200));
    expect(await running.exit).toBe(0);
    await expect(ask(running.url, { path: '/healthz' })).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a start', { timeout: 60_000 }, () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'farthing-workers-'));
    await writeSettings();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  test.each([
    ['of no worker at all', ['--workers', '0'], '--workers 0'],
    ['of what only the gateway finds wrong', ['--host', '0.0.0.0', '--workers', '2'], 'beyond loopback'],
  ])('%s exits with 2 and says why', async (_what, words, said) => {
    const refused = run('serve', ...words);
    expect(await refused.exit).toBe(2);
    expect(refused.output()).toContain(said);
    expect(refused.output().trim().split('\n')).toHaveLength(1);
  });

  test('on a port that is taken is one clear line', async () => {
    const { port } = new URL(upstream.origin);
    const refused = run('serve', '--port', port, '--workers', '2');
    expect(await refused.exit).toBe(1);
    expect(refused.output()).toMatch(/EADDRINUSE.*\d+/);
    expect(refused.output().trim().split('\n')).toHaveLength(1);
  });

  test('that is followed by the death of the primary leaves no worker behind', async () => {
    running = await serve();
    const pids = workersOf(running);
    expect(pids).toHaveLength(WORKERS);
    running.child.kill('SIGKILL');
    const alive = (): readonly number[] => pids.filter((pid) => isAlive(pid));
    await expect.poll(alive, { timeout: 30_000 }).toEqual([]);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
