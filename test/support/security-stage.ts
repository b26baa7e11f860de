import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load-config.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { ENDPOINTS, type Endpoint } from '../../src/core/model/protocol.ts';
import { gatewayLog } from '../../src/gateway/gateway-log.ts';
import { type Gateway, startGateway } from '../../src/gateway/start-gateway.ts';
import { ledgerPath } from '../../src/stores/sqlite/data-files.ts';
import { openLedgerReader } from '../../src/stores/sqlite/sqlite-ledger-reader.ts';
import { type RecordingUpstream, startRecordingUpstream } from './recording-upstream.ts';

/** Keys of every stage. */
export const STAGE_KEY = 'fk-a-key-of-the-security-tests-0123456789';
export const STAGE_ADMIN_KEY = 'an-admin-key-of-the-security-tests-012345';
export const STAGE_PROVIDER_KEY = 'sk-the-operators-own';

/** A whole gateway in front of an upstream that keeps what it was sent. */
export interface SecurityStage {
  readonly gateway: Gateway;
  readonly url: string;
  readonly port: number;
  readonly upstream: RecordingUpstream;
  /** Records of the ledger, the oldest first. */
  calls(): Promise<readonly CallRecord[]>;
  close(): Promise<void>;
}

/** Starts one. `settings` are members of its configuration. */
export async function startSecurityStage(settings: Readonly<Record<string, unknown>> = {}): Promise<SecurityStage> {
  const upstream = await startRecordingUpstream();
  const folder = await mkdtemp(join(tmpdir(), 'farthing-security-'));
  const provider = { apiKey: STAGE_PROVIDER_KEY };
  const text = JSON.stringify({
    version: 1,
    listen: '127.0.0.1:0',
    storage: folder,
    providers: {
      openai: { ...provider, protocol: 'openai', vendor: 'openai', baseUrl: `${upstream.origin}/openai/v1` },
      anthropic: { ...provider, protocol: 'anthropic', vendor: 'anthropic', baseUrl: `${upstream.origin}/anthropic` },
    },
    passThrough: [{ path: '/v1/audio/*', provider: 'openai' }],
    admin: { key: STAGE_ADMIN_KEY },
    cache: { mode: 'off' },
    keys: [{ name: 'tests', project: 'tests', key: STAGE_KEY }],
    ...settings,
  });
  const { config } = loadConfig({ text, env: {}, readFile: () => '' });
  const gateway = await startGateway({ config, log: gatewayLog('silent', { write: () => undefined }) });
  return {
    gateway,
    url: gateway.url,
    port: Number(new URL(gateway.url).port),
    upstream,
    calls: () => callsIn(folder),
    close: async () => {
      await gateway.close();
      await upstream.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function callsIn(folder: string): Promise<readonly CallRecord[]> {
  const reader = await openLedgerReader(ledgerPath(folder));
  const records: CallRecord[] = [];
  for await (const record of reader.calls({ order: 'oldest' })) records.push(record);
  await reader.close();
  return records;
}

/** The least body that an endpoint takes; `model` and further members may be others. */
export function leastBody(endpoint: Endpoint, members: Readonly<Record<string, unknown>> = {}): string {
  const isAnthropic = ENDPOINTS[endpoint].protocol === 'anthropic';
  const hasInput = endpoint === 'responses' || endpoint === 'embeddings';
  return JSON.stringify({
    model: isAnthropic ? 'claude-haiku-4-5' : 'gpt-5.4-mini',
    ...(hasInput ? { input: 'x' } : { messages: [{ role: 'user', content: 'x' }] }),
    ...(endpoint === 'messages' ? { max_tokens: 9 } : {}),
    ...members,
  });
}
