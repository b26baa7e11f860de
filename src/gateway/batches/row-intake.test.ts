import { expect, test } from 'vitest';
import type { RowIntakeOptions } from './row-intake.ts';
import { RowIntake } from './row-intake.ts';

const FAULT = { kind: 'fault', param: undefined, fault: 'is not sound JSON' } as const;

/** An intake that gets to see faults only. */
function intakeOf(maxRequests: number): RowIntake {
  return new RowIntake({ param: 'input_file_id', maxRequests } as RowIntakeOptions);
}

test('rows with faults count as well: nobody reads on behind the largest number of rows', async () => {
  const intake = intakeOf(3);
  for (const place of ['line 1', 'line 2', 'line 3']) await intake.add(place, FAULT); // oxlint-disable-line no-await-in-loop -- in their order
  const message = expect.stringMatching(/line 1.*line 3.*line 4: a batch has at most 3 requests/);
  await expect(intake.add('line 4', FAULT)).rejects.toMatchObject({ code: 'invalid-request', message });
});

test('others have their turn while many rows are looked at', async () => {
  const intake = intakeOf(2000);
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  for (let row = 0; row < 2000; row += 1) await intake.add(`line ${row}`, FAULT); // oxlint-disable-line no-await-in-loop -- in their order
  isOver = true;
  expect(turns).toBeGreaterThan(3);
});
