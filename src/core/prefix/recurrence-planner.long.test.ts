import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededChance, type TracedCall, traceShapes } from '../../../test/support/cache-traces.ts';
import { mooncakeCalls } from '../../../test/support/mooncake-trace.ts';
import { providerBillRatio } from '../../../test/support/provider-cache-bill.ts';
import { excessRatio, plannedBills } from '../../../test/support/reference-cache-bills.ts';
import { hasData } from '../../../test/support/shared-data.ts';

const CLAUDE = { writeRatio: 1.25, readRatio: 0.1 } as const;

test.each([
  { writeRatio: 2, readRatio: 0.1 },
  { writeRatio: 1.25, readRatio: 0.05 },
  { writeRatio: 1.25, readRatio: 0.025 },
  { writeRatio: 1.25, readRatio: 0.5 },
])('at most 1 point above the better of never and always at write $writeRatio and read $readRatio', (ratios) => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      for (const { calls } of traceShapes(5000, seed))
        expect(excessRatio(plannedBills(calls, ratios))).toBeLessThan(0.01);
    }),
    { numRuns: 5 },
  );
});

test.skipIf(!hasData('caching', 'mooncake_conversation_trace.jsonl'))(
  'at most 1 point above the better of never and always on the Mooncake trace in other orders and at other speeds',
  () => {
    for (const calls of mooncakeVariants()) expect(excessRatio(plannedBills(calls, CLAUDE))).toBeLessThan(0.01);
  },
);

test.skipIf(!hasData('caching', 'mooncake_conversation_trace.jsonl'))(
  'on the Mooncake trace an oracle comes to 76.9 % of uncached, and the planner states the bill that a provider would write',
  () => {
    const calls = mooncakeCalls() ?? [];
    const { uncached, oracle, planned } = plannedBills(calls, CLAUDE);
    expect(oracle / uncached).toBeCloseTo(0.769, 3);
    expect(planned / uncached).toBeLessThanOrEqual(0.875);
  },
);

test.skipIf(!hasData('caching', 'mooncake_conversation_trace.jsonl'))(
  'four breakpoints a request and a look-back of 20 blocks cost at most half a point on the Mooncake trace',
  () => {
    const calls = mooncakeCalls() ?? [];
    const { uncached, planned } = plannedBills(calls, CLAUDE);
    expect(providerBillRatio(calls, CLAUDE, 512)).toBeLessThanOrEqual(planned / uncached + 0.005);
  },
);

function mooncakeVariants(): readonly (readonly TracedCall[])[] {
  const calls = mooncakeCalls() ?? [];
  const chance = seededChance(7);
  const times = calls.map(({ atMs }) => atMs);
  const atTimes = (order: readonly TracedCall[]): readonly TracedCall[] =>
    order.map(({ chain }, index) => ({ chain, atMs: times[index] ?? 0 }));
  const shuffled = calls
    .map((call) => ({ call, at: chance() }))
    .toSorted((left, right) => left.at - right.at)
    .map(({ call }) => call);
  return [
    atTimes(shuffled),
    atTimes(calls.toReversed()),
    calls.filter(() => chance() < 0.3),
    calls.map(({ atMs, chain }) => ({ chain, atMs: atMs / 10 })),
    calls.map(({ atMs, chain }) => ({ chain, atMs: atMs * 10 })),
  ];
}
