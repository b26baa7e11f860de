import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres, whyNoPostgres } from '../../../test/support/postgres-server.ts';
import { queueOf } from '../../core/model/deferred-call.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { collect } from '../../testing/collect.ts';
import { controlStoreConformance } from '../../testing/control-store-conformance.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { jobStoreConformance } from '../../testing/job-store-conformance.ts';
import { keyStoreConformance } from '../../testing/key-store-conformance.ts';
import { resourceRegistryConformance } from '../../testing/resource-registry-conformance.ts';
import { ledgerConformance } from '../../testing/ledger-conformance.ts';
import { ledgerOwnerConformance } from '../../testing/ledger-owner-conformance.ts';
import { sampleBatch, sampleDeferredCall } from '../../testing/sample-jobs.ts';
import { sampleCallRecord, sampleCharge, sampleIntent } from '../../testing/sample-ledger-rows.ts';
import { openPostgresControlStore } from './postgres-control-store.ts';
import { openPostgresJobStore, type PostgresJobStore } from './postgres-job-store.ts';
import { openPostgresKeyStore } from './postgres-key-store.ts';
import { openPostgresLedger, type PostgresLedger } from './postgres-ledger.ts';
import { openPostgresResourceRegistry } from './postgres-resource-registry.ts';
import { openPostgresStores } from './postgres-stores.ts';

const missing = whyNoPostgres();

