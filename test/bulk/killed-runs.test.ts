import { test } from 'vitest';
import { bulkKillRound } from '../support/bulk-kill-round.ts';

test('a run that was killed asks nothing again whose answer had arrived, and ends with the same results', async () => {
  await bulkKillRound(150, [60]);
});
