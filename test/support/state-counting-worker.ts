/** Counts in a file of states, again whenever another process was faster: a process of its own as far as the file can tell. */
import { workerData } from 'node:worker_threads';
import { systemClock } from '../../src/engine/system-ports.ts';
import { openSqliteStateStore } from '../../src/stores/sqlite/sqlite-state-store.ts';
import { countUp } from './state-counting.ts';

const { path, times } = workerData as { readonly path: string; readonly times: number };
const store = await openSqliteStateStore({ path, clock: systemClock });
await countUp(store, times);
await store.close();
