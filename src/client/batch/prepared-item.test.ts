import { expect, test } from 'vitest';
import { isFarthingError } from '../../core/errors.ts';
import type { BatchItem } from './batch-item.ts';
import { type PreparedItem, preparedItem, type PromptSettings } from './prepared-item.ts';

const SETTINGS: PromptSettings = {
  model: 'm',
  system: undefined,
  maxOutputTokens: 9,
  temperature: undefined,
  // As the engine's own does, it takes a model for a text.
  protocolOf: (model) => (model.startsWith('claude') ? 'anthropic' : 'openai'),
};

function bodyOf(item: BatchItem): string {
  const prepared = preparedItem(item, 0, SETTINGS);
  expect(prepared.kind, prepared.kind === 'fault' ? prepared.error.message : '').toBe('item');
  return Buffer.from((prepared as PreparedItem).body).toString('utf8');
}

test('whatever is no item is an error of the usual kind, which quotes nothing', () => {
  const circle: Record<string, unknown> = { secret: 1 };
  circle['secret'] = circle;
  const odd: readonly unknown[] = [
    null,
    7,
    { prompt: 7 },
    { prompt: 'x', model: 7 },
    { endpoint: 'chat', customId: 'a', body: circle },
    { endpoint: 'chat', customId: 'a', body: { secret: 5n } },
    { endpoint: 'chat', customId: 'a', body: '{"secret"' },
    {
      get prompt() {
        throw new Error('secret');
      },
    },
  ];
  for (const item of odd) {
    const prepared = preparedItem(item as BatchItem, 0, SETTINGS);
    if (prepared.kind === 'item') throw new Error(`an item: ${String(item)}`);
    expect(isFarthingError(prepared.error)).toBe(true);
    expect([prepared.error.code, prepared.error.message.includes('secret')]).toEqual(['invalid-request', false]);
  }
});

test("a body whose model has no value gets the run's", () => {
  for (const model of [undefined, null]) {
    expect(bodyOf({ endpoint: 'chat', customId: 'a', body: { n: 1, model } })).toBe('{"model":"m","n":1}');
  }
  expect(bodyOf({ endpoint: 'chat', customId: 'a', body: '{"model":null,"n":1}' })).toBe('{"model":"m","n":1}');
});

test('a text that gets a model keeps its other bytes', () => {
  const seed = '"seed": 12345678901234567890 }';
  expect(bodyOf({ endpoint: 'chat', customId: 'a', body: `{ ${seed}` })).toBe(`{"model":"m", ${seed}`);
  expect(bodyOf({ endpoint: 'chat', customId: 'a', body: ' {}' })).toBe(' {"model":"m"}');
});
