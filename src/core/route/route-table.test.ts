import { expect, test } from 'vitest';
import type { Caller } from '../model/caller.ts';
import { resolveRoute, type RouteTable } from './route-table.ts';

const caller: Caller = { project: 'p', keyId: 'k' };
const openai = { name: 'openai', protocol: 'openai', vendor: 'openai' } as const;
const anthropic = { name: 'anthropic', protocol: 'anthropic', vendor: 'anthropic' } as const;
const backup = { name: 'backup', protocol: 'openai', vendor: undefined } as const;

function table(...providers: readonly (typeof openai | typeof anthropic | typeof backup)[]): RouteTable {
  return {
    providers: new Map(providers.map((provider) => [provider.name, provider])),
    aliases: new Map([
      [
        'chat',
        {
          targets: [
            { provider: 'openai', model: 'gpt-5.4-mini' },
            { provider: 'backup', model: 'openai/gpt-5.4-mini' },
          ],
        },
      ],
      ['cheap', { targets: [{ provider: 'openai', model: 'small' }], baseline: { provider: 'openai', model: 'big' } }],
    ]),
    vendorOfModel: (model) => ({ 'gpt-5.5': 'openai', 'claude-sonnet-5': 'anthropic' })[model],
  };
}

test('an alias gives its targets in order, and its first as baseline', () => {
  const route = resolveRoute(table(openai, backup), 'chat', 'openai', caller);
  expect(route.targets).toEqual([
    { provider: 'openai', model: 'gpt-5.4-mini' },
    { provider: 'backup', model: 'openai/gpt-5.4-mini' },
  ]);
  expect(route.baseline).toEqual(route.targets[0]);
});

test('targets of inactive providers are skipped, and the baseline stays the first that was written', () => {
  const route = resolveRoute(table(backup), 'chat', 'openai', caller);
  expect(route.targets).toEqual([{ provider: 'backup', model: 'openai/gpt-5.4-mini' }]);
  expect(route.baseline).toEqual({ provider: 'openai', model: 'gpt-5.4-mini' });
});

test('a balance keeps the weights of the active targets', () => {
  const [own, other] = [
    { provider: 'openai', model: 'm' },
    { provider: 'backup', model: 'm' },
  ];
  const balanced = (base: RouteTable): RouteTable => ({
    ...base,
    aliases: new Map([['even', { targets: [own, other], balance: { by: 'weighted', weights: [1, 3] } }]]),
  });
  expect(resolveRoute(balanced(table(openai, backup)), 'even', 'openai', caller).balance).toEqual({
    by: 'weighted',
    weights: [1, 3],
  });
  const route = resolveRoute(balanced(table(backup)), 'even', 'openai', caller);
  expect(route).toMatchObject({ targets: [other], balance: { by: 'weighted', weights: [3] } });
  expect(resolveRoute(table(openai), 'chat', 'openai', caller).balance).toBeUndefined();
});

test("an alias's own baseline is what savings are measured against", () => {
  expect(resolveRoute(table(openai), 'cheap', 'openai', caller).baseline.model).toBe('big');
});

test('provider/model is explicit and splits at the first slash', () => {
  expect(resolveRoute(table(openai, backup), 'backup/openai/gpt-5.5', 'openai', caller).targets).toEqual([
    { provider: 'backup', model: 'openai/gpt-5.5' },
  ]);
});

test('a plain name goes to the provider whose catalogue has it', () => {
  expect(resolveRoute(table(backup, openai), 'gpt-5.5', 'openai', caller).targets[0].provider).toBe('openai');
});

test('a plain name that no catalogue has goes to the one provider of the protocol', () => {
  expect(resolveRoute(table(backup, anthropic), 'llama', 'openai', caller).targets[0].provider).toBe('backup');
});

test('a plain name that could go to several providers is refused with what to write instead', () => {
  expect(() => resolveRoute(table(openai, backup), 'llama', 'openai', caller)).toThrow(
    /openai\/llama or backup\/llama/,
  );
});

test('a model of the other protocol is refused with the path to ask', () => {
  expect(() => resolveRoute(table(openai, anthropic), 'claude-sonnet-5', 'openai', caller)).toThrow(/\/v1\/messages/);
});

test('a key with allowed models may ask for these names only', () => {
  const limited = { ...caller, allowedModels: ['chat', 'openai/gpt-5.5'] };
  expect(resolveRoute(table(openai), 'chat', 'openai', limited).asked).toBe('chat');
  expect(resolveRoute(table(openai), 'gpt-5.5', 'openai', limited).asked).toBe('gpt-5.5');
  expect(() => resolveRoute(table(openai), 'openai/other', 'openai', limited)).toThrow(/may not ask/);
});
