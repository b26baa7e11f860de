import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { CALLER_SECRETS, OPERATOR_SECRETS } from './canaries.ts';

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts');
const PRELOAD = resolve(import.meta.dirname, 'crash-preload.mjs');

/** A process of the command line and all that it has printed. */
export interface ToldProcess {
  readonly child: ChildProcess;
  output(): string;
  /** Its end: the exit code, or the signal that ended it. */
  readonly end: Promise<number | string | null>;
}

/** Where a configuration with all secrets in it stands, and in what environment it is read. */
export interface CanaryFolder {
  readonly folder: string;
  readonly upstreamOrigin: string;
}

/** The environment that the configuration refers to. */
const ENVIRONMENT = {
  CANARY_PROVIDER_KEY: OPERATOR_SECRETS.providerKey,
  CANARY_ADMIN_KEY: OPERATOR_SECRETS.adminKey,
} as const;

/** Writes the configuration: every place that takes a secret has one. `settings` are further members. */
export function writeCanaryConfig(
  { folder, upstreamOrigin }: CanaryFolder,
  settings: Readonly<Record<string, unknown>> = {},
): void {
  const openai = { protocol: 'openai', vendor: 'openai', baseUrl: `${upstreamOrigin}/v1` };
  const text = JSON.stringify({
    version: 1,
    listen: '127.0.0.1:0',
    auth: 'required',
    admin: { key: '${env:CANARY_ADMIN_KEY}' },
    storage: join(folder, 'data'),
    providers: {
      openai: {
        ...openai,
        apiKeys: ['${env:CANARY_PROVIDER_KEY}', { key: OPERATOR_SECRETS.secondProviderKey, weight: 1 }],
        headers: { 'x-own-key': OPERATOR_SECRETS.providerHeader },
        query: { sig: OPERATOR_SECRETS.providerQuery },
      },
      anthropic: {
        protocol: 'anthropic',
        vendor: 'anthropic',
        baseUrl: upstreamOrigin,
        apiKey: OPERATOR_SECRETS.anthropicKey,
      },
      nobody: { ...openai, baseUrl: 'http://127.0.0.1:1', apiKey: OPERATOR_SECRETS.providerKey },
    },
    models: { down: { targets: ['nobody/gpt-5.4-mini'] } },
    passThrough: [{ path: '/v1/audio/*', provider: 'openai' }],
    cache: { mode: 'all', ttl: '1h' },
    budgets: [{ name: 'day', scope: 'all', limitUsd: 5, window: 'day', alertAt: [0.000001] }],
    alerts: {
      webhook: { url: `${upstreamOrigin}/${OPERATOR_SECRETS.webhookPath}`, secret: OPERATOR_SECRETS.webhookSecret },
    },
    callLog: { path: join(folder, 'data', 'calls') },
    resilience: { retries: 0 },
    keys: [
      { name: 'one', project: 'one', key: OPERATOR_SECRETS.callerKey },
      { name: 'two', project: 'two', key: OPERATOR_SECRETS.otherCallerKey },
    ],
    log: { level: 'trace' },
    ...settings,
  });
  writeFileSync(join(folder, 'farthing.yaml'), text);
}

/** Runs a command of the command line. `env` and `nodeOptions` come on top. */
export function runTold(
  folder: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  nodeOptions: readonly string[] = [],
): ToldProcess {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [...nodeOptions, MAIN, ...words], {
    cwd: folder,
    env: { PATH, ...ENVIRONMENT, CRASH_TEXT: Object.values(CALLER_SECRETS).join(' '), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const end = once(child, 'close').then(([code, signal]: (number | string | null)[]) => code ?? signal ?? null);
  return { child, output: () => printed, end };
}

/** Starts the gateway; SIGUSR2 makes it crash. It writes Node's diagnostic reports where it may. */
export async function serveTold(
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ToldProcess & { readonly url: string }> {
  const reports = ['--report-uncaught-exception', '--report-on-fatalerror', `--report-directory=${folder}`];
  const signalled = ['--report-on-signal', '--report-signal=SIGWINCH'];
  const running = runTold(folder, ['serve'], env, ['--import', PRELOAD, ...reports, ...signalled]);
  await expect.poll(running.output, { timeout: 15_000 }).toMatch(/Point your programs here:[\s\S]*\n$/);
  return { ...running, url: /listens on (\S+)/.exec(running.output())?.[1] ?? '' };
}
