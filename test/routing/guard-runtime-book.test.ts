import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { GuardSample } from '../../src/core/guard/guard-state.ts';
import { DEFAULT_QUALITY } from '../../src/core/guard/quality-policy.ts';
import { nanoUsd } from '../../src/core/money.ts';
import type { RouteRule } from '../../src/core/route/route-rule.ts';
import { GuardBook } from '../../src/engine/guard/guard-book.ts';
import { routeStatusJson } from '../../src/engine/guard/route-status.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import type { StateStore } from '../../src/ports/state-store.ts';
import { MemoryStateStore } from '../../src/stores/memory/memory-state-store.ts';
import { RedisConnection } from '../../src/stores/redis/redis-connection.ts';
import { RedisStateStore } from '../../src/stores/redis/redis-state-store.ts';
import { openSqliteStateStore } from '../../src/stores/sqlite/sqlite-state-store.ts';
import { hasRedis, RedisServer } from '../support/redis-server.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

const GOOD: Partial<GuardSample> = { loss: 0 };
const BAD: Partial<GuardSample> = { loss: 1, wasRouted: true };

function ruleOf(changes: Partial<RouteRule> = {}): RouteRule {
  return {
    name: 'chat',
    match: {},
    targets: [
      { provider: 'p', model: 'cheap' },
      { provider: 'p', model: 'strong' },
    ],
    fallbacks: [],
    cascade: undefined,
    quality: { maxQualityLoss: 0.1, ...DEFAULT_QUALITY, judge: { kind: 'exact', form: 'text' } },
    score: undefined,
    sticky: false,
    policyVersion: 'v1',
    ...changes,
  };
}

function sampleOf(changes: Partial<GuardSample> = {}): GuardSample {
  return { candidate: 'p/cheap', loss: 0, wasRouted: false, costNanoUsd: nanoUsd(3), atMs: 1000, ...changes };
}

interface Opened {
  readonly book: GuardBook;
  readonly clock: FakeClock;
  readonly events: EngineEvent[];
  /** Brings samples in and waits until they are in the store. */
  feed(count: number, changes?: Partial<GuardSample>): Promise<void>;
}

let made = 0;

async function open(
  store: StateStore | undefined,
  rule: RouteRule = ruleOf(),
  clock = new FakeClock(),
): Promise<Opened> {
  const events: EngineEvent[] = [];
  const book = new GuardBook({ routes: [rule], store, clock, events: { emit: (event) => events.push(event) } });
  await book.load();
  const feed: Opened['feed'] = async (count, changes) => {
    for (let index = 0; index < count; index += 1) book.observe(rule.name, `s${(made += 1)}`, sampleOf(changes));
    await settled();
  };
  return { book, clock, events, feed };
}

/** Lets what a memory store was asked for come to its end. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
}

function samplesOf(book: GuardBook): number {
  return book.statuses()[0]?.report.allSamples ?? -1;
}

/** A store that can be told to fail or to hang. */
class TroubledStore extends MemoryStateStore {
  trouble: 'none' | 'fails' | 'hangs' | 'loses-answers' = 'none';

  override async read(key: string): ReturnType<MemoryStateStore['read']> {
    await this.#trouble();
    return super.read(key);
  }

  override async write(...given: Parameters<MemoryStateStore['write']>): ReturnType<MemoryStateStore['write']> {
    if (this.trouble === 'loses-answers') {
      await super.write(...given);
      throw new Error('the connection broke');
    }
    await this.#trouble();
    return super.write(...given);
  }

  async #trouble(): Promise<void> {
    if (this.trouble === 'fails') throw new Error('the disk is gone');
    if (this.trouble === 'hangs') await new Promise(() => undefined);
  }
}

