import type { Cluster, Redis } from 'ioredis';
import { FarthingError } from '../../core/errors.ts';
import type { OwnedRedisClient } from './redis-client.ts';

/** Longest pause between two attempts to connect, in milliseconds. */
const MAX_PAUSE_MS = 1000;

/**
 * Makes an ioredis client that never resends: a command whose connection broke may have taken place, and its sender decides what to do.
 * @throws FarthingError `configuration` when ioredis is not installed.
 * @internal
 */
export async function openIoredis(
  place: { readonly url: string } | { readonly clusterUrls: readonly string[] },
  timeoutMs: number,
): Promise<OwnedRedisClient> {
  const ioredis = await importIoredis();
  const node = {
    connectTimeout: timeoutMs * 2,
    // A server that answers nothing for so long is dropped, so that what waits for it does not pile up.
    socketTimeout: timeoutMs * 2,
    autoResendUnfulfilledCommands: false,
    // A primary that became a replica: find the new one.
    reconnectOnError: (error: Error): boolean => error.message.startsWith('READONLY'),
  };
  const shared = { enableAutoPipelining: true, enableOfflineQueue: false };
  const client =
    'url' in place
      ? new ioredis.Redis(place.url, { ...node, ...shared, retryStrategy: pause, maxRetriesPerRequest: 0 })
      : new ioredis.Cluster([...place.clusterUrls], {
          ...shared,
          clusterRetryStrategy: pause,
          slotsRefreshTimeout: timeoutMs * 2,
          redisOptions: node,
        });
  return watched(client, timeoutMs);
}

function pause(attempt: number): number {
  return Math.min(MAX_PAUSE_MS, 25 * 2 ** Math.min(attempt, 10));
}

interface IoredisModule {
  readonly Redis: typeof Redis;
  readonly Cluster: typeof Cluster;
}

async function importIoredis(): Promise<IoredisModule> {
  try {
    return await import('ioredis');
  } catch (cause) {
    throw new FarthingError('configuration', 'Redis needs the package ioredis: npm install ioredis', { cause });
  }
}

/** Lets commands wait for a connection that is only just being made, and fail at once when there has been none for longer. */
function watched(client: Redis | Cluster, timeoutMs: number): OwnedRedisClient {
  let isReady = false;
  let isAway = false;
  let timer: NodeJS.Timeout | undefined;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const all = waiting;
    waiting = [];
    for (const resolve of all) resolve();
  };
  const startWaiting = (): void => {
    timer ??= setTimeout(() => {
      isAway = true;
      wake();
    }, timeoutMs).unref();
  };
  client.on('ready', () => {
    isReady = true;
    isAway = false;
    wake();
  });
  client.on('close', () => {
    isReady = false;
    if (!isAway) startWaiting();
  });
  client.on('error', () => undefined); // every command that meets it says so itself
  startWaiting();
  return {
    isReady: () => isReady,
    async ready() {
      if (!isReady && !isAway) await new Promise<void>((resolve) => waiting.push(resolve));
      if (!isReady) throw new FarthingError('store-unavailable', 'Redis cannot be reached', { retryable: true });
    },
    call: (command, ...args) => client.call(command, ...args),
    hmgetBuffer: (key, ...fields) => client.hmgetBuffer(key, ...fields),
    async close() {
      isAway = true;
      wake();
      client.disconnect();
    },
  };
}
