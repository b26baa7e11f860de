import { expect, onTestFinished, test } from 'vitest';
import { collect } from '../../src/testing/collect.ts';
import { CollectingSink } from '../../src/client/collecting-sink.ts';
import type { Budget } from '../../src/core/budget/budget.ts';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import type { DeferredCall } from '../../src/core/model/deferred-call.ts';
import { nanoUsd, parseUsd } from '../../src/core/money.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { EngineCache } from '../../src/engine/engine-options.ts';
import type { Engine, EngineRequest } from '../../src/engine/engine-request.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import type { Deferral } from '../../src/middleware/compose.ts';
import { MemoryCacheStore } from '../../src/stores/memory/memory-cache-store.ts';
import { closeStage, openStageBooks, type StageBooks } from '../support/stage-books.ts';
import { scriptedProvider } from '../support/scripted-provider.ts';

const PORTS = { clock: systemClock, random: systemRandom };
const LIMIT: Budget = {
  name: 'all',
  scope: { kind: 'all' },
  limitNanoUsd: parseUsd('1'),
  window: { kind: 'total' },
  timezone: 'UTC',
  mode: 'hard',
  alertAtRatios: [],
  onLowBudget: 'refuse',
};
const REPLY = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, message: { role: 'assistant', content: 'four' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 },
  service_tier: 'default',
});
/** 1,000 tokens at $0.15 and 100 at $0.60 a million. */
const LIVE_NANO_USD = 210_000;

interface Stage extends StageBooks {
  readonly engine: Engine;
  readonly sent: Uint8Array[];
  readonly kept: DeferredCall[];
  ask(body: object, more?: Partial<EngineRequest>, endpoint?: Endpoint): Promise<CollectingSink>;
  deferral(more?: Partial<Deferral>): Deferral;
  /** What the hard budget has given away, in nano-dollars. */
  used(): number;
}

async function stage(budgets: readonly Budget[] = [LIMIT], cache: Partial<EngineCache> = {}): Promise<Stage> {
  const books = await openStageBooks(budgets, PORTS);
  const sent: Uint8Array[] = [];
  const engine = createEngine({
    providers: [{ provider: scriptedProvider('openai', 'openai', sent), vendor: 'openai', identity: 'here' }],
    priceBook: shippedPriceBook(),
    cache: { store: new MemoryCacheStore(PORTS), mode: 'all', ttlMs: 60_000, ...cache },
    ledger: books.ledger,
    reader: books.ledger,
    ownerId: books.ledger.ownerId,
    budgets: books.budgets,
    events: books.sink,
    ...PORTS,
  });
  onTestFinished(() => closeStage(engine, books));
  const kept: DeferredCall[] = [];
  return {
    ...books,
    engine,
    sent,
    kept,
    async ask(body, more, endpoint = 'chat') {
      const sink = new CollectingSink();
      await engine.handle(
        {
          endpoint,
          body: Buffer.from(JSON.stringify(body)),
          headers: {},
          caller: { project: 'p', keyId: 'k' },
          signal: new AbortController().signal,
          ...more,
        },
        sink,
      );
      return sink;
    },
    deferral: (more) => ({
      terms: { run: '', position: 0, deadlineAtMs: undefined, webhookUrl: undefined },
      mayAnswerLive: true,
      accept: (call) => {
        kept.push(call);
        return Promise.resolve({
          confirm: () => Promise.resolve({ status: 202, headers: { 'content-type': 'application/json' }, body: '{}' }),
        });
      },
      ...more,
    }),
    used: () => {
      const facts = { project: 'p', keyId: 'k', tags: {}, target: 'openai/gpt-4o-mini' };
      const left = books.budgets?.keeper.remaining(facts)[0]?.leftNanoUsd ?? 0;
      return LIMIT.limitNanoUsd - left;
    },
  };
}

const BODY = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: '2 + 2?' }], max_tokens: 100 };