describe('a standing', () => {
  test('begins uncertified, and a good cheap target is certified', async () => {
    const { book, feed, events } = await open(undefined);
    expect(book.standing('chat')).toMatchObject({ certifiedIndex: undefined, isAlarmed: false, calibration: '1.0' });
    await feed(200, GOOD);
    const { certifiedIndex, calibration } = book.standing('chat');
    expect(certifiedIndex).toBe(0);
    expect(events).toMatchObject([{ kind: 'route-certified', route: 'chat', target: 'p/cheap', meanLoss: 0 }]);
    expect(calibration).toBe(`1.${(events[0] as { samples: number }).samples}`);
  });

  test('a bad cheap target is never certified', async () => {
    const { book, feed, events } = await open(undefined);
    for (let round = 0; round < 40; round += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await feed(10, round % 5 === 0 ? { loss: 1 } : GOOD);
    }
    expect(book.standing('chat').certifiedIndex).toBeUndefined();
    expect(events).toEqual([]);
  });

  test('a fall raises the alarm: back to the strong target, in a new round', async () => {
    const { book, feed, events } = await open(undefined);
    await feed(200, GOOD);
    await feed(60, BAD);
    expect(book.standing('chat')).toMatchObject({ certifiedIndex: undefined, isAlarmed: true });
    expect(events.at(-1)).toMatchObject({ kind: 'route-alarm', route: 'chat', target: 'p/cheap' });
    expect(book.standing('chat').calibration).toMatch(/^2\./);
    await feed(400, GOOD);
    expect(book.standing('chat').certifiedIndex).toBe(0);
  });

  test('of a route that is not known, or has nothing to guard, is uncertified', async () => {
    const { book } = await open(undefined, ruleOf({ quality: undefined }));
    expect(book.standing('chat').certifiedIndex).toBeUndefined();
    expect(book.standing('nowhere').calibration).toBe('0.0');
    book.observe('nowhere', 'x', sampleOf());
    expect(book.statuses()).toEqual([]);
  });

  test('of a route with a score says up to which', async () => {
    const model = { certified: null } as NonNullable<RouteRule['score']>['model'];
    const { book, feed } = await open(undefined, ruleOf({ score: { model, threshold: 0.11 } }));
    await feed(250, { loss: 0, score: 0 });
    expect(book.standing('chat')).toMatchObject({ certifiedIndex: 0, threshold: 0.11 });
    const other = await open(undefined, ruleOf({ score: { model, threshold: 0.11 } }));
    for (let index = 0; index < 40; index += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await other.feed(4, { loss: 0, score: -0.4 });
      await other.feed(1, { loss: 1, score: 0.05 }); // oxlint-disable-line no-await-in-loop
    }
    expect(other.book.standing('chat')).toMatchObject({ certifiedIndex: 0, threshold: 0.04 });
  });

  test('of a cascade is that of all its targets together', async () => {
    const { book, feed } = await open(undefined, ruleOf({ cascade: { verify: [] } }));
    await feed(200, { ...GOOD, candidate: 'cascade' });
    expect(book.standing('chat')).toMatchObject({ certifiedIndex: 0, threshold: undefined });
  });
});

