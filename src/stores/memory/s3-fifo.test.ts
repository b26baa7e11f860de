import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { S3Fifo } from './s3-fifo.ts';

function filled(maxEntries: number): { cache: S3Fifo<number>; evicted: string[] } {
  const evicted: string[] = [];
  return { cache: new S3Fifo<number>({ maxBytes: 1e9, maxEntries }, (key) => evicted.push(key)), evicted };
}

test('a scan of keys asked for once does not displace those in use', () => {
  const { cache } = filled(100);
  for (let key = 0; key < 50; key += 1) cache.set(`hot${key}`, key, 1);
  for (let key = 0; key < 50; key += 1) cache.get(`hot${key}`);
  for (let key = 0; key < 1000; key += 1) cache.set(`scan${key}`, key, 1);
  const left = Array.from({ length: 50 }, (_, key) => cache.get(`hot${key}`)).filter((value) => value !== undefined);
  expect(left).toHaveLength(50);
});

test('a key that comes back soon after it was evicted stays longer than a newcomer', () => {
  const { cache, evicted } = filled(20);
  for (let key = 0; key < 25; key += 1) cache.set(`k${key}`, key, 1);
  const returning = evicted[0] ?? '';
  cache.set(returning, 1, 1);
  for (let key = 0; key < 15; key += 1) cache.set(`new${key}`, key, 1);
  expect(cache.get(returning)).toBe(1);
});

test('both bounds hold after every step, and every value is either kept or was reported once', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 30 }),
    action: fc.constantFrom('set', 'get', 'delete'),
    sizeBytes: fc.integer({ min: 1, max: 25 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const live = new Map<string, number>();
      const cache = new S3Fifo<number>({ maxBytes: 100, maxEntries: 12 }, (key, value) => {
        expect(live.get(key)).toBe(value);
        live.delete(key);
      });
      for (const [index, { key, action, sizeBytes }] of steps.entries()) {
        const name = `k${key}`;
        if (action === 'get') expect(cache.get(name)).toBe(live.get(name));
        else if (action === 'delete') {
          expect(cache.delete(name)).toBe(live.get(name));
          live.delete(name);
        } else {
          // A replaced value that shrinking then evicts is reported as the new one.
          live.set(name, index);
          cache.set(name, index, sizeBytes);
        }
        expect(cache.sizeBytes).toBeLessThanOrEqual(100);
        expect(cache.size).toBe(live.size);
        expect(cache.size).toBeLessThanOrEqual(12);
      }
    }),
  );
});