test('a call that waits holds its price of today in the ledger, and costs half of it once a batch has answered', async () => {
  const { ask, deferral, kept, ledger, engine, records, used, sent } = await stage();
  const told = await ask(BODY, { deferral: deferral() });
  expect(told.status).toBe(202);
  expect(sent).toEqual([]);
  expect(records).toEqual([]);
  const [call] = kept as [DeferredCall];
  expect(call).toMatchObject({ target: 'openai/gpt-4o-mini', modelAsked: 'gpt-4o-mini', project: 'p' });
  expect(used()).toBe(call.boundNanoUsd);
  const { charge, record, isAnswer } = await engine.settleDeferred(call, {
    kind: 'reply',
    status: 200,
    body: REPLY,
    serviceTier: 'batch',
  });
  expect(isAnswer).toBe(true);
  expect(charge).toMatchObject({ certainty: 'exact', amountNanoUsd: LIVE_NANO_USD / 2 });
  expect(record).toMatchObject({
    costNanoUsd: LIVE_NANO_USD / 2,
    baselineNanoUsd: LIVE_NANO_USD,
    savedParts: { tier: LIVE_NANO_USD / 2, retries: 0 },
    isEstimate: false,
  });
  expect(used()).toBe(LIVE_NANO_USD / 2);
  const rows = await collect(ledger.charges({}));
  expect(rows.reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? 0), 0)).toBe(LIVE_NANO_USD / 2);
  const again = await ask(BODY);
  expect(again.headers['cache-status']).toContain('hit');
  expect(sent).toEqual([]);
});

test('an end that is told twice is booked once', async () => {
  const { ask, deferral, kept, engine, used } = await stage();
  await ask(BODY, { deferral: deferral() });
  const [call] = kept as [DeferredCall];
  const end = { kind: 'reply', status: 200, body: REPLY, serviceTier: 'batch' } as const;
  await engine.settleDeferred(call, end);
  await engine.settleDeferred(call, end);
  expect(used()).toBe(LIVE_NANO_USD / 2);
});

test('what a batch never answered, or refused, gives its money back', async () => {
  const { ask, deferral, kept, engine, used } = await stage();
  await ask(BODY, { deferral: deferral() });
  await ask({ ...BODY, max_tokens: 99 }, { deferral: deferral() });
  const [first, second] = kept as [DeferredCall, DeferredCall];
  expect(used()).toBe(first.boundNanoUsd + second.boundNanoUsd);
  const { charge } = await engine.settleDeferred(first, { kind: 'none', outcome: 'expired' });
  expect(charge).toMatchObject({ certainty: 'none', amountNanoUsd: 0, outcome: 'expired' });
  const refused = await engine.settleDeferred(second, {
    kind: 'reply',
    status: 400,
    body: '{"error":{"message":"no","type":"invalid_request_error"}}',
    serviceTier: 'batch',
  });
  expect(refused).toMatchObject({ isAnswer: false, charge: { certainty: 'none' }, record: { status: 400 } });
  expect(used()).toBe(0);
});

test('a call that goes on live keeps its id, is charged beside its batch, and hands its record to whoever asked for it', async () => {
  const { ask, deferral, kept, records, ledger } = await stage();
  await ask(BODY, { deferral: deferral() });
  const [call] = kept as [DeferredCall];
  const [held] = await collect(ledger.charges({}));
  const handed: unknown[] = [];
  await ask(BODY, {
    resumes: {
      callId: call.callId,
      arrivedAtMs: call.atMs,
      serviceTier: undefined,
      attempts: 1,
      charges: held === undefined ? [] : [held],
      onRecord: (record) => void handed.push(record),
    },
  });
  expect(records).toEqual([]);
  expect(handed).toMatchObject([{ callId: call.callId, outcome: 'complete', attempts: 2, isEstimate: true }]);
  const charges = await collect(ledger.charges({}));
  expect(charges.map(({ chargeId }) => chargeId)).toEqual([`${call.callId}.1`, `${call.callId}.2`]);
});

