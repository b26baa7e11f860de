// Uses the installed package as a program would: imports, calls in memory and on SQLite, the command line. One line, exit code 1 on failure.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CachedLLMClient,
  CostOptimizedLLM,
  createFarthing,
  isFarthingError,
  parseUsd,
  PromptOptimizer,
  ResponseCache,
} from 'farthing';
import { startSimulatedProvider } from 'farthing/testing';

const MODEL = 'gpt-5.4-mini';
// List prices in pico-dollars per token, written down here once more: an invoice made with the package's own prices would prove nothing.
const PRICES = {
  [MODEL]: { input: 750_000, cacheRead: 75_000, output: 4_500_000 },
  'text-embedding-3-small': { input: 20_000 },
};
/** What importing the package must not load: a server, a schema library, a database. */
const HEAVY =
  /node_modules\/(?:fastify|zod|better-sqlite3|ioredis|pg|kysely|pino|prom-client|commander|yaml|@clack)\/|\/dist\/(?:cli|config|gateway|stores\/sqlite)\//;
const folder = mkdtempSync(join(tmpdir(), 'farthing-smoke-'));
const provider = await startSimulatedProvider({ prices: PRICES, latencyRatio: 0 });
const baseUrl = `${provider.origin}/v1`;

function engine(storage) {
  return createFarthing({
    providers: { openai: { protocol: 'openai', baseUrl, apiKey: 'sk-smoke' } },
    cache: { mode: 'all', ttlMs: 60_000 },
    budgets: [{ name: 'everything', limitUsd: '5', window: 'day' }],
    ...(storage === undefined ? {} : { storage }),
  });
}