describe('what is kept', () => {
  test('survives the process: a certificate, an alarm, the money', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'farthing-guard-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const clock = new FakeClock();
    const openStore = () => openSqliteStateStore({ path: join(folder, 'states.db'), clock });
    const certified = await openStore();
    const first = await open(certified, ruleOf(), clock);
    // So many that betting has begun anew several times.
    for (let hundred = 0; hundred < 10; hundred += 1) await first.feed(100, GOOD); // oxlint-disable-line no-await-in-loop
    first.book.spent('chat', 'lost', nanoUsd(7));
    await first.feed(1, GOOD);
    await first.book.close();
    await certified.close();

    const again = await openStore();
    const second = await open(again, ruleOf(), clock);
    expect(second.book.standing('chat')).toEqual(first.book.standing('chat'));
    expect(second.book.statuses()[0]?.report).toMatchObject({ allSamples: 1001, spentNanoUsd: 3 * 1001 + 7 });
    await second.feed(80, BAD);
    expect(second.book.standing('chat').isAlarmed).toBe(true);
    await second.book.close();
    const third = await open(again, ruleOf(), clock);
    expect(third.book.standing('chat')).toEqual(second.book.standing('chat'));
    await third.book.close();
    await again.close();
  });

  test('belongs to the route as it is written: another version begins anew, and the first one is still there', async () => {
    const store = new MemoryStateStore({ clock: new FakeClock() });
    const first = await open(store);
    await first.feed(200, GOOD);
    const other = await open(store, ruleOf({ policyVersion: 'v2' }));
    expect(other.book.standing('chat').certifiedIndex).toBeUndefined();
    await other.feed(1, GOOD);
    expect((await open(store)).book.standing('chat').certifiedIndex).toBe(0);
  });

  test.each(['no json', '{}', '{"guard":{},"recent":[]}', '{"guard":null,"recent":[1]}', 'null', '[]'])(
    'is no state where it says %j: told once, and written over',
    async (value) => {
      const clock = new FakeClock();
      const store = new MemoryStateStore({ clock });
      await store.write('route-guard/v1/chat/v1', value, { ttlMs: 60_000 });
      const { book, events, feed } = await open(store, ruleOf(), clock);
      clock.advance(2000);
      expect(book.standing('chat').certifiedIndex).toBeUndefined();
      await settled();
      expect(events).toMatchObject([{ kind: 'store-failed', store: 'states', operation: 'parse' }]);
      await feed(2, GOOD);
      expect(samplesOf((await open(store, ruleOf(), clock)).book)).toBe(2);
    },
  );

  test('is written again where the store has lost it', async () => {
    const store = new MemoryStateStore({ clock: new FakeClock() });
    const { book, feed } = await open(store);
    await feed(200, GOOD);
    await store.remove('route-guard/v1/chat/v1');
    await feed(1, GOOD);
    expect(book.standing('chat').certifiedIndex).toBe(0);
    expect(samplesOf((await open(store)).book)).toBe(201);
  });

  test('has no more than a store takes, whatever has happened', async () => {
    const store = new MemoryStateStore({ clock: new FakeClock() });
    const model = { certified: null } as NonNullable<RouteRule['score']>['model'];
    const { feed } = await open(store, ruleOf({ score: { model, threshold: undefined } }));
    await feed(5000, { loss: 0.3, score: 0.1 });
    const stored = await store.read('route-guard/v1/chat/v1');
    expect(Buffer.byteLength(stored?.value ?? '')).toBeLessThan(40_000);
  });
});

describe('processes that share a store', () => {
  test('count each sample once, however they interleave', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 60 }),
        async (steps) => {
          const store = new MemoryStateStore({ clock: new FakeClock() });
          const [one, other] = [await open(store), await open(store)];
          for (const [isOne, waits] of steps) {
            (isOne ? one : other).book.observe('chat', `p${(made += 1)}`, sampleOf());
            if (waits) await Promise.resolve(); // oxlint-disable-line no-await-in-loop
          }
          await Promise.all([one.book.close(), other.book.close()]);
          const { book } = await open(store);
          expect(book.statuses()[0]?.report).toMatchObject({
            allSamples: steps.length,
            spentNanoUsd: steps.length * 3,
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  test('may be two programs on one file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'farthing-guard-'));
    const path = join(folder, 'states.db');
    const clock = new FakeClock();
    const stores = [await openSqliteStateStore({ path, clock }), await openSqliteStateStore({ path, clock })];
    onTestFinished(async () => {
      await Promise.all(stores.map((store) => store.close()));
      rmSync(folder, { recursive: true, force: true });
    });
    const books = await Promise.all(stores.map((store) => open(store, ruleOf(), clock)));
    await Promise.all(books.map(({ feed }) => feed(60, GOOD)));
    await Promise.all(books.map(({ book }) => book.close()));
    const { book } = await open(stores[0], ruleOf(), clock);
    expect(book.statuses()[0]?.report).toMatchObject({ allSamples: 120, spentNanoUsd: 360 });
    expect(books.flatMap(({ events }) => events).map(({ kind }) => kind)).toEqual(['route-certified']);
  });

  test.skipIf(!hasRedis())('may be two programs on one Redis, which counts each sample once', async () => {
    const server = await RedisServer.start();
    const connections = await Promise.all([0, 1].map(() => RedisConnection.open({ url: server.url, timeoutMs: 5000 })));
    onTestFinished(async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await server.close();
    });
    const stores = connections.map((connection) => new RedisStateStore({ connection }));
    const books = await Promise.all(stores.map((store) => open(store)));
    await Promise.all(books.map(({ feed }) => feed(60, GOOD)));
    await Promise.all(books.map(({ book }) => book.close()));
    const { book } = await open(stores[0]);
    expect(book.statuses()[0]?.report).toMatchObject({ allSamples: 120, spentNanoUsd: 360 });
    expect(book.standing('chat').certifiedIndex).toBe(0);
    expect(books.flatMap(({ events }) => events).map(({ kind }) => kind)).toEqual(['route-certified']);
  });

  test('learn of a certificate and of an alarm within a second, and only one of them tells it', async () => {
    const clock = new FakeClock();
    const store = new MemoryStateStore({ clock });
    const [one, other] = [await open(store, ruleOf(), clock), await open(store, ruleOf(), clock)];
    await one.feed(200, GOOD);
    expect(other.book.standing('chat').certifiedIndex).toBeUndefined();
    clock.advance(1000);
    other.book.standing('chat');
    await settled();
    expect(other.book.standing('chat').certifiedIndex).toBe(0);
    await other.feed(80, BAD);
    clock.advance(1000);
    one.book.standing('chat');
    await settled();
    expect(one.book.standing('chat').isAlarmed).toBe(true);
    expect([one.events.length, other.events.length]).toEqual([1, 1]);
  });
});

