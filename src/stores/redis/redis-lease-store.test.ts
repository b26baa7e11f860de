import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import { leaseStoreConformance } from '../../testing/lease-store-conformance.ts';
import { hasRedis, RedisServer } from '../../../test/support/redis-server.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisLeaseStore } from './redis-lease-store.ts';

describe.skipIf(!hasRedis())('on a real Redis', () => {
  let server: RedisServer;
  const opened: RedisConnection[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterEach(() => Promise.all(opened.splice(0).map((connection) => connection.close())));
  afterAll(() => server.close());

  const open = async (count: number): Promise<readonly RedisLeaseStore[]> => {
    await server.flush();
    for (let made = 0; made < count; made += 1) {
      opened.push(await RedisConnection.open({ url: server.url, timeoutMs: 5000 }));
    }
    return opened.map((connection) => new RedisLeaseStore({ connection }));
  };

  test.each(leaseStoreConformance({ open, pass: (durationMs) => delay(durationMs) }))('$name', ({ run }) => run());
});
