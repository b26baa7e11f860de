import { expect } from 'vitest';
import { type LibraryCheck, type LibraryRoute, libraryRoutes } from '../../src/client/library-routes.ts';
import type { CallRecord, Charge, Intent } from '../../src/core/model/charge.ts';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import { openBudgets } from '../../src/engine/budgets/open-budgets.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine-request.ts';
import { openRoutes } from '../../src/engine/routes/open-routes.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import type { Random } from '../../src/ports/clock.ts';
import { undiciProvider } from '../../src/providers/undici/undici-provider.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { MemoryBudgetStore } from '../../src/stores/memory/memory-budget-store.ts';
import { MemoryCacheStore } from '../../src/stores/memory/memory-cache-store.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';
import { hardBudget } from './resilience-stage.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';
import { StrictSink } from './strict-sink.ts';

const PORTS = { clock: systemClock, random: systemRandom };
const TEXTS = ['What is a farthing?', 'Name a coin.', 'Why is the sky blue?', 'Count to three.', 'Say hello.'] as const;
const NAMES = ['off', 'plain', 'sums', 'talk', 'dead'] as const;
const SPENDING = { project: 'p', keyId: 'k', tags: {}, target: '' };

/** Of these nobody calls an attempt off, unless a client leaves: their bill is known to the nano-dollar. */
const NEVER_DROPPED = ['gpt-5.6-luna', 'gpt-5.5', 'claude-haiku-4-5', 'claude-sonnet-5'] as const;

/** How a run is made. */
export interface AuditMoneyOptions {
  readonly seed: number;
  /** A multiple of 4. */
  readonly calls: number;
  /** Whether clients leave. */
  readonly leaves: boolean;
  /** @defaultValue no budget */
  readonly limitUsd?: string;
}

interface Run {
  readonly records: readonly CallRecord[];
  readonly charges: readonly Charge[];
  readonly intents: readonly Intent[];
  readonly sinks: readonly { readonly sink: StrictSink; readonly hasLeft: boolean }[];
  readonly events: readonly EngineEvent[];
  readonly upstream: SimulatedProvider;
  readonly leftNanoUsd: number | undefined;
}

/** What became of calls, for a test that a run was worth making. */
export interface AuditMoneySeen {
  readonly verdicts: ReadonlySet<string>;
  readonly outcomes: ReadonlySet<string>;
}

/** Makes calls of all kinds through routes of all kinds, many at a time, and holds the money of each to its charges and the sum to the provider's invoice. */
export async function auditMoney(options: AuditMoneyOptions): Promise<AuditMoneySeen> {
  const run = await moneyRun(options);
  for (const { sink, hasLeft } of run.sinks) {
    expect(sink.faults).toEqual([]);
    if (!hasLeft) expect(sink.ending).toBe('ended');
  }
  expect(run.events.filter(({ kind }) => kind === 'internal-fault')).toEqual([]);
  expect(run.intents).toEqual([]);
  expect(run.records.length).toBe(run.sinks.length);
  for (const record of run.records) expectMoney(record, run.charges);
  expectInvoice(run, options.leaves);
  if (options.limitUsd !== undefined) expectBudget(run, Number(options.limitUsd));
  return {
    verdicts: new Set(
      run.records.flatMap(({ decisions }) => decisions.map(({ step, verdict }) => `${step} ${verdict}`)),
    ),
    outcomes: new Set(run.records.map(({ outcome }) => outcome)),
  };
}

function expectMoney(record: CallRecord, all: readonly Charge[]): void {
  const charges = all.filter(({ callId }) => callId === record.callId);
  const cost = charges.reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? Number.NaN), 0);
  const parts = Object.values(record.savedParts ?? {}).reduce((sum, part) => sum + part, 0);
  const side = charges.reduce((sum, { kind, amountNanoUsd = 0 }) => sum + (kind === 'verify' ? amountNanoUsd : 0), 0);
  expect({
    callId: record.callId,
    charges: new Set(charges.map(({ chargeId }) => chargeId)).size,
    cost: record.costNanoUsd,
    saved: record.savedNanoUsd,
    whole: (record.costNanoUsd ?? Number.NaN) + (record.savedNanoUsd ?? Number.NaN),
    side: record.savedParts?.['side-calls'],
    isHitFree: record.cacheStatus !== 'hit' || charges.length > 0 || record.costNanoUsd === 0,
  }).toEqual({
    callId: record.callId,
    charges: record.attempts,
    cost,
    saved: parts,
    whole: record.baselineNanoUsd,
    side: 0 - side,
    isHitFree: true,
  });
}

