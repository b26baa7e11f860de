import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test, vi } from 'vitest';
import { usageOf } from '../core/model/usage.ts';
import { PRICE_BOOK_FORMAT } from '../core/price-book-format.ts';
import { momentOf, parseUsage, registerPrices } from './prices-command.ts';

test('a usage is typed as counts by bucket', () => {
  expect(parseUsage('{"input":1200,"cacheRead":800,"reasoning":5,"output":9}')).toEqual(
    usageOf({ input: 1_200, cacheRead: 800, reasoning: 5, output: 9 }),
  );
});

test('a usage with a fault is refused by name', () => {
  expect(() => parseUsage('{"inptu":1}')).toThrow(/"inptu" is not a bucket; there are input, cacheRead/);
  expect(() => parseUsage('{"input":-1}')).toThrow('input is not a whole number');
  expect(() => parseUsage('{"input":1.5}')).toThrow('input is not a whole number');
  expect(() => parseUsage('{"input":"1"}')).toThrow('input is not a whole number');
  expect(() => parseUsage('[1]')).toThrow('is not an object');
  expect(() => parseUsage('input=1')).toThrow('is not JSON');
});

test('a moment is a day at midnight UTC or a time in ISO 8601', () => {
  expect(momentOf('2026-11-23')).toBe(Date.UTC(2026, 10, 23));
  expect(momentOf('2026-11-23T02:00:00Z')).toBe(Date.UTC(2026, 10, 23, 2));
  expect(() => momentOf('yesterday')).toThrow('is not a day');
  expect(() => momentOf('2026-11-23Tnoon')).toThrow('is not a day or moment');
});

/** What a command prints. */
async function printed(...words: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const program = new Command();
  registerPrices(program);
  await program.parseAsync(['prices', ...words], { from: 'user' }).finally(() => log.mockRestore());
  return lines.join('\n');
}

test('a feed and the configuration lie over the shipped prices, and a broken feed is mended by the next update', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-prices-'));
  try {
    const config = join(folder, 'farthing.yaml');
    const data = join(folder, 'data');
    const openai = '{ protocol: openai, baseUrl: "https://api.openai.com/v1", apiKey: key }';
    const prices = 'prices: { openai/gpt-5.5: { input: 7, output: 8 } }';
    await writeFile(config, `version: 1\nstorage: ${data}\nproviders: { openai: ${openai} }\n${prices}\n`);
    const entry = { id: 'feed/gpt-99', provider: 'openai', models: ['gpt-99'], usdPerMillion: { input: '3' } };
    const entries = [{ ...entry, source: 'https://prices.example', checkedOn: '2026-11-23' }];
    const source = join(folder, 'book.json');
    await writeFile(source, JSON.stringify({ format: PRICE_BOOK_FORMAT, version: 'feed-1', entries }));

    expect(await printed('update', '--from', source, '-c', config)).toMatch(
      /feed\/gpt-99 +input +- +3\n.*pinned as sha256 \w{64}$/,
    );
    expect(await printed('explain', 'gpt-99', '--usage', '{"input":1000}', '-c', config)).toMatch(/^total +0\.003$/m);
    expect(await printed('show', 'openai/gpt-5.5', '-c', config)).toMatch(/^input +7$/m);
    expect(await printed('diff', source, '-c', config)).toMatch(/openai\/gpt-5\.5 +input +7 +-/);

    await writeFile(join(data, 'price-feed.json'), 'changed');
    await expect(printed('show', '-c', config)).rejects.toThrow(/its hash is .*run farthing prices update/);
    await printed('update', '--from', source, '-c', config);
    expect(await printed('show', 'gpt-99', '-c', config)).toMatch(/^input +3$/m);
  } finally {
    await rm(folder, { recursive: true });
  }
});
