import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts');

/** A gateway in a process of its own. */
export interface GatewayProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** From the start of the process to its first line. */
  readonly startMs: number;
  /** Sends a signal and waits for the end; gives the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | string | null>;
}

/** Starts `farthing serve` without keys on a free port, with its data in `folder` and one OpenAI-shaped provider at `origin`. */
export async function startGatewayProcess(folder: string, origin: string): Promise<GatewayProcess> {
  const config = join(folder, 'farthing.yaml');
  writeFileSync(
    config,
    [
      'version: 1',
      'listen: 127.0.0.1:0',
      'auth: none',
      `storage: ${join(folder, 'data')}`,
      'providers:',
      `  openai: { protocol: openai, baseUrl: "${origin}/v1", apiKey: test }`,
      'cache: { mode: all, ttl: 1h }',
    ].join('\n'),
  );
  const startedAt = performance.now();
  const child = spawn(process.execPath, [MAIN, 'serve', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await firstUrl(child);
  return {
    url,
    child,
    startMs: performance.now() - startedAt,
    async end(signal) {
      const ended = once(child, 'exit');
      child.kill(signal);
      const [code, endedBy] = (await ended) as [number | null, string | null];
      return code ?? endedBy;
    },
  };
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
