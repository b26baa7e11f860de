import { describe, expect, test } from 'vitest';
import { hardBudget } from '../support/resilience-stage.ts';
import {
  CASCADE_MODELS,
  type CascadeAsk,
  type CascadeStage,
  expectMoneyOf,
  startCascadeStage,
} from '../support/cascade-stage.ts';

const ASK: CascadeAsk = { endpoint: 'chat', prompt: 'six times seven' };
const { cheap, second, strong } = CASCADE_MODELS.chat;

async function expectMoney(stage: CascadeStage, count: number): Promise<void> {
  expectMoneyOf(await stage.record(count), await stage.charges());
}

function leftOf({ budgets }: CascadeStage): number | undefined {
  return budgets?.keeper.remaining({ project: 'default', keyId: 'local', tags: {}, target: '' })[0]?.leftNanoUsd;
}

describe('money', () => {
  test('an answer that passes saves what the strong target would have cost', async () => {
    const stage = await startCascadeStage({ says: () => ({ text: '42' }) });
    await stage.text(ASK);
    await expectMoney(stage, 1);
    const { savedParts, savedNanoUsd } = await stage.record(1);
    expect(savedParts?.route).toBe(savedNanoUsd);
    expect(savedNanoUsd).toBeGreaterThan(0);
  });

  test('what an escalation costs more is lost by retries, and a second answer by side calls', async () => {
    const stage = await startCascadeStage({
      agrees: true,
      verify: [],
      says: (model) => ({ text: { [cheap]: 'Rome', [second]: 'Oslo' }[model] ?? 'Paris' }),
    });
    expect(await stage.text(ASK)).toBe('Paris');
    await expectMoney(stage, 1);
    const { savedParts, savedNanoUsd } = await stage.record(1);
    expect(savedParts?.retries).toBeLessThan(0);
    expect(savedParts?.['side-calls']).toBeLessThan(0);
    expect(savedNanoUsd).toBeLessThan(0);
    expect((await stage.charges()).map(({ kind, target }) => `${kind} ${target}`).toSorted()).toEqual([
      `call openai/${strong}`,
      `call openai/${cheap}`,
      `verify openai/${second}`,
    ]);
  });

  test('a second answer that is called off is charged once, as an estimate', async () => {
    const stage = await startCascadeStage({
      agrees: true,
      says: (model) =>
        model === second ? { until: new Promise(() => undefined) } : { text: model === strong ? '42' : 'no' },
    });
    await stage.text(ASK);
    await expectMoney(stage, 1);
    const verify = (await stage.charges()).filter(({ kind }) => kind === 'verify');
    expect(verify).toMatchObject([{ certainty: 'estimate', outcome: 'attempt-dropped' }]);
  });

  test('a client that leaves while the cheap target thinks pays for that and no more', async () => {
    const stage = await startCascadeStage({ agrees: true, says: () => ({ until: new Promise(() => undefined) }) });
    const away = new AbortController();
    const left = expect(stage.text({ ...ASK, signal: away.signal })).rejects.toThrow();
    await expect.poll(() => stage.asked.length).toBe(2);
    away.abort();
    await left;
    expect((await stage.record(1)).outcome).toBe('client-left');
    await expectMoney(stage, 1);
    expect(stage.asked).toEqual([cheap, second]);
  });

  test('all attempts are booked on the budget, and nothing stays held', async () => {
    const stage = await startCascadeStage({
      budgets: [hardBudget('10')],
      agrees: true,
      verify: [],
      says: (model, prompt) => ({ text: prompt === 'hard' && model === second ? 'other' : '42' }),
    });
    await stage.text({ ...ASK, prompt: 'easy' });
    await expectMoney(stage, 1);
    await stage.text({ ...ASK, prompt: 'hard' });
    await expectMoney(stage, 2);
    const cost = stage.records.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? Number.NaN), 0);
    await expect.poll(() => leftOf(stage)).toBe(10_000_000_000 - cost);
  });
});

describe('budgets', () => {
  test('an escalation that the budget of its model refuses is refused: the answer that failed is not given', async () => {
    const stage = await startCascadeStage({
      budgets: [hardBudget('0.0000001', { kind: 'model', name: `openai/${strong}` })],
      says: () => ({ text: 'no' }),
    });
    await expect(stage.text(ASK)).rejects.toMatchObject({ status: 402 });
    expect(stage.asked).toEqual([cheap]);
    await expectMoney(stage, 1);
    expect((await stage.record(1)).outcome).toBe('budget-spent');
  });

  test('a hard budget of the model that is asked for second answers holds, and the call goes to the strong target', async () => {
    const stage = await startCascadeStage({
      budgets: [hardBudget('0.0000001', { kind: 'model', name: `openai/${second}` })],
      agrees: true,
      verify: [],
      says: () => ({ text: '42' }),
    });
    expect(await stage.text(ASK)).toBe('42');
    expect(stage.asked).toEqual([cheap, strong]);
    await expectMoney(stage, 1);
  });
});

