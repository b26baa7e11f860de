import { existsSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { whyNoServices } from './support/budget-stage.ts';
import { CALL_FAILURES } from './support/failures/call-failures.ts';
import type { RowBody } from './support/failures/failure-stage.ts';
import { MACHINE_FAILURES } from './support/failures/machine-failures.ts';
import { closeSharedPostgres, SERVICE_FAILURES } from './support/failures/service-failures.ts';
import { servicesPlace } from './support/gateway-kill-round.ts';
import { WAITING_FAILURES } from './support/failures/waiting-failures.ts';
import { stopPastLease } from './support/stopped-process.ts';

interface Row {
  readonly id: string;
  readonly cells: readonly string[];
}

const COLUMNS = ['what fails', 'calls under hard budgets', 'other calls', 'money', 'how it ends', 'test'];
const WAITING_COLUMNS = [
  'what fails while calls wait',
  'calls with a deadline that come now',
  'calls that wait',
  'money',
  'how it ends',
  'test',
];
const BODIES: Readonly<Record<string, RowBody>> = {
  ...MACHINE_FAILURES,
  ...SERVICE_FAILURES,
  ...CALL_FAILURES,
  ...WAITING_FAILURES,
};

/** The rows of the document's tables, and the heads of those. */
function documentRows(): { readonly headers: readonly (readonly string[])[]; readonly rows: readonly Row[] } {
  const text = readFileSync(new URL('../docs/failure-modes.md', import.meta.url), 'utf8');
  const tables = text.split('\n\n').filter((part) => part.startsWith('|'));
  const cells = tables.map((table) =>
    table
      .trimEnd()
      .split('\n')
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      ),
  );
  const rows = cells.flatMap(([, , ...rest]) => rest);
  return {
    headers: cells.map(([header = []]) => header),
    rows: rows.map((row) => ({ id: /^`([a-z-]+)`$/.exec(row.at(-1) ?? '')?.[1] ?? '', cells: row })),
  };
}

/** Why a row cannot be provoked here. */
function missingFor(id: string): string | undefined {
  if (id in SERVICE_FAILURES) return whyNoServices();
  const hasLimits = existsSync('/usr/bin/prlimit');
  return id === 'ledger-unwritable' && !hasLimits ? 'there is no prlimit' : undefined;
}

const { headers, rows } = documentRows();

test('every row of the document has one test, and every test one row', () => {
  expect(headers).toEqual([COLUMNS, WAITING_COLUMNS]);
  expect(rows.filter(({ cells }) => cells.length !== COLUMNS.length)).toEqual([]);
  expect(rows.map(({ id }) => id).toSorted()).toEqual(Object.keys(BODIES).toSorted());
});

afterAll(closeSharedPostgres);

describe.concurrent('what happens is what the document says', () => {
  for (const { id, cells } of rows) {
    const body = BODIES[id];
    const missing = missingFor(id);
    test.skipIf(missing !== undefined)(
      `${id}: ${cells[0]}${missing === undefined ? '' : `: ${missing}`}`,
      { timeout: 240_000 },
      async (context) => {
        if (body === undefined) throw new Error(`nothing provokes ${id}`);
        await body(context);
      },
    );
  }

  const missing = whyNoServices();
  test.skipIf(missing !== undefined)(
    `process-stopped, on Redis and Postgres${missing === undefined ? '' : `: ${missing}`}`,
    { timeout: 240_000 },
    (context) => stopPastLease(context, servicesPlace),
  );
});
