import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ledgerPath, statesPath } from '../stores/sqlite/data-files.ts';
import { openFolderStores } from './folder-stores.ts';
import { systemClock, systemRandom } from './system-ports.ts';

const PORTS = { clock: systemClock, random: systemRandom, onFault: (): void => undefined };

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-stores-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Files in a folder that this process has open (threads included), where the system tells. */
function openFiles(folder: string): readonly string[] {
  if (!existsSync('/proc/self/fd')) return [];
  const targets = readdirSync('/proc/self/fd').map((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`);
    } catch {
      return ''; // that of the listing itself
    }
  });
  return targets.filter((target) => target.startsWith(folder));
}

test.each([
  ['ledger', ledgerPath],
  ['cache', (folder: string): string => join(folder, 'cache.db')],
])('a broken %s refuses the folder, and the other store is closed again', async (_what, pathOf) => {
  const folder = await newFolder();
  await writeFile(pathOf(folder), 'this is no database, '.repeat(400));
  await expect(openFolderStores({ folder, ...PORTS })).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(openFiles(folder)).toEqual([]);
});

test('a folder that is not there is made, for its owner alone, and opens again', async () => {
  const folder = join(await newFolder(), 'deep', 'data');
  for (let round = 0; round < 2; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- the second opens what the first has closed
    const stores = await openFolderStores({ folder, ...PORTS });
    expect(openFiles(folder).length > 0).toBe(existsSync('/proc/self/fd'));
    // oxlint-disable-next-line no-await-in-loop -- as above
    await stores.close();
    expect(openFiles(folder)).toEqual([]);
  }
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['cache.db', 'ledger.db', 'states.db']));
});

test('what was learnt is there when the folder is opened again', async () => {
  const folder = await newFolder();
  const first = await openFolderStores({ folder, ...PORTS });
  await first.stateStore.write('n/a', '1', { ttlMs: 60_000 });
  await first.close();
  const second = await openFolderStores({ folder, ...PORTS });
  expect((await second.stateStore.read('n/a'))?.value).toBe('1');
  await second.close();
});

test('a broken file of learnt states is told of and keeps no folder from opening', async () => {
  const folder = await newFolder();
  const text = 'this is no database, '.repeat(400);
  await writeFile(statesPath(folder), text);
  const onFault = vi.fn<(store: string, operation: string, error: unknown) => void>();
  const stores = await openFolderStores({ folder, ...PORTS, onFault });
  expect(onFault.mock.calls).toEqual([['states', 'open', expect.objectContaining({ code: 'store-unavailable' })]]);
  await stores.stateStore.write('n/a', '1', { ttlMs: 60_000 });
  expect((await stores.stateStore.read('n/a'))?.value).toBe('1');
  await stores.close();
  expect(openFiles(folder)).toEqual([]);
  expect(await readFile(statesPath(folder), 'utf8')).toBe(text);
});
