import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { loadTokenizer, tokenizerFrom } from './load-tokenizer.ts';

test('all who ask for an encoding share one tokenizer', async () => {
  const [first, second] = await Promise.all([loadTokenizer('cl100k_base'), loadTokenizer('cl100k_base')]);
  expect(first).toBe(second);
  expect(await loadTokenizer('cl100k_base')).toBe(first);
  expect(first.encoding).toBe('cl100k_base');
  expect((await loadTokenizer('o200k_base')).encoding).toBe('o200k_base');
});

test('a vocabulary that is not there is told with the command that makes it', async () => {
  const missing = tokenizerFrom('o200k_base', new URL('file:///no/such/folder/o200k_base.bin'));
  await expect(missing).rejects.toMatchObject({
    code: 'configuration',
    message: expect.stringContaining('npm run generate'),
  });
});

test('a file that is cut short, of another version or something else is told alike', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-vocabulary-'));
  const whole = await readFile(new URL('generated/cl100k_base.bin', import.meta.url));
  const older = Buffer.from(whole);
  older.writeInt32LE(0, 4);
  try {
    for (const content of [Buffer.alloc(0), Buffer.from('vocabulary'), whole.subarray(0, whole.length / 2), older]) {
      const file = join(folder, 'vocabulary.bin');
      await writeFile(file, content);
      await expect(tokenizerFrom('cl100k_base', pathToFileURL(file))).rejects.toMatchObject({
        code: 'configuration',
        message: expect.stringContaining('npm run generate'),
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
