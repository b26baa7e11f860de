import { expect, test } from 'vitest';
import { FakeClock } from '../../testing/fake-clock.ts';
import { stateStoreConformance } from '../../testing/state-store-conformance.ts';
import { MemoryStateStore } from './memory-state-store.ts';

const clock = new FakeClock();

const CASES = stateStoreConformance({
  open: async (count) => {
    // One process: both hands are on the same store.
    const store = new MemoryStateStore({ clock });
    return Array.from({ length: count }, () => store);
  },
  pass: async (durationMs) => clock.advance(durationMs),
});

test.each(CASES)('$name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});

test('beyond the bound of states those go that would expire first', async () => {
  const store = new MemoryStateStore({ clock, maxStates: 10 });
  for (let index = 0; index < 11; index += 1) void store.write(`n/${index}`, '0', { ttlMs: 1000 + ((index * 7) % 11) });
  const kept = (await store.readAll('n')).map(({ key }) => key);
  expect(kept).toHaveLength(9);
  expect(kept).not.toContain('n/0');
  expect(kept).not.toContain('n/8');
});

test('beyond the bound of bytes those go that would expire first, and what was replaced or removed has no weight', async () => {
  const store = new MemoryStateStore({ clock, maxBytes: 10_000 });
  const value = 'x'.repeat(900);
  for (let round = 0; round < 20; round += 1) void store.write('n/same', value, { ttlMs: 3000 });
  for (let round = 0; round < 20; round += 1) {
    void store.write('n/gone', value, { ttlMs: 2000 });
    void store.remove('n/gone');
  }
  for (let index = 0; index < 4; index += 1) void store.write(`n/${index}`, value, { ttlMs: 1000 + index });
  expect(await store.readAll('n')).toHaveLength(5);
  await store.write('n/4', value, { ttlMs: 1004 });
  expect((await store.readAll('n')).map(({ key }) => key)).toEqual(['n/same', 'n/4', 'n/3', 'n/2']);
});
