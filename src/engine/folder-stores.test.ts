import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ledgerPath } from '../stores/sqlite/data-files.ts';
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
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['cache.db', 'ledger.db']));
});
