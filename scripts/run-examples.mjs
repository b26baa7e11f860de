// Runs every example against a simulated provider: those of the library directly, those of the gateway through one. One line an example.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const root = resolve(import.meta.dirname, '..');
const KEY = 'fk-examples-0123456789abcdef01234567';
const START_MS = 20_000;
const EXAMPLE_MS = 60_000;

if (!existsSync(join(root, 'dist/client/index.js'))) {
  const built = spawnSync('npm', ['run', '-s', 'build'], { cwd: root, stdio: 'inherit' });
  if (built.status !== 0) process.exit(1);
}
const { startSimulatedProvider } = await import('farthing/testing');

/** List prices in pico-dollars per token. */
const PRICES = {
  'gpt-5.4-nano': { input: 200_000, cacheRead: 20_000, output: 1_250_000 },
  'gpt-5.4-mini': { input: 750_000, cacheRead: 75_000, output: 4_500_000 },
  'claude-haiku-4-5': {
    input: 1_000_000,
    cacheRead: 100_000,
    cacheWrite5m: 1_250_000,
    cacheWrite1h: 2_000_000,
    output: 5_000_000,
  },
  'text-embedding-3-small': { input: 20_000 },
};

/** Batches that are back in a moment. */
const BATCHES = { medianMs: 50, spreadSigma: 0, slowRatio: 0 };

function freePort() {
  return new Promise((resolvePort, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolvePort(port));
    });
  });
}

async function startGateway(origin, folder) {
  const port = await freePort();
  const config = {
    version: 1,
    listen: `127.0.0.1:${port}`,
    storage: join(folder, 'data'),
    providers: {
      openai: { protocol: 'openai', baseUrl: `${origin}/v1`, apiKey: 'sk-simulated' },
      anthropic: { protocol: 'anthropic', baseUrl: origin, apiKey: 'sk-simulated' },
    },
    keys: [{ name: 'examples', project: 'examples', key: KEY }],
    budgets: [
      { name: 'everything', scope: 'all', limitUsd: 10, window: 'day' },
      { name: 'per-customer', scope: 'tag:customer', limitUsd: 0.005, window: { rolling: '24h' } },
    ],
    batch: { gather: '100ms' },
    log: { level: 'error' },
  };
  const path = join(folder, 'farthing.yaml');
  writeFileSync(path, JSON.stringify(config)); // JSON is YAML
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'serve', '--config', path], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await ready(url, child);
  return { url, child };
}

async function ready(url, child, endAt = Date.now() + START_MS) {
  if (Date.now() > endAt || child.exitCode !== null) throw new Error('the gateway did not start');
  const reply = await fetch(`${url}/readyz`).catch(() => undefined);
  if (reply?.ok) return;
  await wait(100);
  await ready(url, child, endAt);
}

/** Runs one example; the event loop stays free for the provider, which lives in this process. */
function runExample(path, env) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [path], { cwd: root, env: { ...process.env, ...env }, timeout: EXAMPLE_MS });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('close', (status) => done({ status, output }));
  });
}

/** What the output must have, beside being there. */
const MUST_SAY = {
  'library-budgets.ts': /^alert: alice [^]*\nalice: refused, budget_spent: 402 the budget "per-user" is spent/m,
  'library-batch.ts': /^live: 6 of 6 answered for \$0\.0[^]*\nbatch: 6 of 6 answered for \$0\.0/m,
  'gateway-deadline.ts': /^202: queued\ncompleted by batch, [^]*half of \$0\.0/m,
  'gateway-budgets.ts': /^acme: refused, budget_spent: 402 the budget "per-customer" is spent/m,
};

/** Runs the examples of one kind and says how many failed. */
async function runExamples(kind, base, key) {
  const env = {
    OPENAI_BASE_URL: `${base}/v1`,
    OPENAI_API_KEY: key,
    ANTHROPIC_BASE_URL: base,
    ANTHROPIC_API_KEY: key,
    FARTHING_POLL_MS: '200',
  };
  let failures = 0;
  const files = readdirSync(join(root, 'examples')).filter(
    (name) => name.startsWith(`${kind}-`) && name.endsWith('.ts'),
  );
  for (const name of files.toSorted()) {
    // oxlint-disable-next-line no-await-in-loop -- one after another, so that their lines stay together
    const { status, output } = await runExample(join(root, 'examples', name), env);
    const isGood = status === 0 && output.trim() !== '' && (MUST_SAY[name]?.test(output) ?? true);
    failures += Number(!isGood);
    console.log(`${name}: ${isGood ? output.trim().split('\n').at(-1) : `FAILED\n${output}`}`);
  }
  return failures;
}

const folder = mkdtempSync(join(tmpdir(), 'farthing-examples-'));
const provider = await startSimulatedProvider({ prices: PRICES, latencyRatio: 0, batches: BATCHES });
let gateway;
try {
  gateway = await startGateway(provider.origin, folder);
  const failures =
    (await runExamples('library', provider.origin, 'sk-simulated')) + (await runExamples('gateway', gateway.url, KEY));
  process.exitCode = failures > 0 ? 1 : 0;
} finally {
  gateway?.child.kill('SIGTERM');
  await provider.close();
  rmSync(folder, { recursive: true, force: true });
}
