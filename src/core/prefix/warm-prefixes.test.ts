import { expect, test } from 'vitest';
import { type PrefixUsage, WarmPrefixes } from './warm-prefixes.ts';

const usage: PrefixUsage = {
  target: 'anthropic/opus',
  keyIndex: 0,
  readTokens: 4000,
  writtenTokens: 1000,
  ttlMs: 300_000,
  writeRatio: 1.25,
  readRatio: 0.1,
  optimizerVersion: '1',
};

test('a prefix is warm where the provider stated it, for its life from then on', () => {
  const prefixes = new WarmPrefixes();
  prefixes.observe('c', usage, 1000);
  expect(prefixes.warm('c', 300_999)).toMatchObject({ target: 'anthropic/opus', cachedTokens: 5000 });
  expect(prefixes.warm('c', 301_000)).toBeUndefined();
});

test('an answer without cached tokens cools its own target only', () => {
  const prefixes = new WarmPrefixes();
  prefixes.observe('c', usage, 0);
  prefixes.observe('c', { ...usage, target: 'backup/opus', readTokens: 0, writtenTokens: 0 }, 1);
  expect(prefixes.warm('c', 2)?.target).toBe('anthropic/opus');
  prefixes.observe('c', { ...usage, readTokens: 0, writtenTokens: 0 }, 3);
  expect(prefixes.warm('c', 4)).toBeUndefined();
});

test('conversations are bounded', () => {
  const prefixes = new WarmPrefixes(10);
  for (let index = 0; index < 100; index += 1) prefixes.observe(String(index), usage, 0);
  expect(prefixes.warm('0', 1)).toBeUndefined();
  expect(prefixes.warm('99', 1)?.cachedTokens).toBe(5000);
});
