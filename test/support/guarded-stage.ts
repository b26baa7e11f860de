import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, onTestFinished } from 'vitest';
import { CollectingSink } from '../../src/client/collecting-sink.ts';
import type { Budget } from '../../src/core/budget/budget.ts';
import { DEFAULT_QUALITY, type QualityPolicy } from '../../src/core/guard/quality-policy.ts';
import type { CallRecord, Charge } from '../../src/core/model/charge.ts';
import type { Target } from '../../src/core/model/target.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import type { RouteRule } from '../../src/core/route/route-rule.ts';
import type { Budgets } from '../../src/engine/budgets/open-budgets.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { GuardBook } from '../../src/engine/guard/guard-book.ts';
import { openRoutes } from '../../src/engine/routes/open-routes.ts';
import { validateBySchema } from '../../src/engine/schema-validator.ts';
import { systemClock } from '../../src/engine/system-ports.ts';
import { ShadowSampler } from '../../src/jobs/shadow-samples.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import type { StateStore } from '../../src/ports/state-store.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { MemoryCacheStore } from '../../src/stores/memory/memory-cache-store.ts';
import { fetchOf } from './resilience-stage.ts';
import { sayingProvider, type Speech } from './saying-provider.ts';
import { closeStage, openStageBooks } from './stage-books.ts';

const CALLER = { project: 'default', keyId: 'local' };

/** The targets of the stage's route, by how dear they are. */
export const GUARDED: Readonly<Record<'cheap' | 'strong', Target>> = {
  cheap: { provider: 'openai', model: 'gpt-5.4-nano' },
  strong: { provider: 'openai', model: 'gpt-5.4' },
};

/** The same at Anthropic's. */
export const GUARDED_CLAUDE: Readonly<Record<'cheap' | 'strong', Target>> = {
  cheap: { provider: 'anthropic', model: 'claude-haiku-4-5' },
  strong: { provider: 'anthropic', model: 'claude-opus-4-8' },
};

/** An engine with one guarded route for each protocol, whose models say what a test wants. */
export interface GuardedStage {
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  readonly guard: GuardBook;
  /** Of all calls, shadows and judges too. */
  readonly records: readonly CallRecord[];
  readonly events: readonly EngineEvent[];
  readonly budgets: Budgets | undefined;
  /** Asks the route so many times, each time waiting for what the guard makes of it; gives the targets that answered. */
  ask(count: number, prompt?: (index: number) => string): Promise<readonly (string | undefined)[]>;
  /** Waits for all samples. */
  idle(): Promise<void>;
  charges(): Promise<readonly Charge[]>;
}

export interface GuardedStageOptions {
  readonly says: (model: string, prompt: string) => Speech;
  readonly quality?: Partial<QualityPolicy>;
  readonly route?: Partial<RouteRule>;
  readonly budgets?: readonly Budget[];
  readonly store?: StateStore;
  /** Requests a minute that all callers have together. @defaultValue no limit */
  readonly requestsPerMinute?: number;
  /** @defaultValue no cache */
  readonly isCached?: boolean;
}

/** Starts one; it is closed when the test ends, and then nothing may be open. */
export async function startGuardedStage(options: GuardedStageOptions): Promise<GuardedStage> {
  const ports = { clock: systemClock, random: seededRandom(1) };
  const books = await openStageBooks(options.budgets, ports);
  const { records, events, sink, ledger, budgets } = books;
  const rules = [ruleOf('chat', GUARDED, options), ruleOf('claude', GUARDED_CLAUDE, options)];
  const routes = await openRoutes({ rules, store: options.store, clock: systemClock, events: sink });
  const guard = routes?.guard;
  if (guard === undefined) throw new Error('there are routes with quality to keep');
  const engine = createEngine({
    ...ports,
    providers: (['openai', 'anthropic'] as const).map((name) => ({
      provider: sayingProvider(name, options.says),
      vendor: name,
      identity: name,
    })),
    priceBook: shippedPriceBook(),
    cache: options.isCached === true ? { mode: 'all', ttlMs: 60_000, store: new MemoryCacheStore(ports) } : undefined,
    ledger,
    reader: ledger,
    ownerId: ledger.ownerId,
    budgets,
    budgetPolicy: { waitMs: 0 },
    routes,
    resilience: { retries: 0 },
    limits:
      options.requestsPerMinute === undefined
        ? undefined
        : { projects: new Map([[CALLER.project, { requestsPerMinute: options.requestsPerMinute }]]) },
    events: sink,
    onRouted: (call) => sampler.take(call),
  });
  const sampler: ShadowSampler = new ShadowSampler({
    ...ports,
    engine,
    guard,
    protocolOf: (provider) => (provider === 'anthropic' ? 'anthropic' : 'openai'),
    validate: validateBySchema,
    events: sink,
  });
  onTestFinished(async () => {
    await sampler.close();
    await closeStage(engine, books);
    await guard.close();
  });
  const fetch = fetchOf(engine);
  const openai = new OpenAI({ apiKey: 'test', baseURL: 'http://stage/v1', fetch, maxRetries: 0 });
  return {
    openai,
    anthropic: new Anthropic({ apiKey: 'test', baseURL: 'http://stage', fetch, maxRetries: 0 }),
    guard,
    records,
    events,
    budgets,
    async idle() {
      // A client has its answer before the engine has finished with the call.
      await expect.poll(() => engine.inFlight()).toBe(0);
      await sampler.idle();
    },
    async ask(count, prompt = (index) => `question ${index}`) {
      const before = records.length;
      for (let index = 0; index < count; index += 1) {
        const messages = [{ role: 'user', content: prompt(index) }];
        const body = Buffer.from(JSON.stringify({ model: GUARDED.strong.model, messages }));
        const { signal } = new AbortController();
        // oxlint-disable-next-line no-await-in-loop -- what one call taught decides where the next one goes
        await engine.handle({ endpoint: 'chat', body, headers: {}, caller: CALLER, signal }, new CollectingSink());
        await sampler.idle(); // oxlint-disable-line no-await-in-loop
      }
      return callers(records.slice(before)).map(({ target }) => target);
    },
    async charges() {
      const charges: Charge[] = [];
      for await (const charge of ledger.charges({})) charges.push(charge);
      return charges;
    },
  };
}

/** Records of calls that somebody made, not of our own. */
export function callers(records: readonly CallRecord[]): readonly CallRecord[] {
  return records.filter(({ route }) => route?.reason !== 'opted-out');
}

function ruleOf(
  name: string,
  targets: Readonly<Record<'cheap' | 'strong', Target>>,
  { quality, route }: GuardedStageOptions,
): RouteRule {
  return {
    name,
    match: { models: [targets.strong.model] },
    targets: [targets.cheap, targets.strong],
    fallbacks: [],
    cascade: undefined,
    quality: {
      ...DEFAULT_QUALITY,
      maxQualityLoss: 0.2,
      confidenceRatio: 0.9,
      calibrateRatio: 1,
      sampleRatio: 1,
      judge: { kind: 'exact', form: 'text' },
      ...quality,
    },
    score: undefined,
    sticky: false,
    policyVersion: 'v1',
    ...route,
  };
}
