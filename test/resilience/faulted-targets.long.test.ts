import { test } from 'vitest';
import { holdFaultedTargets, holdOutage } from '../support/faulted-targets.ts';

const seed = Date.now() % 100_000;

test(`20,000 calls at two targets that fail a quarter of their requests: 99.9 % right, none wrong, for 1.5 attempts a call, within 3 s (seed ${seed})`, () =>
  holdFaultedTargets(20_000, seed));

test('a total outage of two targets: at most 1.1 attempts a call over 10,000 calls', () =>
  holdOutage(2, { kind: 'status', status: 500 }, 10_000));
