import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PASSING_RESOURCES } from '../../core/model/resource.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { resourceRegistryConformance } from '../../testing/resource-registry-conformance.ts';
import { openDatabase, type SqliteDriver } from './sqlite-database.ts';
import { openSqliteResourceRegistry } from './sqlite-resource-registry.ts';

let folder: string;
let count = 0;
const nextPath = (): string => join(folder, `${(count += 1)}.db`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'resources-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each<SqliteDriver>(['better-sqlite3', 'node:sqlite'])('on %s', (driver) => {
  const rules = resourceRegistryConformance(async (clock) => {
    const path = nextPath();
    const store = await openSqliteResourceRegistry({ path, clock, driver });
    return [store, await openSqliteResourceRegistry({ path, clock, driver })];
  });

  test.each(rules)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

test('claims outlive the process that made them', async () => {
  const options = { path: nextPath(), clock: new FakeClock() };
  const claim = { id: 'file-1', provider: 'openai', kind: 'files', project: 'search', atMs: 1 } as const;
  const first = await openSqliteResourceRegistry(options);
  await first.claim([claim]);
  await first.close();
  const second = await openSqliteResourceRegistry(options);
  expect(await second.owners(['file-1'])).toEqual([claim]);
  await second.close();
  await expect(second.claim([claim])).rejects.toMatchObject({ code: 'store-unavailable' });
  await expect(second.owners(['file-1'])).rejects.toMatchObject({ code: 'store-unavailable' });
});

test('every read and the sweep find their rows by an index', async () => {
  const path = nextPath();
  const store = await openSqliteResourceRegistry({ path, clock: new FakeClock() });
  const database = await openDatabase(path);
  const plan = (sql: string): string =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row['detail']))
      .join('\n');
  const passing = PASSING_RESOURCES.map((kind) => `'${kind}'`).join(', ');
  expect(plan(`SELECT sequence FROM resources WHERE kind IN (${passing}) AND at_ms < 1 ORDER BY at_ms`)).toContain(
    'INDEX resources_passing (at_ms<?)',
  );
  expect(plan("SELECT * FROM resources WHERE id IN (SELECT value FROM json_each('[]'))")).toContain('(id=?)');
  expect(
    plan("SELECT * FROM resources WHERE project = 'a' AND kind = 'b' AND provider = 'c' ORDER BY sequence DESC"),
  ).toMatch(/^SEARCH resources USING INDEX resources_listed [^\n]*$/);
  database.close();
  await store.close();
});
