import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts');

/** The admin key of gateways that {@link startGatewayProcess} starts. */
export const PROCESS_ADMIN_KEY = 'an-admin-key-of-gateways-in-processes';

/** A gateway in a process of its own. */
export interface GatewayProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** From the start of the process to its first line. */
  readonly startMs: number;
  /** Its configuration file. */
  readonly config: string;
  /** Sends a signal and waits for the end; gives the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | string | null>;
}

/** How {@link startGatewayProcess} starts one. */
export interface GatewayProcessOptions {
  /** Members of the configuration, over those that every one of these gateways has. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Further words of the command line. */
  readonly words?: readonly string[];
  /** What the process is started by, before `node`: `['prlimit', '--fsize=1000']`. */
  readonly wrapper?: readonly string[];
  /** Further options of Node. */
  readonly nodeOptions?: readonly string[];
  /** Where its errors go. @defaultValue 'inherit' */
  readonly stderr?: 'inherit' | 'ignore';
}

let files = 0;

/** Starts `farthing serve` without keys on a free port, with its data in `folder` and one simulated provider at `origin`. */
export async function startGatewayProcess(
  folder: string,
  origin: string,
  options: GatewayProcessOptions = {},
): Promise<GatewayProcess> {
  const { settings, words = [], wrapper = [], nodeOptions = [], stderr = 'inherit' } = options;
  files += 1;
  const config = join(folder, `farthing-${files}.yaml`);
  writeFileSync(config, configurationText(folder, origin, settings));
  const startedAt = performance.now();
  const [command = '', ...rest] = [
    ...wrapper,
    process.execPath,
    ...nodeOptions,
    MAIN,
    'serve',
    '--config',
    config,
    ...words,
  ];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', stderr] });
  const url = await firstUrl(child);
  return {
    url,
    child,
    startMs: performance.now() - startedAt,
    config,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      const [code, endedBy] = (await ended) as [number | null, string | null];
      return code ?? endedBy;
    },
  };
}

/** The configuration of such a gateway; JSON is YAML. */
export function configurationText(
  folder: string,
  origin: string,
  settings: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    version: 1,
    listen: '127.0.0.1:0',
    auth: 'none',
    admin: { key: PROCESS_ADMIN_KEY },
    storage: join(folder, 'data'),
    providers: {
      openai: { protocol: 'openai', vendor: 'openai', baseUrl: `${origin}/v1`, apiKey: 'test' },
      anthropic: { protocol: 'anthropic', vendor: 'anthropic', baseUrl: origin, apiKey: 'test' },
    },
    cache: { mode: 'all', ttl: '1h' },
    ...settings,
  });
}

/** Runs a command of the command line to its end. */
export async function runCommand(
  ...words: readonly string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

async function firstUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the gateway has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/\S+/.exec(line)?.[0];
    if (url === undefined) continue;
    child.stdout.resume();
    return url;
  }
  throw new Error('the gateway ended before it listened');
}
