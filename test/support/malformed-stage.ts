import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { gatewayRoutes } from './gateway-routes.ts';
import { PROCESS_ADMIN_KEY, startGatewayProcess } from './gateway-process.ts';
import type { MalformedTarget } from './malformed-requests.ts';
import { startRecordingUpstream } from './recording-upstream.ts';

const CALLER_KEY = 'fk-of-the-fuzz-0123456789abcdef0123456789abcdef';

/** A gateway in a process of its own with every kind of route, before an upstream that answers everything well; closed when the test ends. */
export async function startMalformedStage(): Promise<{
  readonly target: MalformedTarget;
  readonly isAlive: () => Promise<boolean>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-fuzz-'));
  const upstream = await startRecordingUpstream();
  const budget = { limitUsd: '1000000', window: 'day' };
  const settings = {
    auth: 'required',
    keys: [{ name: 'fuzz', project: 'fuzz', key: CALLER_KEY }],
    passThrough: [{ path: '/v1/audio/*', provider: 'openai' }],
    budgets: [
      { ...budget, name: 'day', scope: 'all' },
      { ...budget, name: 'users', scope: 'tag:user' },
    ],
    log: { level: 'silent' },
  };
  const gateway = await startGatewayProcess(folder, upstream.origin, { settings });
  const forget = setInterval(() => upstream.seen.splice(0), 1000).unref();
  onTestFinished(async () => {
    clearInterval(forget);
    await gateway.end('SIGKILL');
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    target: { url: gateway.url, routes: await gatewayRoutes(), callerKey: CALLER_KEY, adminKey: PROCESS_ADMIN_KEY },
    isAlive: async () => gateway.child.exitCode === null && (await fetch(`${gateway.url}/readyz`)).status === 200,
  };
}
