import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { WebSink } from '../../src/client/web-sink.ts';
import type { Budget } from '../../src/core/budget/budget.ts';
import type { CallRecord, Charge, Intent } from '../../src/core/model/charge.ts';
import { type Endpoint, ENDPOINTS, type Protocol } from '../../src/core/model/protocol.ts';
import { parseTarget, type Target } from '../../src/core/model/target.ts';
import { parseUsd } from '../../src/core/money.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import type { ResiliencePolicy } from '../../src/core/resilience/resilience-policy.ts';
import type { Budgets } from '../../src/engine/budgets/open-budgets.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { EngineCache } from '../../src/engine/engine-options.ts';
import type { Engine } from '../../src/engine/engine-request.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import type { CacheStore } from '../../src/ports/cache-store.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { undiciProvider } from '../../src/providers/undici/undici-provider.ts';
import { MemoryCacheStore } from '../../src/stores/memory/memory-cache-store.ts';
import type { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';
import {
  type FaultyUpstream,
  type FaultyUpstreamOptions,
  startFaultyUpstream,
} from '../../src/testing/faulty-upstream.ts';
import { type AskedCall, ask, type Seen } from './asked-calls.ts';
import { closeStage, openStageBooks } from './stage-books.ts';

const PORTS = { clock: systemClock, random: systemRandom };
const CALLER = { project: 'default', keyId: 'local' };

/** The models of the stage: each has `one` as its first target, and `two` and `three` behind it as far as there are so many. */
export const MODELS: Readonly<Record<Endpoint, string>> = {
  chat: 'both-chat',
  responses: 'both-chat',
  embeddings: 'both-embed',
  messages: 'both-claude',
  'count-tokens': 'both-claude',
};

/** What each model is called by a target, as `provider/model` behind its place. */
const TARGETS: Readonly<Record<string, readonly [suffix: string, protocol: Protocol, model: string]>> = {
  'both-chat': ['', 'openai', 'gpt-5.4-mini'],
  'both-embed': ['', 'openai', 'text-embedding-3-small'],
  'both-claude': ['-claude', 'anthropic', 'claude-haiku-4-5'],
};

const PLACES = ['one', 'two', 'three'] as const;

/** Two or three upstreams that fail as they are told to, behind an engine in this process. */
export interface ResilienceStage {
  readonly engine: Engine;
  /** In the order of the targets. */
  readonly upstreams: readonly FaultyUpstream[];
  readonly records: readonly CallRecord[];
  readonly events: readonly EngineEvent[];
  readonly budgets: Budgets | undefined;
  /** For the official clients and `ask`: the origin is not looked at. */
  readonly fetch: typeof globalThis.fetch;
  ask(call: AskedCall): Promise<Seen & { readonly headers: Headers }>;
  charges(): Promise<readonly Charge[]>;
  openIntents(): Promise<readonly Intent[]>;
  /** Requests that each upstream has had. */
  requests(): readonly number[];
  /** The record of the only call that has finished since the last look. */
  record(): Promise<CallRecord>;
}

export interface StageOptions {
  /** @defaultValue 2 */
  readonly targets?: 1 | 2 | 3;
  readonly upstream?: FaultyUpstreamOptions;
  readonly resilience?: Partial<ResiliencePolicy>;
  /** @defaultValue 2 s to the first byte and between bytes, 10 s in all */
  readonly timeouts?: { readonly firstByteMs?: number; readonly idleMs?: number; readonly totalMs?: number };
  readonly cache?: Omit<EngineCache, 'store' | 'ttlMs'>;
  /** How long the cache takes to be read, in milliseconds. @defaultValue 0 */
  readonly cacheReadMs?: number;
  readonly budgets?: readonly Budget[];
  readonly budgetWaitMs?: number;
  /** Keys of each provider. @defaultValue one */
  readonly keys?: readonly string[];
  /** Other addresses in place of the upstreams'. */
  readonly origins?: readonly (string | undefined)[];
  /** How long the ledger takes to write a charge, in milliseconds. @defaultValue 0 */
  readonly chargeMs?: number;
  readonly aliases?: Readonly<Record<string, readonly string[]>>;
}

/** Starts the stage; everything is closed when the test ends, and then nothing may be under way or open. */
export async function startResilienceStage(options: StageOptions = {}): Promise<ResilienceStage> {
  const { targets = 2, keys = ['test'] } = options;
  const upstreams = await Promise.all(Array.from({ length: targets }, () => startFaultyUpstream(options.upstream)));
  const origins = upstreams.map(({ origin }, index) => options.origins?.[index] ?? origin);
  const books = await openStageBooks(options.budgets, PORTS);
  const { records, events, sink, ledger: memory, budgets } = books;
  const engine = createEngine({
    providers: origins.flatMap((origin, index) => providersOf(PLACES[index] ?? '', origin, keys)),
    aliases: new Map([...ownAliases(origins.length), ...givenAliases(options.aliases ?? {})]),
    priceBook: shippedPriceBook(),
    cache: options.cache && { ttlMs: 60_000, ...options.cache, store: cacheOf(options) },
    ledger: options.chargeMs === undefined ? memory : slowLedger(memory, options.chargeMs),
    reader: memory,
    ownerId: memory.ownerId,
    budgets,
    budgetPolicy: { waitMs: options.budgetWaitMs ?? 300 },
    timeouts: { firstByteMs: 2000, idleMs: 2000, totalMs: 10_000, ...options.timeouts },
    ...(options.resilience === undefined ? {} : { resilience: options.resilience }),
    events: sink,
    ...PORTS,
  });
  onTestFinished(async () => {
    await closeStage(engine, books);
    await Promise.all(upstreams.map((upstream) => upstream.close()));
  });
  const fetch = fetchOf(engine);
  let looked = 0;
  return {
    engine,
    upstreams,
    records,
    events,
    budgets,
    fetch,
    async ask(call) {
      let headers = new Headers();
      const seen = await ask('http://stage', { model: MODELS[call.endpoint], ...call }, async (...given) => {
        const reply = await fetch(...given);
        ({ headers } = reply);
        return reply;
      });
      return { ...seen, headers };
    },
    async charges() {
      const charges: Charge[] = [];
      for await (const charge of memory.charges({})) charges.push(charge);
      return charges;
    },
    openIntents: () => memory.openIntents(),
    requests: () => upstreams.map((upstream) => upstream.counters().requests),
    async record() {
      await expect.poll(() => records.length).toBeGreaterThan(looked);
      expect(records.length).toBe(looked + 1);
      looked = records.length;
      return records.at(-1) as CallRecord;
    },
  };
}

function cacheOf({ cacheReadMs }: StageOptions): CacheStore {
  const store = new MemoryCacheStore(PORTS);
  if (cacheReadMs === undefined) return store;
  return {
    read: async (key) => {
      await delay(cacheReadMs);
      return store.read(key);
    },
    write: (key, entry) => store.write(key, entry),
    remove: (key) => store.remove(key),
    removeMatching: (selector) => store.removeMatching(selector),
    close: () => store.close(),
  };
}

function slowLedger(ledger: MemoryLedger, chargeMs: number): Ledger {
  return {
    intend: (intent, asOwner) => ledger.intend(intent, asOwner),
    charge: async (charges) => {
      await delay(chargeMs);
      return ledger.charge(charges);
    },
    record: (record) => ledger.record(record),
    flush: () => ledger.flush(),
    close: () => ledger.close(),
  };
}

function providersOf(
  place: string,
  origin: string,
  keys: readonly string[],
): Parameters<typeof createEngine>[0]['providers'] {
  const apiKeys = keys.map((key) => ({ key }));
  const provider = (name: string, protocol: Protocol, baseUrl: string): ReturnType<typeof undiciProvider> =>
    undiciProvider({ name, protocol, baseUrl, apiKeys, random: systemRandom });
  return [
    { provider: provider(place, 'openai', `${origin}/v1`), vendor: 'openai', identity: `${place} ${origin}` },
    {
      provider: provider(`${place}-claude`, 'anthropic', origin),
      vendor: 'anthropic',
      identity: `${place} ${origin}`,
    },
  ];
}

function ownAliases(count: number): readonly (readonly [string, { readonly targets: readonly Target[] }])[] {
  return Object.entries(TARGETS).map(([name, [suffix, , model]]) => [
    name,
    { targets: PLACES.slice(0, count).map((place) => ({ provider: `${place}${suffix}`, model })) },
  ]);
}

function givenAliases(
  aliases: NonNullable<StageOptions['aliases']>,
): readonly (readonly [string, { readonly targets: readonly Target[] }])[] {
  return Object.entries(aliases).map(([name, targets]) => [
    name,
    { targets: targets.map((target) => parseTarget(target) as Target) },
  ]);
}

/** A `fetch` whose calls an engine answers. No wait between the call and the engine: calls that are made in one turn are under way in one turn. */
export function fetchOf(engine: Engine): typeof globalThis.fetch {
  return (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const endpoint = (Object.keys(ENDPOINTS) as Endpoint[]).find((name) => ENDPOINTS[name].clientPath === pathname);
    if (endpoint === undefined || typeof init?.body !== 'string')
      throw new Error(`no request of the stage: ${pathname}`);
    const leave = new AbortController();
    const sink = new WebSink(() => leave.abort());
    const onAbort = (): void => {
      leave.abort();
      sink.abort(new Error('the client has left'));
    };
    if (init.signal?.aborted === true) onAbort();
    init.signal?.addEventListener('abort', onAbort, { once: true });
    const { authorization: _own, ...headers } = Object.fromEntries(new Headers(init.headers));
    const body = Buffer.from(init.body);
    void engine.handle({ endpoint, body, headers, caller: CALLER, signal: leave.signal }, sink);
    return sink.response;
  };
}

/** A hard budget of so many dollars. */
export function hardBudget(limitUsd: string, scope: Budget['scope'] = { kind: 'all' }): Budget {
  return {
    name: `budget of ${scope.kind}`,
    scope,
    limitNanoUsd: parseUsd(limitUsd),
    window: { kind: 'total' },
    timezone: 'UTC',
    mode: 'hard',
    alertAtRatios: [],
    onLowBudget: 'refuse',
  };
}

/** What is known of each charge that matters here, in the order of attempts. */
export function briefly(charges: readonly Charge[], callId?: string): readonly string[] {
  return charges
    .filter((charge) => callId === undefined || charge.callId === callId)
    .toSorted((one, other) => numberOf(one) - numberOf(other))
    .map(({ target, certainty, outcome }) => `${target.split('/')[0]} ${certainty} ${outcome}`);
}

function numberOf({ chargeId }: Charge): number {
  return Number(chargeId.split('.').at(-1));
}

/** The attempts of a call, as its decisions tell of them. */
export function attemptsOf({ decisions }: CallRecord): readonly string[] {
  return decisions
    .filter(({ step }) => step === 'attempt')
    .map(
      ({ target = '', verdict, reason }) =>
        `${target.split('/')[0]} ${verdict}${reason === undefined ? '' : ` ${reason}`}`,
    );
}

/** That a record's money is that of its charges, and that the parts of what it saved are the whole. */
export async function expectMoneyOf(stage: ResilienceStage, record: CallRecord): Promise<void> {
  const charges = (await stage.charges()).filter(({ callId }) => callId === record.callId);
  expect(charges.length).toBe(record.attempts);
  const cost = charges.reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? Number.NaN), 0);
  expect(record.costNanoUsd).toBe(cost);
  const parts = Object.values(record.savedParts ?? {}).reduce((sum, part) => sum + part, 0);
  expect(record.savedNanoUsd).toBe(parts);
  expect((record.baselineNanoUsd ?? Number.NaN) - cost).toBe(parts);
}
