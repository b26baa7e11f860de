import { expect, test } from 'vitest';
import { modelFacts, modelsOf, vendorOfModel } from './model-catalogue.ts';
import { shippedPriceBook } from './price-book-shipped.ts';

test('a plain model name has the vendor whose catalogue has it, exactly or as a dated snapshot', () => {
  expect(vendorOfModel('gpt-5.4-mini')).toBe('openai');
  expect(vendorOfModel('gpt-5.4-mini-2026-03-17')).toBe('openai');
  expect(vendorOfModel('claude-haiku-4-5-20251001')).toBe('anthropic');
  expect(vendorOfModel('gemini-2.5-pro')).toBe('google');
  expect(vendorOfModel('llama-3.3-70b-versatile')).toBe('groq');
});

test('a name that only resembles a known one has no vendor', () => {
  for (const model of ['gpt-5.7', 'claude-sonnet-6', 'gpt-5.4-mini-fast', '', 'constructor', '2026-03-17']) {
    expect(vendorOfModel(model)).toBeUndefined();
  }
});

test('a vendor has all of its names once, each of which leads back to it or to a vendor that stands before it', () => {
  const names = modelsOf('groq');
  expect(names).toContain('llama-3.3-70b-versatile');
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) {
    expect(modelFacts('groq', name)?.vendor).toBe('groq');
    expect(modelsOf(vendorOfModel(name) ?? '')).toContain(name);
  }
  expect(modelsOf('openai')).not.toContain('claude-haiku-4-5');
  expect([modelsOf('nobody'), modelsOf('constructor')]).toEqual([[], []]);
});

test('limits, abilities and cache regime of the main models', () => {
  expect(modelFacts('openai', 'gpt-5.4-mini')).toMatchObject({
    contextWindowTokens: 400_000,
    maxOutputTokens: 128_000,
    temperature: false,
    promptCache: { kind: 'implicit', minimumTokens: 1_024, stepTokens: 128, writesPriced: false },
  });
  expect(modelFacts('openai', 'gpt-6.2-sol')).toMatchObject({
    contextWindowTokens: 1_050_000,
    promptCache: { kind: 'implicit', stepTokens: 1, ttlMs: 1_800_000, writesPriced: true },
  });
  expect(modelFacts('anthropic', 'claude-haiku-4-5')?.promptCache).toMatchObject({
    kind: 'explicit',
    minimumTokens: 4_096,
  });
  expect(modelFacts('anthropic', 'claude-haiku-5-5')?.promptCache?.minimumTokens).toBe(512);
  expect(modelFacts('anthropic', 'claude-sonnet-4-5')?.maxOutputTokens).toBe(64_000);
  expect(modelFacts('openai', 'text-embedding-3-small')).toMatchObject({ maxOutputTokens: 0, promptCache: undefined });
  expect(modelFacts('openai', 'claude-haiku-4-5')).toBeUndefined();
  expect(modelFacts('nobody', 'gpt-5')).toBeUndefined();
});

test('every model with a price is in the catalogue', () => {
  for (const { provider, models } of shippedPriceBook().entries) {
    expect(models.filter((model) => modelFacts(provider, model) === undefined)).toEqual([]);
  }
});