describe('the cache', () => {
  test('keeps an answer that passed, and gives it again for nothing', async () => {
    const stage = await startCascadeStage({ isCached: true, says: () => ({ text: '42' }) });
    await stage.text(ASK);
    expect(await stage.text(ASK)).toBe('42');
    expect(await stage.text({ ...ASK, isStream: true })).toBe('42');
    expect(stage.asked).toEqual([cheap]);
    expect(await stage.record(3)).toMatchObject({ cacheStatus: 'hit', costNanoUsd: 0, target: `openai/${cheap}` });
    await expectMoney(stage, 3);
  });

  test('never keeps an answer that failed a check', async () => {
    const stage = await startCascadeStage({
      isCached: true,
      says: (model) => ({ text: model === strong ? '42' : 'no' }),
    });
    await stage.text(ASK);
    expect(stage.stored.map(({ target }) => target)).toEqual([`openai/${strong}`]);
    expect(await stage.text(ASK)).toBe('42');
    expect(stage.asked).toEqual([cheap, strong]);
    expect(await stage.record(2)).toMatchObject({ cacheStatus: 'hit', target: `openai/${strong}` });
    await expectMoney(stage, 2);
  });

  test('keeps nothing of a call that no target answered well', async () => {
    const stage = await startCascadeStage({
      isCached: true,
      says: (model) => (model === strong ? { status: 500 } : { text: 'no' }),
    });
    await expect(stage.text(ASK)).rejects.toMatchObject({ status: 500 });
    expect(stage.stored).toEqual([]);
  });

  test('lets identical calls share one cascade', async () => {
    let answer = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const stage = await startCascadeStage({
      isCached: true,
      says: (model) => ({ until, text: model === strong ? '42' : 'no' }),
    });
    const texts = Promise.all([stage.text(ASK), stage.text(ASK), stage.text({ ...ASK })]);
    await expect.poll(() => stage.asked.length).toBe(1);
    answer();
    expect(await texts).toEqual(['42', '42', '42']);
    expect(stage.asked).toEqual([cheap, strong]);
    await stage.record(3);
    const cost = stage.records.map(({ costNanoUsd }) => costNanoUsd).filter((each) => each !== 0);
    expect(cost.length).toBe(1);
  });
});

test('a fallback of the strong target answers where that fails', async () => {
  const stage = await startCascadeStage({
    fallbacks: ['gpt-5.5'],
    says: (model) => (model === strong ? { status: 500 } : { text: model === 'gpt-5.5' ? '42' : 'no' }),
  });
  expect(await stage.text(ASK)).toBe('42');
  expect(stage.asked).toEqual([cheap, strong, 'gpt-5.5']);
  await expectMoney(stage, 1);
});

test('a cheap target that rests is passed over without being asked', async () => {
  const stage = await startCascadeStage({ says: (model) => (model === cheap ? { status: 500 } : { text: '42' }) });
  for (let number = 0; number < 8; number += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one call after the other
    expect(await stage.text({ ...ASK, prompt: `call ${number}` })).toBe('42');
  }
  expect(stage.asked.filter((model) => model === cheap).length).toBeLessThan(8);
  const record = await stage.record(8);
  expect(record.decisions).toContainEqual({
    step: 'cascade',
    verdict: 'escalate',
    reason: 'targets-resting',
    target: `openai/${cheap}`,
  });
  await expectMoney(stage, 8);
});

test('a cascade that escalates everything is switched off, and calls go to the strong target', async () => {
  const stage = await startCascadeStage({ says: (model) => ({ text: model === strong ? '42' : 'no' }) });
  for (let number = 0; number < 36; number += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one call after the other
    await stage.text({ ...ASK, prompt: `call ${number}` });
  }
  expect(stage.events.filter(({ kind }) => kind === 'cascade-switched')).toEqual([
    { kind: 'cascade-switched', route: 'openai-sums', isOn: false, escalatedRatio: 1 },
  ]);
  await stage.record(36);
  const reasons = stage.records.slice(30).map(({ route }) => route?.reason);
  // One in fifty probes it.
  expect(reasons.filter((reason) => reason === 'cascade-off').length).toBeGreaterThanOrEqual(3);
  const off = stage.records.findLast(({ route }) => route?.reason === 'cascade-off');
  expect(off).toMatchObject({ attempts: 1, target: `openai/${strong}` });
  expect(off?.decisions).toContainEqual({ step: 'cascade', verdict: 'off', reason: 'escalates-100-percent' });
});

test('a cheap target that asks for a pause is not waited for', async () => {
  const stage = await startCascadeStage({
    retries: 2,
    says: (model) => (model === cheap ? { status: 429, retryAfterSeconds: 8 } : { text: '42' }),
  });
  expect(await stage.text(ASK)).toBe('42');
  expect(stage.asked).toEqual([cheap, strong]);
  expect((await stage.record(1)).durationMs).toBeLessThan(8000);
});
