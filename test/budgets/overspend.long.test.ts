import { describe, test } from 'vitest';
import { STAGES } from '../support/budget-stage.ts';
import { holdOverspend } from '../support/overspend.ts';

for (const { name, missing, start } of STAGES) {
  describe.skipIf(missing !== undefined)(`${name}${missing === undefined ? '' : `: ${missing}`}`, () => {
    test(
      'a thousand calls at once spend what a budget has, whatever they are, and not a nano-dollar more',
      { timeout: 120_000 },
      () => holdOverspend(1000, start),
    );
  });
}
