import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, onTestFinished } from 'vitest';
import type { Budget } from '../../src/core/budget/budget.ts';
import type { CallRecord, Charge } from '../../src/core/model/charge.ts';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import { parseTarget, type Target } from '../../src/core/model/target.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import type { RouteRule } from '../../src/core/route/route-rule.ts';
import type { AnswerCheck } from '../../src/core/verify/answer-check.ts';
import type { Budgets } from '../../src/engine/budgets/open-budgets.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import { openRoutes } from '../../src/engine/routes/open-routes.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import type { CacheEntry } from '../../src/core/model/cache-entry.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import { MemoryCacheStore } from '../../src/stores/memory/memory-cache-store.ts';
import { fetchOf } from './resilience-stage.ts';
import { sayingProvider, type Speech } from './saying-provider.ts';
import { closeStage, openStageBooks } from './stage-books.ts';

const PORTS = { clock: systemClock, random: systemRandom };

/** The models of the stage: what a caller asks for is the strong one. */
export const CASCADE_MODELS = {
  chat: { cheap: 'gpt-5.4-nano', second: 'gpt-5.4-mini', strong: 'gpt-5.4' },
  messages: { cheap: 'claude-haiku-4-5', second: 'claude-sonnet-5', strong: 'claude-opus-4-8' },
} as const;

/** A question to the stage, in the form of its endpoint. */
export interface CascadeAsk {
  readonly endpoint: Endpoint;
  readonly prompt: string;
  readonly isStream?: boolean;
  readonly signal?: AbortSignal;
}

/** An engine with one cascading route for each protocol, in front of models that say what they are told to. */
export interface CascadeStage {
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  readonly records: readonly CallRecord[];
  readonly events: readonly EngineEvent[];
  readonly budgets: Budgets | undefined;
  /** What is in the cache now. */
  readonly stored: readonly CacheEntry[];
  /** Models in the order in which they were asked. */
  readonly asked: readonly string[];
  readonly fetch: typeof globalThis.fetch;
  /** Calls that have reached the engine: who leaves at once makes none. */
  made(): number;
  /** The text of an answer, by the official client. */
  text(ask: CascadeAsk): Promise<string>;
  /** The record of the last call, once there are so many. */
  record(count: number): Promise<CallRecord>;
  charges(): Promise<readonly Charge[]>;
}

export interface CascadeStageOptions {
  readonly says: (model: string, prompt: string) => Speech;
  /** @defaultValue the text is a number */
  readonly verify?: readonly AnswerCheck[];
  /** Adds the check that a second model agrees, in the words of each protocol. @defaultValue false */
  readonly agrees?: boolean;
  readonly fallbacks?: readonly string[];
  readonly isCached?: boolean;
  /** @defaultValue 0 */
  readonly retries?: number;
  readonly budgets?: readonly Budget[];
  readonly timeouts?: { readonly firstByteMs: number; readonly idleMs: number; readonly totalMs: number };
}

/** Starts one; it is closed when the test ends, and then nothing may be open. */
export async function startCascadeStage(options: CascadeStageOptions): Promise<CascadeStage> {
  const books = await openStageBooks(options.budgets, PORTS);
  const { records, events, sink, ledger, budgets } = books;
  const stored: CacheEntry[] = [];
  const asked: string[] = [];
  const routes = await openRoutes({
    rules: [rule('openai', options), rule('anthropic', options)],
    events: sink,
    clock: systemClock,
  });
  const store = new MemoryCacheStore(PORTS);
  const provider = (name: 'openai' | 'anthropic'): Parameters<typeof createEngine>[0]['providers'][number] => ({
    provider: sayingProvider(name, (model, prompt) => {
      asked.push(model);
      return options.says(model, prompt);
    }),
    vendor: name,
    identity: name,
  });
  const engine = createEngine({
    providers: [provider('openai'), provider('anthropic')],
    priceBook: shippedPriceBook(),
    cache: options.isCached === true ? { mode: 'all', ttlMs: 60_000, store: noting(store, stored) } : undefined,
    ledger,
    reader: ledger,
    ownerId: ledger.ownerId,
    budgets,
    budgetPolicy: { waitMs: 100 },
    routes,
    resilience: { retries: options.retries ?? 0 },
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
    events: sink,
    ...PORTS,
  });
  onTestFinished(() => closeStage(engine, books));
  let made = 0;
  const engineFetch = fetchOf(engine);
  const fetch: typeof globalThis.fetch = (...given) => {
    made += 1;
    return engineFetch(...given);
  };
  const openai = new OpenAI({ apiKey: 'test', baseURL: 'http://stage/v1', fetch, maxRetries: 0 });
  const anthropic = new Anthropic({ apiKey: 'test', baseURL: 'http://stage', fetch, maxRetries: 0 });
  return {
    openai,
    anthropic,
    records,
    events,
    budgets,
    stored,
    asked,
    fetch,
    made: () => made,
    text: (ask) => textOf(openai, anthropic, ask),
    async record(count) {
      await expect.poll(() => records.length).toBe(count);
      return records.at(-1) as CallRecord;
    },
    async charges() {
      const charges: Charge[] = [];
      for await (const charge of ledger.charges({})) charges.push(charge);
      return charges;
    },
  };
}

