import { test } from 'vitest';
import { holdFaultedTargets } from '../support/faulted-targets.ts';

const seed = Date.now() % 100_000;

test(`20,000 calls at two targets that fail a quarter of their requests: 99.9 % right, none wrong, for 1.5 attempts a call, within 3 s (seed ${seed})`, () =>
  holdFaultedTargets(20_000, seed));
