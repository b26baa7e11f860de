import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { createFarthing } from '../../src/client/create-farthing.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { CacheMode } from '../../src/core/cacheability.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { startGateway } from '../../src/gateway/start-gateway.ts';
import { ledgerPath } from '../../src/stores/sqlite/data-files.ts';
import { openLedgerReader } from '../../src/stores/sqlite/sqlite-ledger-reader.ts';

/** A key that the gateway of tests knows. */
export const GATEWAY_KEY = 'fk-0123456789abcdef0123456789abcdef';

/** Limits under which a machine that is busy with other tests is no reason to refuse calls. */
export const CALM: Readonly<Record<string, unknown>> = { maxLoopLag: '24h', maxHeapRatio: 1 };

/** What a client needs to reach Farthing, whichever of its faces it is. */
export interface Face {
  readonly openaiBaseUrl: string;
  readonly anthropicBaseUrl: string;
  readonly apiKey: string;
  readonly fetch: typeof globalThis.fetch;
  /** Records in the order in which calls began, as soon as there are `count`. */
  records(count: number): Promise<readonly CallRecord[]>;
}

export interface FaceOptions {
  /** The upstream, as an Anthropic base; OpenAI's is `/v1` behind it. */
  readonly origin: string;
  /** @defaultValue 'off' */
  readonly mode?: CacheMode;
  /** Further parts of the gateway's configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Failures are passed on as they come. */
const RELAYS = { retries: 0 } as const;

/** Both faces, for `describe.each`. */
export const FACES: readonly (readonly [name: string, start: (options: FaceOptions) => Promise<Face>])[] = [
  ['farthing.fetch in process', startLibraryFace],
  ['the gateway over a socket', startGatewayFace],
];

/** The library's `fetch`; closed when the test ends. */
async function startLibraryFace({ origin, mode = 'off' }: FaceOptions): Promise<Face> {
  const records: CallRecord[] = [];
  const farthing = createFarthing({
    cache: mode === 'off' ? false : { mode, ttlMs: 60_000 },
    providers: {
      openai: { protocol: 'openai', baseUrl: `${origin}/v1` },
      anthropic: { protocol: 'anthropic', baseUrl: origin },
    },
    resilience: RELAYS,
    onCall: (record) => records.push(record),
  });
  onTestFinished(() => farthing.close());
  return {
    openaiBaseUrl: `${origin}/v1`,
    anthropicBaseUrl: origin,
    apiKey: 'sk-simulated',
    fetch: farthing.fetch,
    records: async (count) => {
      await expect.poll(() => records.length, { timeout: 5000 }).toBeGreaterThanOrEqual(count);
      return records;
    },
  };
}

/** A gateway on its embedded store in a folder of its own; closed and removed when the test ends. */
export async function startGatewayFace({ origin, mode = 'off', config = {} }: FaceOptions): Promise<Face> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-test-'));
  const text = JSON.stringify({
    version: 1,
    listen: '127.0.0.1:0',
    storage: folder,
    providers: {
      openai: { protocol: 'openai', vendor: 'openai', baseUrl: `${origin}/v1`, apiKey: 'sk-simulated' },
      anthropic: { protocol: 'anthropic', vendor: 'anthropic', baseUrl: origin, apiKey: 'sk-simulated' },
    },
    cache: { mode, ttl: '1m' },
    keys: [{ name: 'tests', project: 'tests', key: GATEWAY_KEY }],
    resilience: RELAYS,
    log: { level: 'error' },
    ...config,
  });
  const readFile = (path: string): never => {
    throw new Error(`no file is read: ${path}`);
  };
  const gateway = await startGateway({ config: loadConfig({ text, env: {}, readFile }).config });
  onTestFinished(async () => {
    await gateway.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    openaiBaseUrl: `${gateway.url}/v1`,
    anthropicBaseUrl: gateway.url,
    apiKey: GATEWAY_KEY,
    fetch: globalThis.fetch,
    records: async (count) => {
      await expect
        .poll(async () => (await recordsIn(folder)).length, { timeout: 5000, interval: 30 })
        .toBeGreaterThanOrEqual(count);
      return recordsIn(folder);
    },
  };
}

async function recordsIn(folder: string): Promise<readonly CallRecord[]> {
  const reader = await openLedgerReader(ledgerPath(folder));
  try {
    const records: CallRecord[] = [];
    for await (const record of reader.calls({})) records.push(record);
    return records;
  } finally {
    await reader.close();
  }
}

/** What records say that their calls cost, in nano-dollars. */
export function costOf(records: readonly CallRecord[]): bigint {
  return records.reduce((sum, record) => {
    if (record.costNanoUsd === undefined) throw new Error(`${record.callId} has no price`);
    return sum + BigInt(record.costNanoUsd);
  }, 0n);
}
