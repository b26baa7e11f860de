import { expect, test } from 'vitest';
import { killRound } from './support/gateway-kill-round.ts';

test(
  'gateways killed under load lose no acknowledged charge, double none, and come back',
  { timeout: 90_000 },
  async () => {
    let acknowledged = 0;
    let estimates = 0;
    for (const lifeMs of [700, 1100, 1600]) {
      const round = await killRound(lifeMs);
      acknowledged += round.acknowledged;
      estimates += round.estimates;
    }
    expect(acknowledged).toBeGreaterThan(60);
    expect(estimates).toBeGreaterThan(0);
  },
);
