import { expect, test } from 'vitest';
import { picoUsd } from '../money.ts';
import { CacheKeySpread } from './cache-key-spread.ts';
import { cacheRatios } from './cache-ratios.ts';
import { LifeChoice } from './life-choice.ts';
import { MinimumPrefix } from './minimum-prefix.ts';
import { TurnsToCome } from './turns-to-come.ts';

test('the minimum length rises when marked prefixes are twice neither written nor read', () => {
  const minimum = new MinimumPrefix(1024);
  const refused = { markedTokens: 1500, readTokens: 0, writtenTokens: 0 };
  minimum.observe(refused);
  expect(minimum.tokens()).toBe(1024);
  minimum.observe(refused);
  expect(minimum.tokens()).toBe(2048);
});

test('the minimum length falls to what was cached below it', () => {
  const minimum = new MinimumPrefix(4096);
  minimum.observe({ markedTokens: 900, readTokens: 0, writtenTokens: 900 });
  expect(minimum.tokens()).toBe(900);
});

test('a refusal is forgotten when something as short is cached after all', () => {
  const minimum = new MinimumPrefix(1024);
  for (let count = 0; count < 2; count += 1) minimum.observe({ markedTokens: 5000, readTokens: 0, writtenTokens: 0 });
  expect(minimum.tokens()).toBe(8192);
  minimum.observe({ markedTokens: 1200, readTokens: 1200, writtenTokens: 0 });
  expect(minimum.tokens()).toBe(1024);
});

test('an hour is bought where gaps of more than five minutes come again, and not before enough was seen', () => {
  const short = { writeRatio: 1.25, readRatio: 0.1 };
  const long = { writeRatio: 2, readRatio: 0.1 };
  const choice = new LifeChoice();
  choice.observe(600_000, 49_999);
  expect(choice.choose(short, long)).toBe('5m');
  choice.observe(undefined, 20_000);
  expect(choice.choose(short, long)).toBe('1h');
  choice.observe(undefined, 200_000);
  expect(choice.choose(short, long)).toBe('5m');
});

test('turns to come follow what conversations lasted, and stay bounded', () => {
  const turns = new TurnsToCome();
  expect(turns.expected(1)).toBe(1);
  for (let conversation = 0; conversation < 1000; conversation += 1) {
    for (let turn = 1; turn <= 10; turn += 1) turns.observe(turn);
  }
  expect(turns.expected(1)).toBeCloseTo(9, 1);
  expect(turns.expected(10)).toBeLessThan(0.1);
  for (let turn = 1; turn < 1e5; turn += 1) turns.observe(turn);
  expect(turns.expected(1)).toBeLessThanOrEqual(64);
});

test('a prefix has one key up to 15 requests a minute, then several; few conversations move when a key is added', () => {
  const spread = new CacheKeySpread();
  const early = new Map<string, string>();
  for (let index = 0; index < 15; index += 1) early.set(`c${index}`, spread.keyFor('prefix', `c${index}`, index));
  expect(new Set(early.values())).toEqual(new Set(['prefix']));
  for (let index = 0; index < 150; index += 1) spread.keyFor('prefix', `d${index}`, 1000);
  const names = Array.from({ length: 400 }, (_name, index) => `e${index}`);
  const keyAt = (atMs: number): readonly string[] =>
    names.slice(0, 10).map((name) => spread.keyFor('prefix', name, atMs));
  const before = keyAt(120_000);
  expect(new Set(names.map((name) => spread.keyFor('prefix', name, 240_000))).size).toBeGreaterThan(8);
  expect(keyAt(360_000).filter((key, index) => key === before[index]).length).toBeGreaterThanOrEqual(2);
  expect(spread.keyFor('x'.repeat(200), 'c', 0).length).toBeLessThanOrEqual(64);
});

test('ratios are those of the price book, and none where a price is not known', () => {
  const prices = { input: picoUsd(4_000_000), cacheRead: picoUsd(200_000), cacheWrite5m: picoUsd(5_000_000) };
  expect(cacheRatios(prices, '5m', true)).toEqual({ writeRatio: 1.25, readRatio: 0.05 });
  expect(cacheRatios(prices, '1h', true)).toBeUndefined();
  expect(cacheRatios(prices, '1h', false)).toEqual({ writeRatio: 1, readRatio: 0.05 });
  expect(cacheRatios({}, '5m', true)).toBeUndefined();
});