test('a call that goes on live on a cheaper tier says so to its target, and to nobody else', async () => {
  const { ask, sent } = await stage();
  const resumes = { callId: 'call_1', arrivedAtMs: 1, attempts: 1, charges: [], onRecord: () => undefined };
  await ask(BODY, { resumes: { ...resumes, serviceTier: 'flex' } });
  await ask({ ...BODY, seed: 1 }, { resumes: { ...resumes, serviceTier: undefined } });
  const tiers = sent.map(
    (body) => (JSON.parse(Buffer.from(body).toString()) as { service_tier?: string }).service_tier,
  );
  expect(tiers).toEqual(['flex', undefined]);
});

test('a call that cannot wait is answered now, or refused where only a batch will do', async () => {
  const { ask, deferral, kept, sent } = await stage();
  const stream = await ask({ ...BODY, stream: true }, { deferral: deferral() });
  expect([stream.status, stream.text()]).toMatchObject([400, expect.stringContaining('cannot be streamed')]);
  const stateful = { model: 'gpt-4o-mini', input: 'go on', previous_response_id: 'resp_1' };
  expect((await ask(stateful, { deferral: deferral() }, 'responses')).status).toBe(200);
  const strict = await ask(stateful, { deferral: deferral({ mayAnswerLive: false }) }, 'responses');
  expect([strict.status, strict.text()]).toMatchObject([400, expect.stringContaining('stored-conversation')]);
  expect((await ask(BODY, { deferral: deferral({ accept: () => Promise.resolve(undefined) }) })).status).toBe(200);
  expect(kept).toEqual([]);
  expect(sent).toHaveLength(2);
});

test('a request for embeddings that waits says how many inputs it has', async () => {
  const { ask, deferral, kept } = await stage();
  const input = [[1, 2], [3], [4]];
  await ask({ model: 'text-embedding-3-small', input }, { deferral: deferral() }, 'embeddings');
  await ask({ model: 'text-embedding-3-small', input: [1, 2] }, { deferral: deferral() }, 'embeddings');
  expect(kept.map(({ inputs }) => inputs)).toEqual([3, undefined]);
});

test('a hard budget that cannot hold it refuses a call that would wait', async () => {
  const { ask, deferral, kept } = await stage([{ ...LIMIT, limitNanoUsd: nanoUsd(1000) }]);
  expect((await ask(BODY, { deferral: deferral() })).status).toBe(402);
  expect(kept).toEqual([]);
});

test('a purse bounds what calls spend together, and gets back what they did not', async () => {
  const { ask, deferral } = await stage();
  const settled: unknown[] = [];
  const purse = (isEnough: boolean): EngineRequest['purse'] => ({
    take: () => isEnough,
    settle: (bound, amount) => void settled.push([typeof bound, amount]),
  });
  expect((await ask(BODY, { purse: purse(false) })).status).toBe(402);
  expect((await ask(BODY, { purse: purse(false), deferral: deferral() })).status).toBe(402);
  expect(settled).toEqual([]);
  expect((await ask(BODY, { purse: purse(true) })).status).toBe(200);
  expect(settled).toEqual([['number', 900]]);
});

test('of answers that come all at once, as those of a batch do, each is put into the cache', async () => {
  const { ask, deferral, kept, engine, sent } = await stage([LIMIT], { maxEntryBytes: REPLY.length });
  const { model, max_tokens } = BODY;
  const bodies = ['a', 'b', 'c', 'd', 'e'].map((content) => ({
    model,
    messages: [{ role: 'user', content }],
    max_tokens,
  }));
  for (const body of bodies) await ask(body, { deferral: deferral() }); // oxlint-disable-line no-await-in-loop -- in their order
  const end = { kind: 'reply', status: 200, body: REPLY, serviceTier: 'batch' } as const;
  await Promise.all(kept.map((call) => engine.settleDeferred(call, end)));
  const asked = await Promise.all(bodies.map((body) => ask(body, { deferral: deferral() })));
  expect(asked.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(sent).toEqual([]);
});
