import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openResultsFile, partialPath } from './results-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'farthing-results-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('results have their name only once they are whole', async () => {
  const path = join(folder, 'out.jsonl');
  const first = await openResultsFile(path);
  await first.write('one');
  await first.leave();
  expect([existsSync(path), readFileSync(partialPath(path), 'utf8')]).toEqual([false, 'one\n']);
  const second = await openResultsFile(path);
  const lines = Array.from({ length: 30_000 }, (_, index) => `line ${index}`);
  for (const line of lines) await second.write(line);
  expect(existsSync(path)).toBe(false);
  await second.finish();
  expect([existsSync(partialPath(path)), readFileSync(path, 'utf8')]).toEqual([false, `${lines.join('\n')}\n`]);
});

test('a folder that is not there is an error', async () => {
  await expect(openResultsFile(join(folder, 'none', 'out.jsonl'))).rejects.toThrow('ENOENT');
});
