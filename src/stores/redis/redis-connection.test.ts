import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { hasRedis, RedisServer } from '../../../test/support/redis-server.ts';
import { RedisConnection, type RedisConnectionOptions } from './redis-connection.ts';
import { redisScript } from './redis-script.ts';

const unavailable = { code: 'store-unavailable', retryable: true };
const COUNT = redisScript(`return redis.call('INCR', KEYS[1])`);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function startServer(): Promise<RedisServer> {
  const server = await RedisServer.start();
  closing.push(() => server.close());
  return server;
}

async function connect(options: RedisConnectionOptions): Promise<RedisConnection> {
  const connection = await RedisConnection.open(options);
  closing.push(() => connection.close());
  return connection;
}

/** How long something took, in milliseconds, and that it failed. */
async function failureMs(connection: RedisConnection): Promise<number> {
  const startMs = performance.now();
  await expect(connection.command('PING')).rejects.toMatchObject(unavailable);
  return performance.now() - startMs;
}

test('a Redis that was never there fails commands, later ones at once', async () => {
  const connection = await connect({ url: 'redis://127.0.0.1:1', timeoutMs: 200 });
  await failureMs(connection);
  await expect.poll(() => failureMs(connection)).toBeLessThan(100);
});

test('braces in the prefix are refused: they would put all keys into one slot', async () => {
  await expect(RedisConnection.open({ url: 'redis://127.0.0.1:1', keyPrefix: '{a}' })).rejects.toThrow(RangeError);
});

describe.skipIf(!hasRedis())('with a real Redis', () => {
  test('the first command waits until it is connected', async () => {
    const server = await startServer();
    const connection = await connect({ url: server.url, timeoutMs: 5000 });
    expect(await connection.command('PING')).toBe('PONG');
  });

  test('a process that was busy itself reads the answer before it takes the command for failed', async () => {
    const server = await startServer();
    const connection = await connect({ url: server.url, timeoutMs: 200 });
    await connection.command('PING');
    const answer = connection.command('BLPOP', 'nothing', '0.1');
    await server.command('PING');
    // In the midst of what was read from a socket: timers come before the next look at the sockets.
    const untilMs = performance.now() + 300;
    while (performance.now() < untilMs);
    expect(await answer).toBeNull();
  });

  test('one that hangs fails commands in time, and they work again after it', async () => {
    const server = await startServer();
    const connection = await connect({ url: server.url, timeoutMs: 300 });
    await connection.command('PING');
    server.freeze();
    expect(await failureMs(connection)).toBeLessThan(1500);
    server.thaw();
    await expect.poll(() => connection.command('PING').catch(() => ''), { timeout: 10_000 }).toBe('PONG');
  });

  test('one that is stopped fails commands, and they work again when it is started', async () => {
    const server = await startServer();
    const connection = await connect({ url: server.url, timeoutMs: 300 });
    await connection.command('PING');
    await server.stop();
    await failureMs(connection);
    await expect.poll(() => failureMs(connection), { timeout: 5000 }).toBeLessThan(100);
    await server.start();
    await expect.poll(() => connection.command('PING').catch(() => ''), { timeout: 10_000 }).toBe('PONG');
  });

  test('a command whose connection breaks is not sent again', async () => {
    const server = await startServer();
    const connection = await connect({ url: server.url, timeoutMs: 5000 });
    await connection.script(COUNT, ['n']);
    server.freeze();
    const counting = Promise.allSettled(Array.from({ length: 10 }, () => connection.script(COUNT, ['n'])));
    await server.stop();
    expect((await counting).every(({ status }) => status === 'rejected')).toBe(true);
    await server.start();
    await expect.poll(() => connection.command('PING').catch(() => ''), { timeout: 10_000 }).toBe('PONG');
    expect(await connection.script(COUNT, ['n'])).toBe(1);
  });

  test('a server that has forgotten the scripts is given them again', async () => {
    const server = await startServer();
    const connection = await connect({ url: server.url });
    expect(await connection.script(COUNT, ['n'])).toBe(1);
    await server.command('SCRIPT', 'FLUSH');
    expect(await Promise.all([connection.script(COUNT, ['n']), connection.script(COUNT, ['n'])])).toEqual([2, 3]);
  });

  test("a program's own client is used, and left open", async () => {
    const server = await startServer();
    const client = new Redis(server.url);
    closing.push(() => client.quit());
    const connection = await connect({ client, keyPrefix: 'mine:' });
    expect(await connection.script(COUNT, ['n'])).toBe(1);
    await connection.close();
    await expect(connection.command('PING')).rejects.toMatchObject(unavailable);
    expect(await client.get('n')).toBe('1');
  });

  test('an error of Redis names its code and no arguments', async () => {
    const server = await startServer();
    const connection = await connect({ url: server.url });
    await connection.command('SET', 'secret-key', 'secret-value');
    await expect(connection.command('HGET', 'secret-key', 'secret-field')).rejects.toThrow('Redis answered WRONGTYPE');
    await expect(connection.command('NOSUCH', 'secret')).rejects.not.toThrow('secret');
  });
});