function expectInvoice({ upstream, charges }: Run, leaves: boolean): void {
  for (const [model, line] of Object.entries(upstream.invoice().byModel)) {
    const own = charges.filter(({ target }) => target.endsWith(`/${model}`));
    const exact = own.filter(({ certainty }) => certainty === 'exact');
    const charged = exact.reduce((sum, { amountNanoUsd }) => sum + BigInt(amountNanoUsd ?? 0), 0n);
    const stated = line.totalNanoUsd - line.unstatedNanoUsd;
    const isKnown = !leaves && (NEVER_DROPPED as readonly string[]).includes(model);
    expect({ model, isRight: isKnown ? charged === stated : charged <= stated }).toEqual({ model, isRight: true });
    expect(own.filter(({ certainty }) => certainty !== 'none').length).toBeGreaterThanOrEqual(line.requests);
  }
}

function expectBudget({ charges, leftNanoUsd }: Run, limitUsd: number): void {
  const limitNanoUsd = limitUsd * 1e9;
  const spent = charges.reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? 0), 0);
  expect(spent).toBeLessThanOrEqual(limitNanoUsd);
  // All that was held and not spent is back.
  expect(leftNanoUsd).toBe(limitNanoUsd - spent);
}

async function moneyRun({ seed, calls, leaves, limitUsd }: AuditMoneyOptions): Promise<Run> {
  const random = seededRandom(seed);
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0.004, seed });
  const memory = new MemoryLedger();
  const records: CallRecord[] = [];
  const events: EngineEvent[] = [];
  const sink = {
    emit: (event: EngineEvent): void =>
      void (event.kind === 'call-finished' ? records.push(event.record) : events.push(event)),
  };
  const budgets =
    limitUsd === undefined
      ? undefined
      : await openBudgets({
          store: new MemoryBudgetStore(PORTS),
          ledger: memory,
          budgets: [hardBudget(limitUsd)],
          events: sink,
          ...PORTS,
        });
  if (budgets !== undefined) await expect.poll(() => budgets.keeper.isReady).toBe(true);
  const engine = createEngine({
    providers: [
      provider('openai', 'openai', `${upstream.origin}/v1`),
      provider('anthropic', 'anthropic', upstream.origin),
      provider('dead', 'openai', 'http://127.0.0.1:1/v1'),
    ],
    priceBook: shippedPriceBook(),
    cache: {
      mode: 'all',
      ttlMs: seed % 4 === 2 ? 60 : 60_000,
      staleIfErrorMs: 60_000,
      store: new MemoryCacheStore(PORTS),
    },
    ledger: memory,
    reader: memory,
    ownerId: memory.ownerId,
    budgets,
    budgetPolicy: { waitMs: 20 },
    routes: await openRoutes({
      rules: libraryRoutes(routesOf(random), ['openai', 'anthropic', 'dead']),
      events: sink,
      clock: systemClock,
    }),
    resilience: { retries: 1 },
    events: sink,
    ...PORTS,
  });
  const left = (): number | undefined => budgets?.keeper.remaining(SPENDING)[0]?.leftNanoUsd;
  const several = (count: number): ReturnType<typeof oneCall>[] =>
    Array.from({ length: count }, (_, index) => oneCall(engine, upstream, random, leaves, index));
  const together = await Promise.all(several(calls));
  // By now there is something in the cache.
  const sinks = [...together, ...(await Promise.all(several(calls / 4)))];
  await engine.close();
  const charges: Charge[] = [];
  for await (const charge of memory.charges({})) charges.push(charge);
  await expect.poll(() => upstream.counters().inFlight).toBe(0);
  const spent = charges.reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? 0), 0);
  if (limitUsd !== undefined) await expect.poll(left).toBe(Number(limitUsd) * 1e9 - spent);
  const run = { records, events, sinks, upstream, charges, intents: await memory.openIntents() };
  const leftNanoUsd = left();
  await budgets?.close();
  await memory.close();
  await upstream.close();
  return { ...run, leftNanoUsd };
}

