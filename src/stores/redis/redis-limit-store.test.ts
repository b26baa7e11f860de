import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { correctedBucket, fullBucket, takeFromBucket, type TokenBucket } from '../../core/limit/token-bucket.ts';
import { limitStoreConformance } from '../../testing/limit-store-conformance.ts';
import { hasRedis, RedisServer } from '../../../test/support/redis-server.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisLimitStore } from './redis-limit-store.ts';

describe.skipIf(!hasRedis())('on a real Redis', () => {
  let server: RedisServer;
  const opened: RedisConnection[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterEach(() => Promise.all(opened.splice(0).map((connection) => connection.close())));
  afterAll(() => server.close());

  const open = async (count: number): Promise<readonly RedisLimitStore[]> => {
    await server.flush();
    for (let made = 0; made < count; made += 1) {
      opened.push(await RedisConnection.open({ url: server.url, timeoutMs: 5000 }));
    }
    return opened.map((connection) => new RedisLimitStore({ connection }));
  };

  test.each(limitStoreConformance(open))('$name', ({ run }) => run());

  test('any run of claims and corrections gives what the reference gives', async () => {
    const [store] = await open(1);
    const action = fc.record({
      isClaim: fc.boolean(),
      afterMs: fc.integer({ min: -5000, max: 100_000 }),
      want: fc.integer({ min: 1, max: 2000 }),
      least: fc.integer({ min: 1, max: 2000 }),
      amount: fc.integer({ min: -3000, max: 3000 }),
    });
    const terms = fc.record({
      capacity: fc.integer({ min: 1, max: 1500 }),
      perMinute: fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.constant(0.7)),
    });
    let number = 0;
    await fc.assert(
      fc.asyncProperty(terms, fc.array(action, { maxLength: 40 }), async (limit, actions) => {
        number += 1;
        let nowMs = 1_800_000_000_000;
        let bucket: TokenBucket | undefined;
        for (const { isClaim, afterMs, want, least, amount } of actions) {
          nowMs += afterMs;
          bucket ??= fullBucket(limit, nowMs);
          if (!isClaim) {
            await store?.correct(`${number}`, limit, amount, nowMs);
            bucket = correctedBucket(bucket, limit, amount, nowMs);
            continue;
          }
          const claim = { want: Math.max(want, least), least, nowMs };
          const expected = takeFromBucket(bucket, limit, claim);
          bucket = expected.bucket;
          const { granted, waitMs } = expected;
          expect(await store?.take(`${number}`, limit, claim)).toEqual({ granted, waitMs });
        }
      }),
      { numRuns: 40 },
    );
  });

  test('what need not be kept is forgotten by itself', async () => {
    const [store] = await open(1);
    await store?.take('k', { capacity: 10, perMinute: 60 }, { want: 1, least: 1, nowMs: 1_800_000_000_000 });
    await store?.hold('k', { ownerId: 'a', count: 1, limit: 2, leaseMs: 1000, nowMs: 1_800_000_000_000 });
    expect(await server.command('PTTL', 'farthing:tb:{k}')).toMatch(/^:3[56]\d{5}\r\n$/);
    expect(await server.command('PTTL', 'farthing:tp:{k}')).toMatch(/^:3[56]\d{5}\r\n$/);
    await store?.hold('k', { ownerId: 'a', count: 0, limit: 2, leaseMs: 1000, nowMs: 1_800_000_000_000 });
    expect(await server.command('EXISTS', 'farthing:tp:{k}')).toBe(':0\r\n');
  });
});
