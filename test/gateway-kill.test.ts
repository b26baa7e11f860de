import { expect, test } from 'vitest';
import { killRound } from './support/gateway-kill-round.ts';

test.each([700, 1100, 1600])(
  'a gateway killed after %i ms under load has lost no acknowledged charge, doubled none, and comes back',
  { timeout: 60_000 },
  async (lifeMs) => {
    const round = await killRound(lifeMs);
    expect(round.acknowledged).toBeGreaterThan(20);
    expect(round.estimates).toBeGreaterThan(0);
  },
);
