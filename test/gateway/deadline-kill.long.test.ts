import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { QUICK } from '../support/deadline-stage.ts';
import { accepted, answered, type Asker } from '../support/deferred-asks.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { CALM } from '../support/gateway-stack.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

const JSON_HEADERS = { 'content-type': 'application/json' };

function askerAt(url: string): Asker {
  return { ask: (path, init) => fetch(`${url}${path}`, init) };
}

// From right after the reply, over the forming and the sending of the batch, to the time when it is followed.
test.each([0, 300, 1000, 1200, 1500, 3000])(
  'a gateway that is killed %d ms after it took a call answers it when it is started again, and sends nothing twice',
  async (afterMs) => {
    const provider = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0, batches: QUICK });
    const folder = await mkdtemp(join(tmpdir(), 'farthing-killed-'));
    onTestFinished(async () => {
      await provider.close();
      await rm(folder, { recursive: true, force: true });
    });
    const settings = { batch: { gather: '1s' }, limits: CALM };
    const first = await startGatewayProcess(folder, provider.origin, { settings, stderr: 'ignore' });
    const callId = await accepted(askerAt(first.url), 'before the end', JSON_HEADERS);
    await new Promise((resolve) => void setTimeout(resolve, afterMs));
    await first.end('SIGKILL');
    const second = await startGatewayProcess(folder, provider.origin, { settings, stderr: 'ignore' });
    onTestFinished(async () => void (await second.end('SIGTERM')));
    // What was leased by the dead is free again after a minute.
    let record: Readonly<Record<string, unknown>> | undefined;
    for (let tries = 0; record === undefined && tries < 10; tries += 1) {
      record = await answered(askerAt(second.url), callId).catch(() => undefined);
    }
    expect(record).toMatchObject({ status: 'completed', way: 'batch' });
    expect(provider.invoice().requests).toBe(1);
    expect(provider.batches()).toHaveLength(1);
  },
  300_000,
);
