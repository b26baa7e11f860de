import { test } from 'vitest';
import { bulkKillRound } from '../support/bulk-kill-round.ts';
import { seededFraction } from '../support/ledger-kill-round.ts';

test('a run that was killed ten times at any point asks nothing again whose answer had arrived', async () => {
  const fraction = seededFraction(7);
  const points = Array.from({ length: 10 }, () => 50 + Math.floor(fraction() * 1450));
  await bulkKillRound(
    2000,
    points.toSorted((one, other) => one - other).map((point, index) => point + index * 20),
  );
});
