import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ask, chat } from './gateway-fixture.ts';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const PROVIDER_KEY = 'sk-canary-of-the-provider';
const PROMPT = 'canary of the prompt';
const CANARIES = [PROVIDER_KEY, PROMPT];
const BODY = JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: PROMPT }] });

const REPLY = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-5.4-mini-2026-03-17',
  choices: [{ index: 0, message: { role: 'assistant', content: 'canary of the reply' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
});

let upstream: Server;
let answerUpstream: (request: IncomingMessage, response: ServerResponse) => void;
let upstreamUrl: string;
let folder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  upstream = createServer((request, response) => answerUpstream(request, response));
  await new Promise<void>((resolve) => {
    upstream.listen(0, '127.0.0.1', () => resolve());
  });
  const address = upstream.address();
  upstreamUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v1`;
});
afterAll(() => {
  upstream.closeAllConnections();
  upstream.close();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farthing-serve-'));
  answerUpstream = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(REPLY);
  };
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

interface Served {
  readonly child: ChildProcess;
  readonly url: string;
  /** Everything printed so far, on both streams. */
  output(): string;
  /** Exit code, once it is over. */
  readonly exit: Promise<number | null>;
}

function run(args: readonly string[], env: Record<string, string> = {}): Omit<Served, 'url'> {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: { PATH, ...env } });
  children.push(child);
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => {
    child.on('close', (code) => resolve(code));
  });
  return { child, output: () => printed, exit };
}

async function serve(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Served> {
  const running = run(['serve', '--port', '0', ...args], {
    OPENAI_API_KEY: PROVIDER_KEY,
    OPENAI_BASE_URL: upstreamUrl,
    ...env,
  });
  await expect.poll(running.output, { timeout: 15_000 }).toMatch(/Point your programs here:[\s\S]*\n$/);
  const url = /listens on (\S+)/.exec(running.output())?.[1] ?? '';
  return { ...running, url };
}

async function localKey(): Promise<{ authorization: string }> {
  const secret = await readFile(join(folder, 'farthing-data', 'local-key'), 'utf8');
  return { authorization: `Bearer ${secret}` };
}

test('without a file it serves with the key of the environment, behind a local key that only the owner can read', async () => {
  const served = await serve();
  expect(served.output()).toContain('openai');
  expect(served.output()).toContain('anthropic is inactive');
  const headers = await localKey();
  const { mode } = await stat(join(folder, 'farthing-data', 'local-key'));
  expect((mode & 0o777).toString(8)).toBe('600');
  expect((await chat(served.url, { headers: { authorization: 'Bearer x' }, body: BODY })).status).toBe(401);
  const reply = await chat(served.url, { headers, body: BODY });
  expect(reply.body).toBe(REPLY);
  expect(Number(reply.headers['x-farthing-cost-usd'])).toBeGreaterThan(0);
  const record = await ask(served.url, {
    path: `/v1/farthing/calls/${String(reply.headers['x-farthing-request-id'])}`,
    headers,
  });
  expect(record.json()).toMatchObject({ project: 'default', outcome: 'complete', target: 'openai/gpt-5.4-mini' });
});

test('the local key is the same after a restart', async () => {
  const first = await serve();
  const headers = await localKey();
  first.child.kill('SIGTERM');
  expect(await first.exit).toBe(0);
  await serve();
  expect(await localKey()).toEqual(headers);
});

test('no key, prompt or reply shows in what it prints, at the most talkative level, nor in metrics and errors', async () => {
  await writeFile(join(folder, 'farthing.yaml'), yaml('log: { level: trace }\n'));
  const served = await serve();
  const headers = { authorization: 'Bearer fk-canary-of-the-caller' };
  answerUpstream = (_request, response) => {
    response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"canary of the reply"}}');
  };
  await chat(served.url, { headers, body: BODY });
  answerUpstream = (_request, response) => void response.destroy();
  await chat(served.url, { headers, body: BODY });
  answerUpstream = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(REPLY);
  await chat(served.url, { headers, body: BODY });
  const refused = await chat(served.url, { headers: { authorization: 'Bearer fk-canary-of-a-stranger' }, body: BODY });
  const broken = await chat(served.url, { headers, body: BODY.slice(0, -5) });
  const metrics = await ask(served.url, { path: '/metrics' });
  expect(metrics.body).toContain('farthing_calls_total');
  served.child.kill('SIGTERM');
  await served.exit;
  const said = [served.output(), refused.body, broken.body, metrics.body].join('\n');
  expect(served.output()).toContain('"call"');
  for (const canary of [...CANARIES, 'canary of the reply', 'fk-canary']) expect(said).not.toContain(canary);
});

test('keys that the command line makes and revokes count in a running gateway within a second', async () => {
  const served = await serve();
  const created = run(['keys', 'create', '--name', 'late', '--project', 'shop']);
  expect(await created.exit).toBe(0);
  const headers = { authorization: `Bearer ${/fk-[\w-]{43}/.exec(created.output())?.[0]}` };
  expect((await chat(served.url, { headers, body: BODY })).status).toBe(200);
  const revoked = run(['keys', 'revoke', /key_[0-9a-f]{16}/.exec(created.output())?.[0] ?? '']);
  expect(await revoked.exit).toBe(0);
  const status = async (): Promise<number> => (await chat(served.url, { headers, body: BODY })).status;
  await expect.poll(status, { timeout: 1000, interval: 50 }).toBe(401);
});

function yaml(rest = ''): string {
  const key = 'keys: [{ name: demo, project: demo, key: fk-canary-of-the-caller }]\n';
  return `version: 1\nproviders:\n  openai: { protocol: openai, baseUrl: "${upstreamUrl}", apiKey: ${PROVIDER_KEY} }\n${key}${rest}`;
}

test('SIGTERM lets the call under way end, takes no more, and exits with 0', async () => {
  let finish: (() => void) | undefined;
  answerUpstream = (_request, response) => {
    finish = () => response.writeHead(200, { 'content-type': 'application/json' }).end(REPLY);
  };
  const served = await serve();
  const call = chat(served.url, { headers: await localKey(), body: BODY });
  await expect.poll(() => finish).toBeDefined();
  // A request whose head is not whole keeps its connection through the stop.
  const late = lateRequest(Number(new URL(served.url).port));
  await late.isOpen;
  served.child.kill('SIGTERM');
  await expect.poll(served.output).toContain('SIGTERM');
  expect(await late.finish()).toMatch(/^HTTP\/1.1 503 [\s\S]*stopping/);
  await expect(ask(served.url, { path: '/healthz' })).rejects.toThrow('ECONNREFUSED');
  finish?.();
  expect((await call).body).toBe(REPLY);
  expect(await served.exit).toBe(0);
});

function lateRequest(port: number): { isOpen: Promise<void>; finish: () => Promise<string> } {
  let received = '';
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  socket.on('data', (chunk) => (received += chunk.toString()));
  const isOpen = new Promise<void>((resolve) => {
    socket.on('connect', () =>
      socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n', () => setTimeout(resolve, 100)),
    );
  });
  const finish = async (): Promise<string> => {
    socket.write('Connection: close\r\n\r\n');
    await closed;
    return received;
  };
  return { isOpen, finish };
}

test('a second signal stops at once', async () => {
  let hasCall = false;
  answerUpstream = () => {
    hasCall = true;
  };
  const served = await serve();
  const call = chat(served.url, { headers: await localKey(), body: BODY });
  await expect.poll(() => hasCall).toBe(true);
  served.child.kill('SIGINT');
  await expect.poll(served.output).toContain('SIGINT');
  served.child.kill('SIGINT');
  await expect(call).rejects.toThrow('socket hang up');
  expect(await served.exit).toBe(1);
});

test('a call that outlives the drain is cut, and its money is in the ledger', async () => {
  let hasCall = false;
  answerUpstream = () => {
    hasCall = true;
  };
  await writeFile(join(folder, 'farthing.yaml'), yaml('limits: { drainTimeout: 300ms }\n'));
  const served = await serve();
  const call = chat(served.url, { headers: { authorization: 'Bearer fk-canary-of-the-caller' }, body: BODY });
  await expect.poll(() => hasCall).toBe(true);
  served.child.kill('SIGTERM');
  await expect(call).rejects.toThrow('socket hang up');
  expect(await served.exit).toBe(0);
  const listing = run(['ledger', 'export', '--format', 'jsonl']);
  await listing.exit;
  expect(listing.output()).toContain('"certainty":"estimate"');
});

test('the admin API reloads as SIGHUP does, and shows the configuration without its secrets', async () => {
  const file = join(folder, 'farthing.yaml');
  await writeFile(file, yaml('admin: { key: the-key-of-the-admin }\n'));
  const served = await serve();
  const headers = { authorization: 'Bearer the-key-of-the-admin' };
  const post = { method: 'POST', path: '/admin/v1/reload', headers };
  expect((await ask(served.url, post)).json()).toEqual({ reloaded: true });
  await writeFile(file, yaml('admin: { key: the-key-of-the-admin }\ncash: off\n'));
  const refused = await ask(served.url, post);
  expect([refused.status, refused.body]).toEqual([400, expect.stringContaining('cash')]);
  const shown = await ask(served.url, { path: '/admin/v1/config', headers });
  expect(shown.body).toContain('"path":"cache.mode","value":"deterministic"');
  for (const canary of [PROVIDER_KEY, 'fk-canary', 'the-key-of-the-admin']) expect(shown.body).not.toContain(canary);
});

test('SIGHUP takes what was changed, and keeps the old settings when the file is broken', async () => {
  const file = join(folder, 'farthing.yaml');
  await writeFile(file, yaml());
  const served = await serve();
  const second = { authorization: 'Bearer fk-second-key' };
  expect((await chat(served.url, { headers: second, body: BODY })).status).toBe(401);
  await writeFile(file, yaml().replace('keys: [', 'keys: [{ name: second, project: demo, key: fk-second-key }, '));
  served.child.kill('SIGHUP');
  await expect.poll(served.output).toContain('configuration reloaded');
  expect((await chat(served.url, { headers: second, body: BODY })).status).toBe(200);
  await writeFile(file, `${yaml()}cache: { mode: sometimes }\n`);
  served.child.kill('SIGHUP');
  await expect.poll(served.output).toMatch(/not reloaded[\s\S]*farthing.yaml:\d+:\d+ cache.mode/);
  await writeFile(file, yaml('limits: { maxConnections: 5 }\n'));
  served.child.kill('SIGHUP');
  await expect.poll(served.output).toContain('takes a restart: limits.maxConnections');
  expect((await chat(served.url, { headers: second, body: BODY })).status).toBe(200);
});

test.each([
  ['no provider is active', [], { OPENAI_API_KEY: '' }, 'export OPENAI_API_KEY='],
  ['the port is none', ['--port', '70000'], {}, '--port 70000'],
  ['it would listen to all without keys', ['--host', '0.0.0.0', '--config', 'open.yaml'], {}, 'auth: none'],
  ['the file is missing', ['--config', 'nowhere.yaml'], {}, 'nowhere.yaml'],
])('it exits with 2 and says what to do when %s', async (_what, args, env, said) => {
  await writeFile(join(folder, 'open.yaml'), `${yaml()}auth: none\n`);
  const refused = run(['serve', ...args], { OPENAI_API_KEY: PROVIDER_KEY, ...env });
  expect(await refused.exit).toBe(2);
  expect(refused.output()).toContain(said);
  expect(refused.output()).not.toMatch(/^\s+at /m);
});

test('a port that is taken is one clear line', async () => {
  const served = await serve();
  const { port } = new URL(served.url);
  const refused = run(['serve', '--port', port], { OPENAI_API_KEY: PROVIDER_KEY });
  expect(await refused.exit).toBe(1);
  expect(refused.output()).toMatch(/EADDRINUSE.*\d+/);
  expect(refused.output().trim().split('\n')).toHaveLength(1);
});
