import { expect, onTestFinished, test } from 'vitest';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine-request.ts';
import { systemRandom } from '../../src/engine/system-ports.ts';
import type { Charge } from '../../src/core/model/charge.ts';
import { undiciProvider } from '../../src/providers/undici/undici-provider.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';
import { StrictSink } from '../support/strict-sink.ts';

interface Stack {
  readonly upstream: SimulatedProvider;
  readonly engine: Engine;
  readonly ledger: MemoryLedger;
  readonly fault: { charges: boolean; intents: boolean };
  readonly ask: (stream?: boolean) => Promise<StrictSink>;
}

/** An engine whose ledger fails when a test says so. */
async function stack(): Promise<Stack> {
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 });
  const ledger = new MemoryLedger();
  const fault = { charges: false, intents: false };
  const baseUrl = `${upstream.origin}/v1`;
  const apiKeys = [{ key: 'test', weight: 1 }];
  const engine = createEngine({
    providers: [
      {
        provider: undiciProvider({ name: 'openai', protocol: 'openai', baseUrl, apiKeys, random: systemRandom }),
        vendor: 'openai',
        identity: baseUrl,
      },
    ],
    priceBook: shippedPriceBook(),
    ledger: {
      intend: async (intent) => {
        if (fault.intents) throw new Error('disk full');
        await ledger.intend(intent);
      },
      charge: async (charges) => {
        if (fault.charges) throw new Error('disk full');
        return ledger.charge(charges);
      },
      record: (record) => ledger.record(record),
      flush: () => ledger.flush(),
      close: () => ledger.close(),
    },
    ownerId: 'test',
  });
  onTestFinished(async () => {
    await engine.close();
    await upstream.close();
  });
  const ask = async (stream = false): Promise<StrictSink> => {
    const sink = new StrictSink(seededRandom(1), 0);
    const body = { model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'Hello' }], stream };
    const { signal } = new AbortController();
    const caller = { project: 'p', keyId: 'k' };
    await engine.handle(
      { endpoint: 'chat', body: Buffer.from(JSON.stringify(body)), headers: {}, caller, signal },
      sink,
    );
    return sink;
  };
  return { upstream, engine, ledger, fault, ask };
}

async function chargesOf(ledger: MemoryLedger): Promise<readonly Charge[]> {
  const charges: Charge[] = [];
  for await (const charge of ledger.charges({})) charges.push(charge);
  return charges;
}

test('a paid answer reaches its client although the charge cannot be written, and the charge follows once the ledger works', async () => {
  const { ask, engine, ledger, fault, upstream } = await stack();
  fault.charges = true;
  for (const stream of [false, true]) {
    // oxlint-disable-next-line no-await-in-loop -- whole, then streamed
    expect(await ask(stream)).toMatchObject({ gotHead: { status: 200 }, ending: 'ended', faults: [] });
  }
  expect(engine.unwrittenCharges()).toBe(2);
  expect(await ledger.openIntents()).toHaveLength(2);
  fault.charges = false;
  await expect.poll(() => engine.unwrittenCharges(), { timeout: 2000 }).toBe(0);
  expect(await ledger.openIntents()).toEqual([]);
  const charges = await chargesOf(ledger);
  expect(charges.reduce((sum, charge) => sum + BigInt(charge.amountNanoUsd ?? 0), 0n)).toBe(
    upstream.invoice().totalNanoUsd,
  );
});

test('while a thousand charges wait no call is sent: 503 until the ledger has taken them', async () => {
  const { ask, engine, fault, upstream } = await stack();
  fault.charges = true;
  for (let round = 0; round < 20; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- fifty at a time
    await Promise.all(Array.from({ length: 50 }, () => ask()));
  }
  expect(engine.unwrittenCharges()).toBe(1000);
  const sent = upstream.counters().requests;
  const refused = await ask();
  expect(refused.gotHead).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  expect(upstream.counters().requests).toBe(sent);
  fault.charges = false;
  await expect.poll(() => engine.unwrittenCharges(), { timeout: 6000 }).toBe(0);
  expect((await ask()).gotHead?.status).toBe(200);
});

test('nothing is sent whose intent cannot be written', async () => {
  const { ask, fault, upstream } = await stack();
  fault.intents = true;
  expect((await ask()).gotHead?.status).toBeGreaterThanOrEqual(500);
  expect(upstream.counters().requests).toBe(0);
});
