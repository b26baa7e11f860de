import { test } from 'vitest';
import type { UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';
import { holdFaultedTargets, holdOutage } from '../support/faulted-targets.ts';

const seed = Date.now() % 100_000;

test(
  `two targets that fail a quarter of their requests: 99.9 % of answers are right, none wrong, for 1.5 attempts a call, within 3 s (seed ${seed})`,
  { timeout: 120_000 },
  () => holdFaultedTargets(3000, seed),
);

const OUTAGES: readonly (readonly [targets: number, fault: UpstreamFault, calls: number])[] = [
  [2, { kind: 'status', status: 500 }, 2000],
  [1, { kind: 'status', status: 529 }, 1000],
  [2, { kind: 'reset' }, 1000],
  [1, { kind: 'status', status: 429, retryAfter: '1' }, 1000],
];

test.each(OUTAGES)(
  'a total outage of %i targets by %o: at most 1.1 attempts a call over %i calls',
  { timeout: 180_000 },
  holdOutage,
);
