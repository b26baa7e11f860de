import { onTestFinished } from 'vitest';
import { type LibraryRoute, libraryRoutes } from '../../src/client/library-routes.ts';
import { WebSink } from '../../src/client/web-sink.ts';
import type { Budget } from '../../src/core/budget/budget.ts';
import type { Caller } from '../../src/core/model/caller.ts';
import type { CallRecord, Charge } from '../../src/core/model/charge.ts';
import type { Endpoint, Protocol } from '../../src/core/model/protocol.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import type { RouteRule } from '../../src/core/route/route-rule.ts';
import type { RouteAlias } from '../../src/core/route/route-table.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { EngineOptions } from '../../src/engine/engine-options.ts';
import { openRoutes } from '../../src/engine/routes/open-routes.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import { MemoryCacheStore } from '../../src/stores/memory/memory-cache-store.ts';
import { sayingProvider, type Speech } from './saying-provider.ts';
import { closeStage, openStageBooks } from './stage-books.ts';

const PORTS = { clock: systemClock, random: systemRandom };

/** Providers of the stage: two of OpenAI's protocol, one of Anthropic's. */
const PROVIDERS: Readonly<Record<string, Protocol>> = { openai: 'openai', house: 'openai', anthropic: 'anthropic' };

/** One request to the stage. */
interface AuditAsk {
  /** @defaultValue 'chat' */
  readonly endpoint?: Endpoint;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly caller?: Partial<Caller>;
  readonly signal?: AbortSignal;
}

interface AuditReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** An engine under routes in front of providers that say what they are told to, asked by whomever a test makes up. */
export interface AuditStage {
  readonly records: readonly CallRecord[];
  readonly events: readonly EngineEvent[];
  /** `provider/model` in the order in which they were asked. */
  readonly asked: readonly string[];
  ask(ask: AuditAsk): Promise<AuditReply>;
  charges(): Promise<readonly Charge[]>;
  last(): CallRecord;
}

export interface AuditOptions extends Pick<EngineOptions, 'timeouts' | 'resilience'> {
  readonly routes?: readonly LibraryRoute[];
  /** In place of `routes`. */
  readonly rules?: readonly RouteRule[];
  /** @defaultValue every model says `fine` */
  readonly says?: (target: string, prompt: string) => Speech;
  readonly isCached?: boolean;
  readonly allowStored?: boolean;
  /** One cache for several stages. */
  readonly store?: MemoryCacheStore;
  readonly aliases?: Readonly<Record<string, RouteAlias>>;
  readonly budgets?: readonly Budget[];
}

/** Starts one; it is closed when the test ends, and then nothing may be open. */
export async function startAuditStage(options: AuditOptions): Promise<AuditStage> {
  const { says = () => ({ text: 'fine' }), routes = [], isCached = false } = options;
  const rules = options.rules ?? libraryRoutes(routes, Object.keys(PROVIDERS));
  const books = await openStageBooks(options.budgets, PORTS);
  const { records, events, sink, ledger, budgets } = books;
  const asked: string[] = [];
  const store = options.store ?? new MemoryCacheStore(PORTS);
  const engine = createEngine({
    providers: Object.entries(PROVIDERS).map(([name, protocol]) => ({
      provider: {
        ...sayingProvider(protocol, (model, prompt) => {
          asked.push(`${name}/${model}`);
          return says(`${name}/${model}`, prompt);
        }),
        name,
      },
      vendor: protocol,
      identity: name,
    })),
    aliases: new Map(Object.entries(options.aliases ?? {})),
    priceBook: shippedPriceBook(),
    cache: isCached ? { mode: 'all', ttlMs: 60_000, allowStored: options.allowStored ?? false, store } : undefined,
    ledger,
    reader: ledger,
    ownerId: ledger.ownerId,
    budgets,
    budgetPolicy: { waitMs: 100 },
    routes: await openRoutes({ rules, events: sink, clock: systemClock }),
    resilience: { retries: 0, ...options.resilience },
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
    events: sink,
    ...PORTS,
  });
  onTestFinished(() => closeStage(engine, books));
  return {
    records,
    events,
    asked,
    async ask({ endpoint = 'chat', body, headers = {}, caller, signal = new AbortController().signal }) {
      const sent = new WebSink(() => undefined);
      await engine.handle(
        {
          endpoint,
          body: new TextEncoder().encode(JSON.stringify(body)),
          headers,
          caller: { project: 'p', keyId: 'k', ...caller },
          signal,
        },
        sent,
      );
      const response = await sent.response;
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
    async charges() {
      const charges: Charge[] = [];
      for await (const charge of ledger.charges({})) charges.push(charge);
      return charges;
    },
    last() {
      const record = records.at(-1);
      if (record === undefined) throw new Error('no call has finished');
      return record;
    },
  };
}

/** A chat that asks a model. */
export function chat(
  model: string,
  content = 'What is a farthing?',
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return { model, messages: [{ role: 'user', content }], ...more };
}
