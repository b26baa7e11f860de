import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueKey } from '../../core/gateway-key.ts';
import { keyStoreConformance } from '../../testing/key-store-conformance.ts';
import type { SqliteDriver } from './sqlite-database.ts';
import { openSqliteKeyStore } from './sqlite-key-store.ts';

let folder: string;
let count = 0;
const nextPath = (): string => join(folder, `${(count += 1)}.db`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each<SqliteDriver>(['better-sqlite3', 'node:sqlite'])('on %s', (driver) => {
  test.each(keyStoreConformance(() => openSqliteKeyStore(nextPath(), driver)))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

test('a change is seen by another process of the folder at once, its version too', async () => {
  const path = nextPath();
  const [first, second] = await Promise.all([openSqliteKeyStore(path), openSqliteKeyStore(path)]);
  const before = await second.version();
  const entropy = { secretHex: 'ab'.repeat(32), idHex: '0'.repeat(16) };
  const { record, secret } = issueKey({ name: 'n', project: 'p' }, entropy, 1, () => 'cd'.repeat(32));
  await first.put(record);
  expect(await second.version()).toBe(before + 1);
  expect(await second.findBySecretHash('cd'.repeat(32))).toEqual(record);
  await Promise.all([first.close(), second.close()]);
  expect(readFileSync(path, 'latin1')).not.toContain(secret.slice(3));
});

test('a store that cannot be used says so by name', async () => {
  await expect(openSqliteKeyStore(join(folder, 'no', 'such', 'folder.db'))).rejects.toMatchObject({
    code: 'store-unavailable',
  });
  const store = await openSqliteKeyStore(nextPath());
  await store.close();
  await expect(store.version()).rejects.toMatchObject({ code: 'store-unavailable' });
});