describe.skipIf(missing !== undefined)(`on Postgres${missing === undefined ? '' : ` (not here: ${missing})`}`, () => {
  let server: PostgresServer;
  const clock = new FakeClock();
  const random = seededRandom(1);

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.close());

  async function openLedger(onFault?: (operation: string) => void): Promise<PostgresLedger & { readonly url: string }> {
    const url = await server.createDatabase();
    const ledger = await openPostgresLedger({ url, clock, random, ...(onFault === undefined ? {} : { onFault }) });
    return Object.assign(ledger, { url });
  }

  /** Lets inserts into a table fail. */
  async function breakTable(url: string, table: string, when = 'true'): Promise<() => Promise<unknown>> {
    await server.query(
      `CREATE FUNCTION farthing.broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$;
       CREATE TRIGGER broken BEFORE INSERT ON farthing.${table} FOR EACH ROW WHEN (${when})
       EXECUTE FUNCTION farthing.broken()`,
      url,
    );
    return () => server.query(`DROP TRIGGER broken ON farthing.${table}`, url);
  }

  describe('a ledger', () => {
    test.each(ledgerConformance(() => openLedger()))('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  describe('a ledger of several owners', () => {
    const rules = ledgerOwnerConformance(async () => {
      const url = await server.createDatabase();
      return {
        open: (owner) => openPostgresLedger({ url, random, ...owner }),
        close: async () => undefined,
      };
    });
    test.each(rules)('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  describe('a key store', () => {
    const make = async (): ReturnType<typeof openPostgresKeyStore> =>
      openPostgresKeyStore({ url: await server.createDatabase() });
    test.each(keyStoreConformance(make))('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  describe('a store of budgets and announcements', () => {
    const rules = controlStoreConformance(async (ruleClock) => {
      const url = await server.createDatabase();
      const open = (): ReturnType<typeof openPostgresControlStore> =>
        openPostgresControlStore({ url, clock: ruleClock });
      return Promise.all([open(), open()]);
    });
    test.each(rules)('$name', { timeout: 60_000 }, async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  describe('a registry of ids', () => {
    const rules = resourceRegistryConformance(async (ruleClock) => {
      const url = await server.createDatabase();
      const open = (): ReturnType<typeof openPostgresResourceRegistry> =>
        openPostgresResourceRegistry({ url, clock: ruleClock });
      return Promise.all([open(), open()]);
    });
    test.each(rules)('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  describe('deferred calls', () => {
    let url: string;
    let stores: readonly [PostgresJobStore, PostgresJobStore];
    beforeAll(async () => {
      url = await server.createDatabase();
      stores = [await openPostgresJobStore({ url }), await openPostgresJobStore({ url })];
    });
    afterAll(async () => {
      await Promise.all(stores.map((store) => store.close()));
    });
    const rules = jobStoreConformance(async () => {
      await server.query(
        'DELETE FROM farthing.jobs; DELETE FROM farthing.job_contents; DELETE FROM farthing.batches',
        url,
      );
      return stores;
    });
    test.each(rules)('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  test('a batch of more jobs than one statement takes has no more than fit, and all of them', async () => {
    const url = await server.createDatabase();
    const jobs = await openPostgresJobStore({ url });
    const queue = queueOf(sampleDeferredCall());
    await server.query(
      `INSERT INTO farthing.jobs (call_id, queue, run, position, at_ms, size_bytes, input_tokens, has_webhook, state,
         version, attempts, live_tier, batches, lease_until_ms)
       SELECT 'call_' || number, '${queue}', '', number, number, 2, 3, false, 'waiting', 1, 1, 'default', 0, 0
       FROM generate_series(0, 20999) AS number`,
      url,
    );
    const lease = { workerId: 'a', nowMs: 2_000, leaseMs: 1_000 };
    const room = { maxRequests: 50_000, maxBytes: 10_050 * 12 + 11, maxInputTokens: 1e9, lineBytes: 10 };
    const first = await jobs.form(sampleBatch(), room, lease);
    expect(first).toMatchObject({ requests: 10_050, sizeBytes: 120_600, inputTokens: 30_150 });
    const next = { ...room, maxBytes: 1e9, maxRequests: 10_500 };
    expect(await jobs.form(sampleBatch({ batchId: 'fb_2' }), next, lease)).toMatchObject({ requests: 10_500 });
    expect(await jobs.form(sampleBatch({ batchId: 'fb_3' }), next, lease)).toMatchObject({ requests: 450 });
    const taken = 'SELECT batch_id, min(position)::int, max(position)::int FROM farthing.jobs GROUP BY 1 ORDER BY 1';
    expect(await server.query(taken, url)).toEqual([
      { batch_id: 'fb_0000000000000001', min: 0, max: 10_049 },
      { batch_id: 'fb_2', min: 10_050, max: 20_549 },
      { batch_id: 'fb_3', min: 20_550, max: 20_999 },
    ]);
    await jobs.close();
  });

  test('all stores of an instance share their connections, and close with them', async () => {
    const url = await server.createDatabase();
    const stores = await openPostgresStores({ url, clock, random, maxConnections: 2 });
    await Promise.all([
      stores.ledger.charge([sampleCharge()]),
      stores.keys.version(),
      stores.control.announce('topic', 'text'),
      stores.control.budgets(),
      stores.resources.owners(['file-1']),
      stores.jobs.queues(),
    ]);
    const count = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'farthing' AND datname = current_database()`;
    expect((await server.query(count, url))[0]?.['count']).toBeLessThanOrEqual(2);
    await stores.close();
    await expect.poll(async () => (await server.query(count, url))[0]?.['count']).toBe(0);
    await expect(stores.keys.version()).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(stores.control.budgets()).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(stores.jobs.queues()).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(stores.resources.owners(['file-1'])).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(collect(stores.ledger.charges({}))).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  test('a charge that cannot be written is refused by name, its intent stays, and it can be made good', async () => {
    const ledger = await openLedger();
    await ledger.intend(sampleIntent());
    const mend = await breakTable(ledger.url, 'charges');
    await expect(ledger.charge([sampleCharge()])).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
    expect(await ledger.openIntents()).toHaveLength(1);
    await mend();
    await ledger.charge([sampleCharge()]);
    expect(await ledger.openIntents()).toEqual([]);
    expect(await collect(ledger.charges({}))).toEqual([sampleCharge()]);
    await ledger.close();
  });

  test('an intent that cannot be written is refused, so that nothing is sent that is not on record', async () => {
    const ledger = await openLedger();
    const mend = await breakTable(ledger.url, 'intents');
    await expect(ledger.intend(sampleIntent())).rejects.toMatchObject({ code: 'store-unavailable' });
    await mend();
    expect(await ledger.openIntents()).toEqual([]);
    await ledger.close();
  });

  test('charges written together are kept together or not at all, and do not fail their neighbours', async () => {
    const ledger = await openLedger();
    await breakTable(ledger.url, 'charges', `NEW.charge_id = 'call_1.2'`);
    const both = [sampleCharge(), sampleCharge({ chargeId: 'call_1.2' })];
    const other = sampleCharge({ chargeId: 'call_2.1', callId: 'call_2' });
    ledger.record(sampleCallRecord());
    const [refused, kept, intended] = await Promise.allSettled([
      ledger.charge(both),
      ledger.charge([other]),
      ledger.intend(sampleIntent({ chargeId: 'call_3.1', callId: 'call_3' })),
    ]);
    expect([refused.status, kept.status, intended.status]).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(await collect(ledger.charges({}))).toEqual([other]);
    await ledger.flush();
    expect(await collect(ledger.calls({}))).toEqual([sampleCallRecord()]);
    await ledger.close();
  });

  test('a call record that cannot be kept is reported at once and by the next flush, and then no more', async () => {
    const faults: string[] = [];
    const ledger = await openLedger((operation) => faults.push(operation));
    const mend = await breakTable(ledger.url, 'calls');
    ledger.record(sampleCallRecord());
    await expect(ledger.flush()).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(faults).toEqual(['record']);
    await mend();
    await ledger.flush();
    await ledger.close();
  });

  test('owners that are ended in the middle of their writes get no row behind their end, and no charge is lost or doubled', async () => {
    const writer = await openLedger();
    const ender = await openPostgresLedger({ url: writer.url, clock, random });
    const done = new AbortController();
    const charged: string[] = [];
    const lane = async (name: string): Promise<void> => {
      for (let number = 0; !done.signal.aborted; number += 1) {
        const ids = { callId: `${name}-${number}`, chargeId: `${name}-${number}.1` };
        await writer.intend(sampleIntent(ids));
        await writer.charge([sampleCharge(ids)]);
        charged.push(ids.callId);
      }
    };
    const lanes = Array.from({ length: 12 }, (_, index) => lane(`lane-${index}`));
    const sums = new Map<string, number>();
    for (let round = 0; sums.size < 20; round += 1) {
      const before = await ender.livingOwners();
      await ender.recover(clock.nowMs() + 3_600_000 * (round + 1));
      const after = await ender.livingOwners();
      for (const ownerId of before) if (!after.includes(ownerId)) sums.set(ownerId, await ownerSum(ender, ownerId));
    }
    done.abort();
    await Promise.all(lanes);
    for (const [ownerId, sum] of sums) expect(await ownerSum(ender, ownerId)).toBe(sum);
    const costs = new Map<string, number>();
    for (const row of await collect(ender.charges({}))) {
      costs.set(row.callId, (costs.get(row.callId) ?? 0) + (row.amountNanoUsd ?? 0));
    }
    expect([...costs.keys()].toSorted()).toEqual(charged.toSorted());
    expect([...costs.values()].filter((cost) => cost !== 1_200)).toEqual([]);
    expect(await ender.openIntents()).toEqual([]);
    await Promise.all([writer.close(), ender.close()]);
  });

  /** Lets inserts of charges take their time. */
  async function slowCharges(url: string, when: string): Promise<void> {
    await server.query(
      `CREATE FUNCTION farthing.slow() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END $$;
       CREATE TRIGGER slow BEFORE INSERT ON farthing.charges FOR EACH ROW WHEN (${when})
       EXECUTE FUNCTION farthing.slow()`,
      url,
    );
  }

  async function ownerSum(ledger: PostgresLedger, ownerId: string): Promise<number> {
    return (await collect(ledger.spending({ ownerId }))).reduce((sum, row) => sum + row.amountNanoUsd, 0);
  }

  test('who ends an owner waits for the row that it is writing', async () => {
    const writer = await openLedger();
    const ender = await openPostgresLedger({ url: writer.url, clock, random });
    await slowCharges(writer.url, 'true');
    const { ownerId } = writer;
    const charge = writer.charge([sampleCharge()]);
    await delay(150); // it is in the middle of its commit
    await ender.recover(clock.nowMs() + 3_600_000);
    expect(await ender.livingOwners()).not.toContain(ownerId);
    expect(await ownerSum(ender, ownerId)).toBe(1_200);
    await charge;
    expect(await ownerSum(ender, ownerId)).toBe(1_200);
    await Promise.all([writer.close(), ender.close()]);
  });

  test('an owner that is being ended waits for its end, and writes under its next id', async () => {
    const writer = await openLedger();
    const ender = await openPostgresLedger({ url: writer.url, clock, random });
    const { ownerId } = writer;
    await writer.intend(sampleIntent());
    await slowCharges(writer.url, `NEW.outcome = 'owner-died'`);
    const ending = ender.recover(clock.nowMs() + 3_600_000);
    await delay(150); // it is in the middle of its commit
    const [receipt] = await writer.charge([sampleCharge({ chargeId: 'call_2.1', callId: 'call_2' })]);
    expect(receipt?.ownerId).not.toBe(ownerId);
    expect(await ending).toBe(1);
    expect(await ownerSum(ender, ownerId)).toBe(5_000);
    expect(await ownerSum(ender, writer.ownerId)).toBe(1_200);
    await Promise.all([writer.close(), ender.close()]);
  });

  test('an intent that is an owner’s is kept under that owner or not at all', async () => {
    const writer = await openLedger();
    const ender = await openPostgresLedger({ url: writer.url, clock, random });
    const { ownerId } = writer;
    await writer.intend(sampleIntent(), ownerId);
    await ender.recover(clock.nowMs() + 3_600_000);
    const [refused, kept] = await Promise.allSettled([
      writer.intend(sampleIntent({ chargeId: 'call_2.1', callId: 'call_2' }), ownerId),
      writer.intend(sampleIntent({ chargeId: 'call_3.1', callId: 'call_3' })),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'store-unavailable', retryable: true } });
    expect(kept.status).toBe('fulfilled');
    expect((await ender.openIntents()).map((intent) => intent.callId)).toEqual(['call_3']);
    await expect(writer.intend(sampleIntent({ chargeId: 'call_4.1' }), ownerId)).rejects.toThrow('ended');
    await Promise.all([writer.close(), ender.close()]);
  });

  test('no row is written under another owner before it is admitted; while it is not, writes are refused', async () => {
    const writer = await openLedger();
    const ender = await openPostgresLedger({ url: writer.url, clock, random });
    const admitted: string[] = [];
    let isRefusing = true;
    writer.beforeNewOwner(async (ownerId) => {
      if (isRefusing) throw new Error('the counters are away');
      expect(await collect(ender.spending({ ownerId }))).toEqual([]);
      admitted.push(ownerId);
    });
    await ender.recover(clock.nowMs() + 3_600_000);
    await expect(writer.charge([sampleCharge()])).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(writer.recover(clock.nowMs())).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(await collect(ender.charges({}))).toEqual([]);
    isRefusing = false;
    const [receipt] = await writer.charge([sampleCharge()]);
    expect(admitted).toEqual([receipt?.ownerId]);
    expect(writer.ownerId).toBe(receipt?.ownerId);
    await Promise.all([writer.close(), ender.close()]);
  });

  test('text that Postgres cannot hold is kept where it counts', async () => {
    const ledger = await openLedger();
    const odd = { target: 'openai/a\u0000\uD800b', tags: { 'a\u0000': '\uDC00' } };
    await ledger.intend(sampleIntent({ ...odd, project: 'p\u0000q' }));
    expect(await ledger.openIntents()).toMatchObject([odd]);
    await ledger.charge([sampleCharge({ ...odd, project: 'p\u0000q' })]);
    expect(await collect(ledger.charges({ project: 'p\u0000q' }))).toMatchObject([{ ...odd, project: 'p\uFFFDq' }]);
    await ledger.close();
  });

  test('what acknowledges a commit has it on disk, also where the server would not wait for that', async () => {
    const url = await server.createDatabase();
    const name = new URL(url).pathname.slice(1);
    await server.query(`ALTER DATABASE ${name} SET synchronous_commit = off`);
    expect((await server.query('SHOW synchronous_commit', url))[0]).toEqual({ synchronous_commit: 'off' });
    const ledger = await openPostgresLedger({ url, clock, random });
    await server.query(
      `CREATE TABLE public.seen (value text);
       CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
       CREATE TRIGGER see BEFORE INSERT ON farthing.charges FOR EACH ROW EXECUTE FUNCTION public.see()`,
      url,
    );
    await ledger.charge([sampleCharge()]);
    expect(await server.query('SELECT value FROM public.seen', url)).toEqual([{ value: 'on' }]);
    await ledger.close();
  });
});
