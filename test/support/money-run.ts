import { getEventListeners } from 'node:events';
import { FarthingError } from '../../src/core/errors.ts';
import type { CallRecord, Charge, Intent } from '../../src/core/model/charge.ts';
import { layerPriceBooks } from '../../src/core/price-book.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine-request.ts';
import { systemClock } from '../../src/engine/system-ports.ts';
import type { Random } from '../../src/ports/clock.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { undiciProvider } from '../../src/providers/undici/undici-provider.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';
import { MemoryCacheStore } from '../../src/stores/memory/memory-cache-store.ts';
import { type MoneySchedule, moneySchedule, SCHEDULE_PRICES, type ScheduledCall } from './money-schedule.ts';
import { StrictSink } from './strict-sink.ts';

/** A call that is over. */
export interface RunCall {
  readonly call: ScheduledCall;
  readonly sink: StrictSink;
  readonly hasLeft: boolean;
  /** Listeners left on the client's signal. */
  readonly listeners: number;
}

/** Everything that a run left behind. */
export interface MoneyRun {
  readonly schedule: MoneySchedule;
  readonly calls: readonly RunCall[];
  readonly records: readonly CallRecord[];
  readonly charges: readonly Charge[];
  readonly openIntents: readonly Intent[];
  readonly events: readonly EngineEvent[];
  readonly inFlight: number;
  readonly unwritten: number;
  readonly upstream: SimulatedProvider;
}

/** Runs a schedule of chance against the simulated provider until everything has settled. */
export async function moneyRun(seed: number, count: number): Promise<MoneyRun> {
  const random = seededRandom(seed);
  const schedule = moneySchedule(random, count);
  const upstream = await startSimulatedProvider({ prices: SCHEDULE_PRICES, latencyRatio: 0.02, seed });
  const memory = new MemoryLedger();
  const records: CallRecord[] = [];
  const events: EngineEvent[] = [];
  const engine = createEngine({
    providers: [
      provider('openai', 'openai', `${upstream.origin}/v1`, random),
      provider('anthropic', 'anthropic', upstream.origin, random),
    ],
    priceBook: layerPriceBooks(shippedPriceBook(), undefined, { version: 'none', entries: [] }),
    cache: { ...schedule.cache, store: new MemoryCacheStore({ clock: systemClock }) },
    ledger: flaky(memory, schedule, random),
    ownerId: 'run',
    // Without its temperature a question of the schedule is another one, and may be answered otherwise.
    resilience: { adaptParameters: false },
    events: {
      emit: (event) => {
        if (event.kind === 'call-finished') records.push(event.record);
        else events.push(event);
      },
    },
  });
  const calls = await Promise.all(schedule.calls.map((call) => runCall(engine, upstream, call, random)));
  const inFlight = engine.inFlight();
  await engine.close();
  const charges: Charge[] = [];
  for await (const charge of memory.charges({})) charges.push(charge);
  const openIntents = await memory.openIntents();
  const unwritten = engine.unwrittenCharges();
  await untilIdle(upstream);
  await upstream.close();
  return { schedule, calls, records, charges, openIntents, events, inFlight, unwritten, upstream };
}

function provider(
  name: string,
  protocol: 'openai' | 'anthropic',
  baseUrl: string,
  random: Random,
): Parameters<typeof createEngine>[0]['providers'][number] {
  const apiKeys = [{ key: 'test', weight: 1 }];
  return { provider: undiciProvider({ name, protocol, baseUrl, apiKeys, random }), vendor: name, identity: baseUrl };
}

/** Fails now and then: an intent before it is written, a charge likewise. */
function flaky(ledger: MemoryLedger, schedule: MoneySchedule, random: Random): Ledger {
  const maybeFail = (ratio: number): void => {
    if (random.fraction() < ratio)
      throw new FarthingError('store-unavailable', 'the disk is full', { retryable: true });
  };
  return {
    intend: async (intent) => {
      maybeFail(schedule.intendFaults);
      await ledger.intend(intent);
    },
    charge: async (charges) => {
      maybeFail(schedule.chargeFaults);
      return ledger.charge(charges);
    },
    record: (record) => ledger.record(record),
    flush: () => ledger.flush(),
    close: () => ledger.close(),
  };
}

async function runCall(
  engine: Engine,
  upstream: SimulatedProvider,
  call: ScheduledCall,
  random: Random,
): Promise<RunCall> {
  const leave = new AbortController();
  await wait(call.atMs);
  if (call.fault !== undefined) upstream.failNext(call.fault);
  if (call.leavesAfterMs === 0) leave.abort();
  else if (call.leavesAfterMs !== undefined) setTimeout(() => leave.abort(), call.leavesAfterMs);
  const sink = new StrictSink(random, call.slowness);
  const { endpoint, headers } = call;
  const body = Buffer.from(JSON.stringify(call.body));
  const caller = { project: 'p', keyId: 'k' };
  await engine.handle({ endpoint, body, headers, caller, signal: leave.signal }, sink);
  return { call, sink, hasLeft: leave.signal.aborted, listeners: getEventListeners(leave.signal, 'abort').length };
}

async function untilIdle(upstream: SimulatedProvider): Promise<void> {
  for (let tries = 0; upstream.counters().inFlight > 0 && tries < 200; tries += 1) {
    // oxlint-disable-next-line no-await-in-loop -- until the provider has noticed who left
    await wait(10);
  }
}

function wait(durationMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, durationMs));
}
