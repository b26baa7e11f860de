import fc from 'fast-check';
import { expect, test } from 'vitest';
import { permitsAfterClaim } from './permits.ts';

test('owners together hold no more than the limit, and none loses what it did not give back', () => {
  const claim = fc.record({ owner: fc.nat({ max: 3 }), count: fc.nat({ max: 8 }) });
  fc.assert(
    fc.property(fc.array(claim), fc.integer({ min: 1, max: 10 }), (claims, limit) => {
      const held = [0, 0, 0, 0];
      for (const { owner, count } of claims) {
        const before = held[owner] ?? 0;
        const others = held.reduce((sum, one) => sum + one, 0) - before;
        const now = permitsAfterClaim(before, others, { count, limit });
        expect(now).toBeGreaterThanOrEqual(Math.min(before, count));
        expect(now).toBeLessThanOrEqual(Math.max(before, count));
        held[owner] = now;
        expect(held.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(limit);
      }
    }),
  );
});

test('a limit that fell takes nothing from those under way', () => {
  expect(permitsAfterClaim(6, 4, { count: 8, limit: 5 })).toBe(6);
});
