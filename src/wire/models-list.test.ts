import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { type ListedModel, modelBody, modelsListBody } from './models-list.ts';

const models: readonly ListedModel[] = [
  {
    id: 'claude-haiku-5-5',
    ownedBy: 'anthropic',
    createdAtMs: 1_790_000_000_500,
    displayName: 'Claude Haiku 5.5',
    contextWindowTokens: 200_000,
    maxOutputTokens: 64_000,
  },
  { id: 'fast', ownedBy: 'farthing' },
];

function answering(body: string): () => Promise<Response> {
  return async () => new Response(body, { headers: { 'content-type': 'application/json' } });
}

async function listed<T>(page: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of page) items.push(item);
  return items;
}

test("OpenAI's client lists the models", async () => {
  const client = new OpenAI({ apiKey: 'x', fetch: answering(modelsListBody(models, 'openai')) });
  expect(await listed(client.models.list())).toEqual([
    { id: 'claude-haiku-5-5', object: 'model', created: 1_790_000_000, owned_by: 'anthropic' },
    { id: 'fast', object: 'model', created: 0, owned_by: 'farthing' },
  ]);
});

test("Anthropic's client lists the models on one page", async () => {
  const client = new Anthropic({ apiKey: 'x', fetch: answering(modelsListBody(models, 'anthropic')) });
  const items = await listed(client.models.list());
  expect(items.map((item) => [item.id, item.display_name, item.max_input_tokens, item.max_tokens])).toEqual([
    ['claude-haiku-5-5', 'Claude Haiku 5.5', 200_000, 64_000],
    ['fast', 'fast', null, null],
  ]);
  expect(items[1]).toMatchObject({ type: 'model', created_at: '1970-01-01T00:00:00.000Z', lifecycle: 'active' });
});

test('an empty list is a page without ids', () => {
  expect(JSON.parse(modelsListBody([], 'anthropic'))).toEqual({
    data: [],
    has_more: false,
    first_id: null,
    last_id: null,
  });
});

test('one model is the same as its entry in the list', () => {
  for (const protocol of ['openai', 'anthropic'] as const) {
    const list: unknown = JSON.parse(modelsListBody(models, protocol));
    const each = models.map((model): unknown => JSON.parse(modelBody(model, protocol)));
    expect(list).toMatchObject({ data: each });
  }
});
