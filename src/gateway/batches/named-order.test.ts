import { describe, expect, test } from 'vitest';
import type { ClientBatch } from '../../core/model/provider-batch.ts';
import type { ResourceKind } from '../../core/model/resource.ts';
import { MemoryJobStore } from '../../stores/memory/memory-job-store.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleBatch } from '../../testing/sample-jobs.ts';
import type { ResourceExchange } from '../resources/resource-exchange.ts';
import { ClientBatchDraft } from './client-batch-draft.ts';
import { namedBatch, namedOrder, type NamedOrder } from './named-order.ts';

const encoder = new TextEncoder();

interface Facts {
  readonly project?: string;
  readonly provider?: string;
  readonly kind?: ResourceKind;
  readonly body?: string;
}

function orderOf(name: string, facts: Facts = {}): NamedOrder {
  const { project = 'own', provider = 'openai', kind = 'batches', body = '{}' } = facts;
  const exchange = { project, provider: { name: provider }, headers: { 'idempotency-key': name } };
  const order = namedOrder(exchange as unknown as ResourceExchange, kind, encoder.encode(body));
  if (order === undefined) throw new Error('it has a name');
  return order;
}

function clientOf({ orderHash }: NamedOrder, cachedRows = 0): ClientBatch {
  return {
    project: 'own',
    protocol: 'openai',
    provider: 'openai',
    endpoint: '/v1/chat/completions',
    inputFileId: 'file-in',
    metadata: undefined,
    cachedRows,
    orderHash,
  };
}

/** A store in which the tries under a name have come to something. */
async function tried(
  order: NamedOrder,
  ...tries: readonly Parameters<typeof sampleBatch>[0][]
): Promise<MemoryJobStore> {
  const jobs = new MemoryJobStore();
  for (const [index, facts] of tries.entries()) {
    const batchId = order.batchIds[index] ?? '';
    // oxlint-disable-next-line no-await-in-loop -- in their order
    await jobs.adopt(sampleBatch({ batchId, client: clientOf(order), ...facts }), []);
  }
  return jobs;
}

const REFUSED = { stage: 'abandoned', requests: 0 } as const;
const GIVEN_UP = { stage: 'abandoned', requests: 2 } as const;
const MADE = { stage: 'submitted', providerId: 'batch_1' } as const;

describe('ids', () => {
  test('another name, project, kind of batch or provider has other ids; another body has not', () => {
    const ids = orderOf('a').batchIds;
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^fb_[0-9a-f]{16}$/.test(id))).toBe(true);
    const others: readonly Facts[] = [{ project: 'other' }, { provider: 'backup' }, { kind: 'messages/batches' }];
    for (const other of [orderOf('b'), ...others.map((facts) => orderOf('a', facts))]) {
      expect(other.batchIds.filter((id) => ids.includes(id))).toEqual([]);
    }
    const changed = orderOf('a', { body: '{"x":1}' });
    expect([changed.batchIds, changed.orderHash === orderOf('a').orderHash]).toEqual([ids, false]);
  });

  test.each(['', 'x'.repeat(256)])('a name of no length, or of too much, is refused', (name) => {
    expect(() => orderOf(name)).toThrow(/1 to 255/);
  });
});

describe('what there is under a name', () => {
  test('tries that made nothing are passed over, and the one that made a batch is found behind them', async () => {
    const order = orderOf('a');
    const [first, second, third] = order.batchIds;
    expect(await namedBatch(await tried(order), order)).toMatchObject({ kind: 'free', place: { batchId: first } });
    const vain = await tried(order, REFUSED, GIVEN_UP);
    expect(await namedBatch(vain, order)).toMatchObject({ kind: 'free', place: { batchId: third } });
    const made = await tried(order, REFUSED, MADE);
    expect(await namedBatch(made, order)).toMatchObject({ kind: 'made', batch: { batchId: second } });
    const cached = await tried(order, { ...REFUSED, client: clientOf(order, 2) });
    expect(await namedBatch(cached, order)).toMatchObject({ kind: 'made', batch: { batchId: first } });
  });

  test('one that is being made, another request, and too many tries are refused', async () => {
    const order = orderOf('a');
    const beingMade = await tried(order, { stage: 'submitting', formedAtMs: 1, nextAtMs: 1 });
    await expect(namedBatch(beingMade, order)).rejects.toMatchObject({ status: 409, retryable: true });
    const other = orderOf('a', { body: '{"x":1}' });
    await expect(namedBatch(await tried(order, MADE), other)).rejects.toMatchObject({ status: 422, retryable: false });
    const vain = await tried(order, ...order.batchIds.map(() => REFUSED));
    await expect(namedBatch(vain, order)).rejects.toMatchObject({ status: 409, retryable: false });
  });

  test('of two that begin at the same moment one has it, and the other adds nothing to it', async () => {
    const order = orderOf('a');
    const jobs = new MemoryJobStore();
    const clock = new FakeClock();
    const never = (): never => {
      throw new Error('nobody is asked');
    };
    const openAs = (seed: number): Promise<ClientBatchDraft> =>
      ClientBatchDraft.open(
        { jobs, clock, engine: never, providerOf: () => undefined, wake: () => undefined, random: seededRandom(seed) },
        clientOf(order),
        { endpoint: 'chat', headers: {}, keyIndex: undefined, batchId: order.batchIds[0] },
      );
    const [first, second] = await Promise.allSettled([openAs(1), openAs(2)]);
    expect(second).toMatchObject({ status: 'rejected', reason: { status: 409, retryable: true } });
    if (first.status === 'fulfilled') await first.value.handOver({ stage: 'abandoned' });
    expect(await jobs.batches({ batchIds: order.batchIds })).toMatchObject([{ stage: 'abandoned' }]);
  });
});