describe('a store in trouble', () => {
  test('that fails is told once; what was known stands, own alarms hold at once, and all is written later', async () => {
    const clock = new FakeClock();
    const store = new TroubledStore({ clock });
    const { book, feed, events } = await open(store, ruleOf(), clock);
    await feed(200, GOOD);
    store.trouble = 'fails';
    clock.advance(120_000);
    expect(book.standing('chat').certifiedIndex).toBe(0);
    await feed(80, BAD);
    expect(book.standing('chat').isAlarmed).toBe(true);
    expect(events.map(({ kind }) => kind)).toEqual(['route-certified', 'store-failed', 'route-alarm']);
    store.trouble = 'none';
    await expect
      .poll(() => store.read('route-guard/v1/chat/v1').then((stored) => stored?.value), { timeout: 4000 })
      .toContain('"round":2');
    expect(samplesOf((await open(store, ruleOf(), clock)).book)).toBe(280);
    expect(events.filter(({ kind }) => kind === 'route-alarm')).toHaveLength(1);
  });

  test('that hangs delays no start, and nothing is certified until it has answered', async () => {
    const store = new TroubledStore({ clock: new FakeClock() });
    const first = await open(store);
    await first.feed(200, GOOD);
    store.trouble = 'hangs';
    const startedMs = performance.now();
    const { book } = await open(store);
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(book.standing('chat').certifiedIndex).toBeUndefined();
    expect(book.statuses()[0]?.isLoaded).toBe(false);
  });

  test('that writes and does not say so makes no sample count twice', async () => {
    const store = new TroubledStore({ clock: new FakeClock() });
    const { book, feed } = await open(store);
    store.trouble = 'loses-answers';
    await feed(3, GOOD);
    store.trouble = 'none';
    await book.close();
    expect(samplesOf((await open(store)).book)).toBe(3);
  });
});

test('a status says what is certified, on what evidence, what it cost, and what it does not say', async () => {
  const { book, feed } = await open(undefined);
  await feed(200, GOOD);
  const [status] = book.statuses();
  if (status === undefined) throw new Error('no status');
  const json = JSON.parse(JSON.stringify(routeStatusJson(status))) as Record<string, unknown>;
  expect(json).toMatchObject({
    route: 'chat',
    targets: ['p/cheap', 'p/strong'],
    standing: 'certified',
    certified: 'p/cheap',
    threshold: null,
    since: '1970-01-01T00:00:01.000Z',
    maxQualityLoss: 0.1,
    allSamples: 200,
    candidates: [{ name: 'p/cheap', isCertified: true, samples: 200, meanLoss: 0, interval: [0, 0] }],
    guardCostUsd: '0.0000006',
    events: [{ kind: 'certified', candidate: 'p/cheap', at: '1970-01-01T00:00:01.000Z' }],
  });
  expect(json['limits']).toHaveLength(4);
});
