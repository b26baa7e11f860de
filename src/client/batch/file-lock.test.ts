import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockFile } from './file-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'farthing-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Beyond what systems give out. */
const DEAD = 2 ** 30;

test('a file is locked by one at a time, and is free again when the lock is given back', async () => {
  const path = join(folder, 'one');
  const unlock = await lockFile(path);
  await expect(lockFile(path)).rejects.toThrow(`${path} is in use by process ${process.pid}`);
  await unlock();
  expect(existsSync(`${path}.lock`)).toBe(false);
  await (
    await lockFile(path)
  )();
});

test('the locks of the dead are taken over, by one of many at a time', async () => {
  for (const [name, text] of [
    ['dead', `${DEAD}`],
    ['dead-and-dated', `${DEAD} 77`],
    ['torn', ''],
  ] as const) {
    const path = join(folder, name);
    writeFileSync(`${path}.lock`, text);
    const ended = await Promise.allSettled(Array.from({ length: 8 }, () => lockFile(path)));
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  }
});

test.skipIf(!existsSync('/proc/self/stat'))(
  'a process that has got the id of a dead one does not hold its lock',
  async () => {
    const path = join(folder, 'reused');
    writeFileSync(`${path}.lock`, `${process.ppid} 1`);
    await (
      await lockFile(path)
    )();
    writeFileSync(`${path}.lock`, `${process.ppid}`);
    await expect(lockFile(path)).rejects.toThrow(`in use by process ${process.ppid}`);
  },
);
