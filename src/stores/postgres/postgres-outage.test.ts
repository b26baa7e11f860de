import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres, whyNoPostgres } from '../../../test/support/postgres-server.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { collect } from '../../testing/collect.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleCallRecord, sampleCharge, sampleIntent } from '../../testing/sample-ledger-rows.ts';
import { openPostgresLedger, type PostgresLedger } from './postgres-ledger.ts';
import { openPostgresStores } from './postgres-stores.ts';

const missing = whyNoPostgres();
const AWAY = { code: 'store-unavailable', retryable: true };
const LEASE_MS = 60_000;

/** A way to the server on which answers can be lost. */
interface Line {
  readonly url: string;
  /** The next answers are lost, and the connection with them. */
  loseAnswer(): void;
  close(): void;
}

async function startLine(target: string): Promise<Line> {
  const { port, pathname } = new URL(target);
  let isLosing = false;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.pipe(far);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    far.on('data', (chunk) => {
      if (!isLosing) return void near.write(chunk);
      isLosing = false;
      near.destroy();
      return undefined;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const ownPort = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `postgres://postgres@127.0.0.1:${ownPort}${pathname}`,
    loseAnswer: () => {
      isLosing = true;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe.skipIf(missing !== undefined)(`on Postgres${missing === undefined ? '' : ` (not here: ${missing})`}`, () => {
  let server: PostgresServer;
  let clock: FakeClock;
  const random = seededRandom(3);
  const opened: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterEach(async () => {
    await Promise.allSettled(opened.splice(0).map((each) => each.close()));
  });
  afterAll(() => server.close());

  async function openLedger(url: string, timeoutMs?: number): Promise<PostgresLedger> {
    const timeout = timeoutMs === undefined ? {} : { timeoutMs };
    const ledger = await openPostgresLedger({ url, clock, random, leaseMs: LEASE_MS, ...timeout });
    opened.push(ledger);
    return ledger;
  }

  async function freshUrl(): Promise<string> {
    clock = new FakeClock();
    return server.createDatabase();
  }

  test('while the server is down everything is refused by name; when it is back everything works, nothing is lost or doubled', async () => {
    const url = await freshUrl();
    const stores = await openPostgresStores({ url, clock, random });
    opened.push(stores);
    const { ledger, keys, control } = stores;
    await ledger.intend(sampleIntent());
    await server.stop();
    ledger.record(sampleCallRecord());
    await expect(ledger.charge([sampleCharge()])).rejects.toMatchObject(AWAY);
    await expect(ledger.intend(sampleIntent({ chargeId: 'call_2.1', callId: 'call_2' }))).rejects.toMatchObject(AWAY);
    await expect(ledger.flush()).rejects.toMatchObject(AWAY);
    await expect(collect(ledger.charges({}))).rejects.toMatchObject(AWAY);
    await expect(ledger.recover(clock.nowMs())).rejects.toMatchObject(AWAY);
    await expect(keys.version()).rejects.toMatchObject(AWAY);
    await expect(control.announce('topic', 'text')).rejects.toMatchObject(AWAY);
    await server.start();
    const [receipt] = await ledger.charge([sampleCharge()]);
    expect(receipt?.ownerId).toBe(ledger.ownerId);
    expect(await collect(ledger.charges({}))).toEqual([sampleCharge()]);
    expect(await ledger.openIntents()).toEqual([]);
    await ledger.flush();
    expect(await collect(ledger.calls({}))).toEqual([sampleCallRecord()]);
    expect(await keys.version()).toBe(0);
    await control.announce('topic', 'text');
    expect(await control.newestAnnouncement()).toBe(1);
  });

  test.each(['fast', 'crash'] as const)('a %s restart under load loses and doubles nothing', async (mode) => {
    const ledger = await openLedger(await freshUrl());
    const done = new AbortController();
    const charged: string[] = [];
    const lane = async (name: string): Promise<void> => {
      for (let number = 0; !done.signal.aborted; number += 1) {
        const ids = { callId: `${name}-${number}`, chargeId: `${name}-${number}.1` };
        const isIntended = await ledger.intend(sampleIntent(ids)).then(
          () => true,
          () => false,
        );
        if (!isIntended) {
          await delay(5);
          continue;
        }
        while (!(await isKept(ledger.charge([sampleCharge(ids)])))) await delay(5);
        charged.push(ids.chargeId);
      }
    };
    const isKept = (work: Promise<unknown>): Promise<boolean> =>
      work.then(
        () => true,
        (error: unknown) => {
          expect(error).toMatchObject(AWAY);
          return false;
        },
      );
    const lanes = Array.from({ length: 8 }, (_, index) => lane(`lane-${index}`));
    await expect.poll(() => charged.length).toBeGreaterThan(100);
    await server.stop(mode);
    const before = charged.length;
    await delay(50);
    await server.start();
    await expect.poll(() => charged.length).toBeGreaterThan(before + 100);
    done.abort();
    await Promise.all(lanes);
    const rows = (await collect(ledger.charges({}))).map((row) => row.chargeId);
    expect(rows.toSorted()).toEqual(charged.toSorted());
    await ledger.recover(clock.nowMs()); // intents whose answer was lost are taken away
    expect(await ledger.openIntents()).toEqual([]);
  });

  test('a charge whose answer was lost is kept once, with the receipt of its row', async () => {
    const line = await startLine(await freshUrl());
    const ledger = await openLedger(line.url);
    await ledger.intend(sampleIntent());
    line.loseAnswer();
    const [receipt] = await ledger.charge([sampleCharge()]);
    const times = { atMs: 1_000, bookedAtMs: 1_000 };
    expect(receipt).toEqual({ chargeId: 'call_1.1', ownerId: ledger.ownerId, amountNanoUsd: 1_200, ...times });
    expect(await collect(ledger.charges({}))).toEqual([sampleCharge()]);
    line.close();
  });

  describe.skipIf(process.platform !== 'linux')('a frozen server', () => {
    const TIMEOUT_MS = 400;

    test('fails calls instead of holding them, and what it carries out late does no harm', async () => {
      const url = await freshUrl();
      const ledger = await openLedger(url, TIMEOUT_MS);
      await ledger.intend(sampleIntent());
      const [refused, waiting] = [
        { chargeId: 'call_2.1', callId: 'call_2' },
        { chargeId: 'call_3.1', callId: 'call_3' },
      ];
      server.freeze();
      const results = [ledger.charge([sampleCharge()]), ledger.intend(sampleIntent(refused))];
      await delay(50); // the commit of these two is under way
      results.push(ledger.intend(sampleIntent(waiting)));
      const settled = await Promise.allSettled(results);
      server.thaw();
      expect(settled).toMatchObject(results.map(() => ({ status: 'rejected', reason: AWAY })));
      await ledger.charge([sampleCharge()]);
      expect(await collect(ledger.charges({}))).toEqual([sampleCharge()]);
      await expect
        .poll(async () => {
          await ledger.recover(clock.nowMs());
          return ledger.openIntents();
        })
        .toEqual([]);
    });

    test('an intent that was refused and charged to an ended owner all the same is corrected to nothing', async () => {
      const url = await freshUrl();
      const [ledger, other] = [await openLedger(url, TIMEOUT_MS), await openLedger(url)];
      await ledger.intend(sampleIntent());
      const ended = ledger.ownerId;
      const refused = { chargeId: 'call_2.1', callId: 'call_2' };
      server.freeze();
      await expect(ledger.intend(sampleIntent(refused))).rejects.toMatchObject(AWAY);
      server.thaw();
      await expect.poll(() => other.openIntents()).toHaveLength(2);
      clock.advance(LEASE_MS - 1);
      await other.recover(clock.nowMs());
      clock.advance(1);
      expect(await other.recover(clock.nowMs())).toBe(2);
      await ledger.recover(clock.nowMs());
      expect(ledger.ownerId).not.toBe(ended);
      const rows = await collect(other.charges({ callId: 'call_2' }));
      expect(rows.map((row) => [row.amountNanoUsd, row.certainty])).toEqual([
        [5_000, 'estimate'],
        [-5_000, 'none'],
      ]);
    });

    test('does not hold a store that is closed', async () => {
      const ledger = await openLedger(await freshUrl(), TIMEOUT_MS);
      server.freeze();
      await expect(ledger.close()).rejects.toMatchObject(AWAY);
      server.thaw();
    });
  });
});
