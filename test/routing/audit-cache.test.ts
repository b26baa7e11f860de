import { expect, test } from 'vitest';
import type { LibraryRoute } from '../../src/client/library-routes.ts';
import type { RouteRule } from '../../src/core/route/route-rule.ts';
import type { ScoreModel } from '../../src/core/score/score-model.ts';
import { systemClock } from '../../src/engine/system-ports.ts';
import { MemoryCacheStore } from '../../src/stores/memory/memory-cache-store.ts';
import { type AuditStage, chat, startAuditStage } from '../support/audit-stage.ts';

const [NANO, MINI, FULL] = ['openai/gpt-5.4-nano', 'openai/gpt-5.4-mini', 'openai/gpt-5.4'] as const;
const PATTERN_42 = { pattern: '^42$' };

function cascade(verify: Extract<LibraryRoute, { cascade: unknown }>['cascade']['verify']): LibraryRoute {
  return { name: 'sums', match: { models: ['gpt-5.4'] }, cascade: { from: NANO, to: FULL, verify } };
}

/** Says who answered. */
const NAMED = (target: string): { readonly text: string } => ({ text: `${target} says so` });

async function said(stage: AuditStage, model: string, headers: Record<string, string> = {}): Promise<string> {
  const { text } = await stage.ask({ body: chat(model), headers });
  return / ?([\w./-]+) says so/.exec(text)?.[1] ?? text;
}

test('a cascade and plain calls to its targets never answer one another out of the cache', async () => {
  const stage = await startAuditStage({ routes: [cascade(['json'])], isCached: true, says: NAMED });
  const off = { 'x-farthing-route': 'off' };
  for (let turn = 0; turn < 3; turn += 1) {
    // oxlint-disable no-await-in-loop -- what one leaves the next may find
    expect(await said(stage, 'gpt-5.4')).toBe(FULL);
    expect(await said(stage, 'gpt-5.4', off)).toBe(FULL);
    expect(await said(stage, 'gpt-5.4-nano')).toBe(NANO);
    expect(await said(stage, NANO, off)).toBe(NANO);
    // oxlint-enable no-await-in-loop
  }
  // The cascade asked two, and each plain target was asked once.
  expect(stage.asked.toSorted()).toEqual([NANO, FULL, FULL, NANO].toSorted());
});

test('answers of a cascade are not served once its checks have changed, nor when there is no route any more', async () => {
  const store = new MemoryCacheStore({ clock: systemClock });
  const shared = { isCached: true, store, says: () => ({ text: '42' }) };
  const before = await startAuditStage({ ...shared, routes: [cascade([PATTERN_42])] });
  await before.ask({ body: chat('gpt-5.4') });
  const same = await startAuditStage({ ...shared, routes: [cascade([PATTERN_42])] });
  await same.ask({ body: chat('gpt-5.4') });
  expect(same.asked).toEqual([]);
  const after = await startAuditStage({ ...shared, routes: [cascade([PATTERN_42, 'json'])] });
  await after.ask({ body: chat('gpt-5.4') });
  expect(after.asked).toEqual([NANO]);
  const gone = await startAuditStage(shared);
  await gone.ask({ body: chat('gpt-5.4') });
  await gone.ask({ body: chat('gpt-5.4-nano') });
  expect(gone.asked).toEqual([FULL, NANO]);
});

test('the same bytes under other tags, headers and sessions go where their own routes say, also when they are cached', async () => {
  const tagged = (value: string): NonNullable<LibraryRoute['match']> => ({ tags: { feature: [value] } });
  const stage = await startAuditStage({
    isCached: true,
    says: NAMED,
    routes: [
      { name: 'a', match: tagged('a'), targets: [NANO] },
      { name: 'b', match: tagged('b'), targets: [MINI], fallback: [FULL] },
      { name: 'c', match: tagged('c'), cascade: { from: NANO, to: FULL, verify: ['json'] } },
      { name: 's', match: { tags: { session: ['x'] } }, targets: ['house/gpt-5.4-mini'] },
    ],
  });
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{}, FULL],
    [{ 'x-farthing-tags': 'feature=a' }, NANO],
    [{ 'x-farthing-tags': 'feature=b' }, MINI],
    [{ 'x-farthing-tags': 'feature=c' }, FULL],
    [{ 'x-farthing-session': 'x' }, 'house/gpt-5.4-mini'],
    [{ 'x-farthing-route': 'b', 'x-farthing-tags': 'feature=a' }, MINI],
    [{ 'x-farthing-route': 'off', 'x-farthing-tags': 'feature=a' }, FULL],
  ];
  for (let turn = 0; turn < 3; turn += 1) {
    for (const [headers, target] of cases) {
      // oxlint-disable-next-line no-await-in-loop -- what one leaves the next may find
      expect([headers, await said(stage, 'gpt-5.4', headers)]).toEqual([headers, target]);
    }
  }
  expect(stage.asked.length).toBe(6);
  // The same at once: what is under way is shared by no other route either.
  const fresh = { 'cache-control': 'no-cache' };
  const together = await Promise.all(cases.map(([headers]) => said(stage, 'gpt-5.4', { ...headers, ...fresh })));
  expect(together).toEqual(cases.map(([, target]) => target));
});

/** Knows prompts of the category `easy`, all of which it takes for easy. */
const BY_CATEGORY: ScoreModel = {
  version: 1,
  id: 'by-category',
  targets: { cheap: NANO, strong: FULL },
  categoryTag: 'task',
  pairs: { trained: 500, heldOut: 100 },
  apgr: null,
  certified: null,
  parameters: {
    scale: { means: [], deviations: [] },
    categories: ['easy'],
    buckets: '',
    cheap: { bias: 0, shape: [], weights: { unit: 1, steps: '' } },
    strong: { bias: 0, shape: [], weights: { unit: 1, steps: '' } },
    drift: {
      seen: '',
      common: '',
      centre: { unit: 1, steps: '' },
      precision: [],
      middles: [],
      spreads: [1e9, 1e9, 1e9, 1e9],
    },
  },
};

test('a call whose score rests on a tag is not answered by the bytes of one with another tag', async () => {
  const [nano, full] = ['gpt-5.4-nano', 'gpt-5.4'].map((model) => ({ provider: 'openai', model }));
  if (nano === undefined || full === undefined) throw new Error('no targets');
  const rule: RouteRule = {
    name: 'scored',
    match: {},
    targets: [nano, full],
    fallbacks: [],
    cascade: undefined,
    quality: undefined,
    score: { model: BY_CATEGORY, threshold: 0.5 },
    sticky: false,
    policyVersion: '1',
  };
  const stage = await startAuditStage({ rules: [rule], isCached: true, says: NAMED });
  for (let turn = 0; turn < 3; turn += 1) {
    // oxlint-disable no-await-in-loop -- what one leaves the next may find
    expect(await said(stage, 'gpt-5.4', { 'x-farthing-tags': 'task=easy' })).toBe(NANO);
    expect(await said(stage, 'gpt-5.4', { 'x-farthing-tags': 'task=odd' })).toBe(FULL);
    // oxlint-enable no-await-in-loop
  }
});
