import { existsSync } from 'node:fs';
import { systemClock } from '../engine/system-ports.ts';
import type { StateStore } from '../ports/state-store.ts';
import { storageOf } from './command-storage.ts';
import type { DataOptions } from './data-folder.ts';

/** What gateways have learnt, opened for a command. @internal */
export interface OpenedStates {
  readonly store: StateStore;
  close(): Promise<void>;
}

/** For how long a person at a terminal waits for Redis, in milliseconds. */
const REDIS_TIMEOUT_MS = 2000;

/** Opens what gateways have learnt, also while they run. Undefined: there is none yet. @internal */
export async function openStates(options: DataOptions): Promise<OpenedStates | undefined> {
  const storage = await storageOf(options);
  if (storage.kind === 'folder') {
    const { statesPath } = await import('../stores/sqlite/data-files.ts');
    const path = statesPath(storage.path);
    if (!existsSync(path)) return undefined;
    const { openSqliteStateStore } = await import('../stores/sqlite/sqlite-state-store.ts');
    const store = await openSqliteStateStore({ path, clock: systemClock });
    return { store, close: () => store.close() };
  }
  const { RedisConnection } = await import('../stores/redis/redis-connection.ts');
  const { RedisStateStore } = await import('../stores/redis/redis-state-store.ts');
  const connection = await RedisConnection.open({ url: storage.redisUrl, timeoutMs: REDIS_TIMEOUT_MS });
  return { store: new RedisStateStore({ connection }), close: () => connection.close() };
}
