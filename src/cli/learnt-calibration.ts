import { existsSync } from 'node:fs';
import { type CalibrationState, NOTHING_LEARNT, readCalibration } from '../core/tokens/calibration.ts';
import { CALIBRATION_KEY } from '../engine/optimizer/calibration-learner.ts';
import { systemClock } from '../engine/system-ports.ts';
import { isFarthingError } from '../core/errors.ts';
import type { StateStore } from '../ports/state-store.ts';
import { storageOf } from './command-storage.ts';
import type { DataOptions } from './data-folder.ts';

/** For how long a person at a terminal waits for Redis, in milliseconds. */
const REDIS_TIMEOUT_MS = 2000;

/**
 * What a gateway has learnt of how far off counts are. Where nothing is kept, or what is kept cannot be asked, counts are shown as they are: the
 * command is of use without any gateway.
 * @internal
 */
export async function learntCalibration(options: DataOptions): Promise<CalibrationState> {
  let opened: { readonly store: StateStore; close(): Promise<void> } | undefined;
  try {
    opened = await openStates(options);
    const stored = await opened?.store.read(CALIBRATION_KEY);
    return stored === undefined ? NOTHING_LEARNT : readCalibration(JSON.parse(stored.value));
  } catch (error) {
    if (isFarthingError(error) && error.code === 'configuration') throw error;
    console.error(`note: what gateways have learnt cannot be read: ${String(error)}`);
    return NOTHING_LEARNT;
  } finally {
    await opened?.close();
  }
}

async function openStates(
  options: DataOptions,
): Promise<{ readonly store: StateStore; close(): Promise<void> } | undefined> {
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
