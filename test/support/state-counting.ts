import type { StateStore } from '../../src/ports/state-store.ts';

/** Adds so many ones to the number that is kept as `n/count`, one after the other. */
export async function countUp(store: StateStore, times: number): Promise<void> {
  for (let counted = 0; counted < times;) {
    // oxlint-disable-next-line no-await-in-loop -- each needs the version that is there then
    const kept = await store.read('n/count');
    const terms = { ttlMs: 60_000, expectedVersion: kept?.version ?? 0 };
    // oxlint-disable-next-line no-await-in-loop
    const { isWritten } = await store.write('n/count', `${Number(kept?.value ?? 0) + 1}`, terms);
    if (isWritten) counted += 1;
  }
}
