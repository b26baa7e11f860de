import { expect, test } from 'vitest';
import type { RouteTable } from '../../core/route/route-table.ts';
import { InputFaults } from './input-faults.ts';
import type { InputFault, InputItem } from './input-items.ts';
import { type ItemCheckOptions, ItemChecks } from './item-checks.ts';

const TABLE: RouteTable = {
  providers: new Map([['sim', { name: 'sim', protocol: 'openai', vendor: undefined }]]),
  aliases: new Map(),
  vendorOfModel: (model) => (model.startsWith('claude') ? 'anthropic' : undefined),
};

function request(line: number, customId: string, body: object, endpoint: 'chat' | 'messages' = 'chat'): InputItem {
  return { kind: 'request', line, customId, endpoint, body: JSON.stringify(body), model: undefined };
}

async function checked(
  items: readonly (InputItem | InputFault)[],
  options: Partial<ItemCheckOptions> = {},
): Promise<{ readonly sound: readonly number[]; readonly faults: InputFaults; readonly checks: ItemChecks }> {
  const checks = new ItemChecks({
    table: TABLE,
    prompts: {
      model: 'sim/a',
      system: undefined,
      maxOutputTokens: 100,
      temperature: undefined,
      protocolOf: () => 'openai',
    },
    isPriced: ({ model }) => model !== 'dear',
    demandsPrice: false,
    maxBatchBytes: undefined,
    ...options,
  });
  // oxlint-disable-next-line require-await -- a stream in a test
  async function* stream(): AsyncGenerator<InputItem | InputFault> {
    yield* items;
  }
  const faults = new InputFaults();
  const sound: number[] = [];
  for await (const item of checks.sound(stream(), faults)) sound.push(item.line);
  return { sound, faults, checks };
}

const MESSAGES = [{ role: 'user', content: 'hi' }];

test('faults are named by line: a name twice, a body that is no request, a model that nobody has', async () => {
  const { sound, faults } = await checked([
    request(1, 'a', { model: 'sim/a', messages: MESSAGES }),
    { kind: 'fault', line: 2, problem: 'is not JSON' },
    request(3, 'a', { model: 'sim/a', messages: MESSAGES }),
    request(4, 'd\n', { model: 'sim/a' }),
    request(5, 'e', { model: 'claude-x', max_tokens: 5, messages: MESSAGES }, 'messages'),
    request(6, 'f', { model: 'sim/a', messages: MESSAGES }),
  ]);
  expect(sound).toEqual([1, 6]);
  expect(faults.lines()).toEqual([2, 3, 4, 5]);
  expect(faults.text().split('\n')).toEqual([
    'line 2: is not JSON',
    'line 3 ("a"): custom_id is there already, in line 1',
    'line 4 ("d\\n"): `messages` is required',
    expect.stringMatching(/^line 5 \("e"\): the model "claude-x" is not known/),
  ]);
});

test('a model without a price is told, and a fault only where money is limited', async () => {
  const items = [request(1, 'a', { model: 'sim/dear', messages: MESSAGES })];
  const free = await checked(items);
  expect([free.sound, free.checks.unpriced()]).toEqual([[1], ['sim/dear']]);
  const held = await checked(items, { demandsPrice: true });
  expect(held.faults.text()).toBe('line 1 ("a"): sim/dear has no price, so that --max-usd cannot hold');
});

test('a model that its vendor does not have is a fault, unless the configuration gives it a price', async () => {
  const table: RouteTable = {
    ...TABLE,
    providers: new Map([['openai', { name: 'openai', protocol: 'openai', vendor: 'openai' }]]),
    vendorOfModel: (model) => (model.startsWith('gpt') ? 'openai' : undefined),
  };
  const items = ['no-such', 'openai/no-such', 'gpt-new', 'own'].map((model, index) =>
    request(index + 1, model, { model, messages: MESSAGES }),
  );
  const { sound, faults, checks } = await checked(items, { table, isPriced: ({ model }) => model === 'own' });
  expect([sound, checks.unpriced()]).toEqual([[3, 4], ['openai/gpt-new']]);
  expect(faults.text()).toMatch(
    /^line 1 \("no-such"\): the model openai\/no-such is not known: .*\nline 2 .*is not known/,
  );
});

test('a body larger than the batch of its provider is a fault', async () => {
  const items = [request(1, 'a', { model: 'sim/a', messages: MESSAGES })];
  const { faults } = await checked(items, { maxBatchBytes: () => 20 });
  expect(faults.text()).toContain('is larger than a batch of sim may be');
});

test('the first twenty faults are listed, the others counted', () => {
  const faults = new InputFaults();
  for (let line = 1; line <= 25; line += 1) faults.note({ line, problem: 'is bad' });
  expect(faults.text().split('\n')).toHaveLength(21);
  expect(faults.text()).toMatch(/line 20: is bad\nand 5 more$/);
});