/** Keeps what is put into a store. */
function noting(store: MemoryCacheStore, stored: CacheEntry[]): MemoryCacheStore {
  const write = store.write.bind(store);
  store.write = (key, entry) => {
    stored.push(entry);
    return write(key, entry);
  };
  return store;
}

function rule(provider: 'openai' | 'anthropic', options: CascadeStageOptions): RouteRule {
  const { cheap, second, strong } = CASCADE_MODELS[provider === 'openai' ? 'chat' : 'messages'];
  const named = (model: string): Target => parseTarget(`${provider}/${model}`) as Target;
  const { verify = [{ kind: 'pattern', pattern: '^\\d+$' }], agrees = false, fallbacks = [] } = options;
  return {
    name: `${provider}-sums`,
    match: { models: [strong] },
    targets: [named(cheap), named(strong)],
    fallbacks: fallbacks.map(named),
    cascade: {
      verify: agrees ? [...verify, { kind: 'agree', target: named(second), form: 'text' }] : verify,
    },
    quality: undefined,
    score: undefined,
    sticky: false,
    policyVersion: '1',
  };
}

async function textOf(openai: OpenAI, anthropic: Anthropic, ask: CascadeAsk): Promise<string> {
  const { endpoint, prompt, isStream = false } = ask;
  const messages = [{ role: 'user' as const, content: prompt }];
  const options = ask.signal === undefined ? {} : { signal: ask.signal };
  if (endpoint === 'messages') {
    const { strong: model } = CASCADE_MODELS.messages;
    const asked = { model, max_tokens: 500, messages };
    if (isStream) return anthropic.messages.stream(asked, options).finalText();
    const { content } = await anthropic.messages.create(asked, options);
    return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  }
  const { strong: model } = CASCADE_MODELS.chat;
  if (endpoint === 'responses') {
    if (!isStream) return (await openai.responses.create({ model, input: prompt }, options)).output_text;
    return (await openai.responses.stream({ model, input: prompt }, options).finalResponse()).output_text;
  }
  if (!isStream) {
    const whole = await openai.chat.completions.create({ model, messages }, options);
    return whole.choices[0]?.message.content ?? '';
  }
  const final = await openai.chat.completions.stream({ model, messages }, options).finalContent();
  return final ?? '';
}

/** That a record's money is that of its charges, each attempt has one, and the parts of what was saved are the whole. */
export function expectMoneyOf(record: CallRecord, all: readonly Charge[]): void {
  const charges = all.filter(({ callId }) => callId === record.callId);
  expect(charges.length).toBe(record.attempts);
  expect(new Set(charges.map(({ chargeId }) => chargeId)).size).toBe(charges.length);
  const cost = charges.reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? Number.NaN), 0);
  expect(record.costNanoUsd).toBe(cost);
  const parts = Object.values(record.savedParts ?? {}).reduce((sum, part) => sum + part, 0);
  expect(record.savedNanoUsd).toBe(parts);
  expect((record.baselineNanoUsd ?? Number.NaN) - cost).toBe(parts);
  const side = charges
    .filter(({ kind }) => kind === 'verify')
    .reduce((sum, each) => sum + (each.amountNanoUsd ?? 0), 0);
  expect(record.savedParts?.['side-calls']).toBe(0 - side);
}
