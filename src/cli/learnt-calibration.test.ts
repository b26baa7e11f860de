import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { calibrate, errorOf, NOTHING_LEARNT } from '../core/tokens/calibration.ts';
import { CALIBRATION_KEY } from '../engine/optimizer/calibration-learner.ts';
import { systemClock } from '../engine/system-ports.ts';
import { statesPath } from '../stores/sqlite/data-files.ts';
import { openSqliteStateStore } from '../stores/sqlite/sqlite-state-store.ts';
import { learntCalibration } from './learnt-calibration.ts';

async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-learnt-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('what a gateway has learnt is read from its data folder', async () => {
  const data = await dataFolder();
  const sample = { target: 'anthropic/claude-sonnet-5', hasTools: false, estimateTokens: 100, actualTokens: 110 };
  const store = await openSqliteStateStore({ path: statesPath(data), clock: systemClock });
  await store.write(CALIBRATION_KEY, JSON.stringify(calibrate(NOTHING_LEARNT, sample)), { ttlMs: 60_000 });
  await store.close();
  expect(errorOf(await learntCalibration({ data }), sample.target)?.calls).toBe(1);
});

test('a folder without any, or with a file that cannot be read, leaves counts as they are, and says so', async () => {
  const data = await dataFolder();
  expect(await learntCalibration({ data })).toEqual(NOTHING_LEARNT);
  await writeFile(statesPath(data), 'no database');
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  expect(await learntCalibration({ data })).toEqual(NOTHING_LEARNT);
  expect(said).toHaveBeenCalledOnce();
  said.mockRestore();
});