function provider(
  name: string,
  protocol: 'openai' | 'anthropic',
  baseUrl: string,
): Parameters<typeof createEngine>[0]['providers'][number] {
  const apiKeys = [{ key: 'test', weight: 1 }];
  const made = undiciProvider({ name, protocol, baseUrl, apiKeys, random: systemRandom });
  return { provider: made, vendor: protocol, identity: baseUrl };
}

/** Checks of chance: what passes and what does not is no property of an answer here. */
function routesOf(random: Random): readonly LibraryRoute[] {
  const chance: LibraryCheck = async () => {
    if (random.fraction() < 0.5) await wait(random.fraction() * 4);
    if (random.fraction() < 0.1) throw new Error('a test that cannot tell');
    return random.fraction() < 0.6;
  };
  const named = { models: ['never'] };
  return [
    {
      name: 'plain',
      match: named,
      targets: ['openai/gpt-5.6-luna', 'openai/gpt-5.5'],
      fallback: ['openai/gpt-5.4-mini'],
    },
    {
      name: 'sums',
      match: named,
      cascade: {
        from: 'openai/gpt-5.6-luna',
        to: 'openai/gpt-5.5',
        verify: [chance, { agree: { with: 'openai/gpt-5.4-mini', form: 'text' } }],
      },
    },
    {
      name: 'talk',
      match: { tags: { feature: ['talk'] } },
      cascade: { from: 'openai/gpt-5.6-luna', to: ['openai/gpt-5.4-mini', 'openai/gpt-5.5'], verify: [chance] },
    },
    {
      name: 'dead',
      match: named,
      cascade: { from: 'dead/gpt-5.6-luna', to: 'openai/gpt-5.5', verify: [chance, 'agree'] },
    },
    {
      name: 'claude',
      match: { endpoints: ['messages'] },
      cascade: { from: 'anthropic/claude-haiku-4-5', to: 'anthropic/claude-sonnet-5', verify: [chance] },
    },
  ];
}

async function oneCall(
  engine: Engine,
  upstream: SimulatedProvider,
  random: Random,
  leaves: boolean,
  index: number,
): Promise<{ readonly sink: StrictSink; readonly hasLeft: boolean }> {
  const endpoint = among<Endpoint>(random, ['chat', 'chat', 'responses', 'messages']);
  const isStream = random.fraction() < 0.5;
  const content = `${among(random, TEXTS)}${random.fraction() < 0.5 ? '' : ` ${index}`}`;
  const model = endpoint === 'messages' ? 'claude-sonnet-5' : 'gpt-5.5';
  // Under the lower one answers are cut.
  const limit = random.fraction() < 0.2 ? 40 : 2000;
  const asked =
    endpoint === 'responses'
      ? { input: content, max_output_tokens: limit }
      : {
          messages: [{ role: 'user', content }],
          [endpoint === 'chat' ? 'max_completion_tokens' : 'max_tokens']: limit,
        };
  const headers = headersOf(endpoint, random);
  const leave = new AbortController();
  await wait(random.fraction() * 500);
  if (random.fraction() < 0.1) upstream.failNext({ kind: 'status', status: among(random, [429, 500, 503] as const) });
  if (leaves && random.fraction() < 0.3) setTimeout(() => leave.abort(), random.fraction() * 30);
  const sink = new StrictSink(random, 0.1);
  await engine.handle(
    {
      endpoint,
      body: Buffer.from(JSON.stringify({ model, stream: isStream, ...asked })),
      headers,
      caller: { project: 'p', keyId: 'k' },
      signal: leave.signal,
    },
    sink,
  );
  return { sink, hasLeft: leave.signal.aborted };
}

function headersOf(endpoint: Endpoint, random: Random): Record<string, string> {
  const headers: Record<string, string> = {};
  const name = among(random, NAMES);
  if (endpoint !== 'messages' && random.fraction() < 0.8) headers['x-farthing-route'] = name;
  if (random.fraction() < 0.3) headers['x-farthing-tags'] = 'feature=talk';
  if (random.fraction() < 0.2) headers['cache-control'] = among(random, ['no-cache', 'no-store', 'max-age=0']);
  if (random.fraction() < 0.2) headers['x-farthing-session'] = among(random, ['one', 'two']);
  return headers;
}

function among<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random.fraction() * values.length)] as T;
}

function wait(durationMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, durationMs));
}