function post(farthing, path, body) {
  const headers = { 'content-type': 'application/json' };
  return farthing.fetch(`${baseUrl}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function calls(farthing, content) {
  const body = { model: MODEL, messages: [{ role: 'user', content }] };
  const bought = await post(farthing, '/chat/completions', body);
  assert.equal(bought.status, 200, await bought.clone().text());
  const first = await bought.json();
  const stream = await post(farthing, '/chat/completions', { ...body, stream: true });
  assert.match(stream.headers.get('cache-status'), /hit/);
  assert.match(await stream.text(), /data: \[DONE\]\n\n$/);
  const embedded = await post(farthing, '/embeddings', { model: 'text-embedding-3-small', input: [content] });
  assert.equal((await embedded.json()).data.length, 1);
  const completion = await new CostOptimizedLLM({ farthing, defaultModel: MODEL }).complete(content);
  assert.equal(typeof completion.content, 'string');
  assert.ok(parseUsd(completion.costUsd) > 0);
  return first.choices[0].message.content;
}

async function cost(farthing) {
  return (await farthing.report('model')).reduce((sum, row) => sum + row.costNanoUsd, 0n);
}

async function library() {
  const memory = engine();
  await calls(memory, 'in memory');
  assert.equal(await cost(memory), provider.invoice().totalNanoUsd);
  await memory.close();

  const before = provider.invoice().totalNanoUsd;
  const disk = engine(folder);
  const answer = await calls(disk, 'on disk');
  await disk.close();
  const again = engine(folder);
  const body = { model: MODEL, messages: [{ role: 'user', content: 'on disk' }] };
  const hit = await post(again, '/chat/completions', body);
  assert.match(hit.headers.get('cache-status'), /hit/);
  assert.equal((await hit.json()).choices[0].message.content, answer);
  assert.equal(await cost(again), provider.invoice().totalNanoUsd - before);
  await again.close();

  const cache = new ResponseCache({ scope: 'smoke', ttlMs: 60_000 });
  await cache.set({ a: 1, b: 2 }, 'value');
  assert.equal(await cache.get({ b: 2, a: 1 }), 'value');
  const send = async () => ({ choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }] });
  const client = { protocol: 'openai', identity: 'smoke', send };
  const cached = new CachedLLMClient({ client, scope: 'smoke', ttlMs: 60_000 });
  const messages = [{ role: 'user', content: 'hi' }];
  await cached.complete('m', messages, { temperature: 0 });
  assert.equal((await cached.complete('m', messages, { temperature: 0 })).fromCache, true);
  assert.throws(() => new ResponseCache({ scope: '', ttlMs: 1 }), isFarthingError);
}

/** What a program that is written below loads, as addresses. */
function loadedBy(program) {
  const hooks = `import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { process.stdout.write(url + '\\n'); return next(url, context); } });`;
  const code = `${hooks}\nawait import('data:text/javascript,');\n${program}`;
  // Beside this file, so that the package is found.
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  });
}

function lightness() {
  const loaded = loadedBy(`await import('farthing');`);
  assert.match(loaded, /\/farthing\/dist\/client\/index\.js/);
  assert.doesNotMatch(loaded, HEAVY);
  const stores = loadedBy(`await import('farthing/stores/redis'); await import('farthing/stores/postgres');`);
  assert.match(stores, /\/farthing\/dist\/stores\/redis\/index\.js[^]*\/farthing\/dist\/stores\/postgres\/index\.js/);
  assert.doesNotMatch(stores, HEAVY);
}

/** Their packages are not installed here: whoever opens one is told what to install. */
async function storesWithoutPeers() {
  const { RedisConnection } = await import('farthing/stores/redis');
  const { openPostgresStores } = await import('farthing/stores/postgres');
  const lacks = (command) => (error) =>
    isFarthingError(error) && error.code === 'configuration' && error.message.includes(command);
  await assert.rejects(RedisConnection.open({ url: 'redis://127.0.0.1:1' }), lacks('npm install ioredis'));
  const ports = { clock: { nowMs: Date.now, monotonicMs: () => performance.now() }, random: { fraction: Math.random } };
  const url = 'postgres://farthing@127.0.0.1:1/farthing';
  await assert.rejects(openPostgresStores({ url, ...ports }), lacks('npm install pg kysely'));
}

const root = dirname(fileURLToPath(import.meta.resolve('farthing/package.json')));

/** The vocabularies are in the package, and are read. Ids by tiktoken. */
async function tokenizers() {
  const { loadTokenizer } = await import(join(root, 'dist/tokenizers/load-tokenizer.js'));
  const newer = await loadTokenizer('o200k_base');
  assert.deepEqual(newer.encode('Hello, world!'), [13_225, 11, 2375, 0]);
  const older = await loadTokenizer('cl100k_base');
  assert.deepEqual(older.encode('Hello, world!'), [9906, 11, 1917, 0]);
  assert.equal(await newer.countInTurns('a'.repeat(100_000)), 12_500);
  const optimizer = new PromptOptimizer({ model: 'gpt-4o' });
  assert.deepEqual(await optimizer.countTokens('Hello, world!'), { tokens: 4, isExact: true, isPartial: false });
}

function commandLine() {
  const main = join(root, 'dist/cli/main.js');
  assert.ok(existsSync(main));
  const run = (...args) => execFileSync(process.execPath, [main, ...args], { encoding: 'utf8', cwd: folder });
  const version = run('--version').trim();
  assert.match(version, /^\d+\.\d+\.\d+/);
  const config = join(folder, 'farthing.yaml');
  writeFileSync(config, `version: 1\nproviders:\n  openai: { protocol: openai, baseUrl: '${baseUrl}' }\n`);
  run('config', 'check', '--config', config);
  const compress = { encoding: 'utf8', input: '{ "a": 1,\n  "b": 2 }' };
  assert.equal(execFileSync(process.execPath, [main, 'compress'], compress), '{"a":1,"b":2}');
  assert.match(run('budgets', '--help'), /list[^]*set[^]*remove[^]*reset[^]*explain/);
  const empty = join(folder, 'empty');
  assert.match(run('budgets', 'list', '--data', empty), /^No budgets/);
  assert.match(
    run('budgets', 'set', 'team', '--scope', 'all', '--limit', '5', '--window', 'day', '--data', empty),
    /^team: hard, \$5/,
  );
  assert.match(run('budgets', 'list', '--data', empty), /^team +stored +all +day +hard +5\.000000/m);
  // The folder of the library's calls above: its counters stand beside its ledger.
  assert.match(run('ledger', 'verify', '--data', folder), /^\d+ accounts?, no drift/m);
  const nothing = spawnSync(process.execPath, [main, 'ledger', 'verify', '--data', empty], { encoding: 'utf8' });
  assert.equal(nothing.status, 1);
  assert.match(nothing.stderr, /^no ledger at /);
  return version;
}

try {
  await library();
  lightness();
  await storesWithoutPeers();
  await tokenizers();
  const version = commandLine();
  process.stdout.write(
    `farthing ${version}: library in memory and on SQLite, cache, cost, budgets, tokenizers and command line work\n`,
  );
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
} finally {
  await provider.close();
  rmSync(folder, { recursive: true, force: true });
}
