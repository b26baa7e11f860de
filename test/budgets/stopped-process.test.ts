import { describe, test } from 'vitest';
import { whyNoServices } from '../support/budget-stage.ts';
import { servicesPlace } from '../support/gateway-kill-round.ts';
import { stopPastLease } from '../support/stopped-process.ts';

const missing = whyNoServices();

// The same on a folder is a row of docs/failure-modes.md.
describe.skipIf(missing !== undefined)(`on Redis and Postgres${missing === undefined ? '' : `: ${missing}`}`, () => {
  test(
    'a gateway that stood still for longer than its lease spends nothing twice and nothing beyond the limit',
    { timeout: 90_000 },
    (context) => stopPastLease(context, servicesPlace),
  );
});
