import { describe, expect, test } from 'vitest';
import { FORMS } from '../support/asked-calls.ts';
import {
  briefly,
  expectMoneyOf,
  hardBudget,
  type ResilienceStage,
  startResilienceStage,
} from '../support/resilience-stage.ts';

const FORM = FORMS.filter(({ endpoint }) => endpoint !== 'count-tokens' && endpoint !== 'embeddings');
const PRICED = { chat: 'gpt-5.4-mini', responses: 'gpt-5.4-mini', messages: 'claude-haiku-4-5' } as const;

/** What the only account of a stage's budget has used and holds. */
function leftOf(stage: ResilienceStage): number | undefined {
  return stage.budgets?.keeper.remaining({ project: 'default', keyId: 'local', tags: {}, target: '' })[0]?.leftNanoUsd;
}

async function costOf(stage: ResilienceStage): Promise<number> {
  return (await stage.charges()).reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? 0), 0);
}

describe.each(FORM)('$endpoint, stream $isStream', (form) => {
  const suffix = form.endpoint === 'messages' ? '-claude' : '';
  const model = PRICED[form.endpoint as keyof typeof PRICED];

  test('all attempts of a call are booked on its budget, and nothing stays held', async () => {
    const stage = await startResilienceStage({
      targets: 3,
      budgets: [hardBudget('1')],
      resilience: { retries: 0 },
      timeouts: { firstByteMs: 100, idleMs: 100, ...(form.isStream ? {} : { totalMs: 400 }) },
    });
    stage.upstreams[0]?.setDown({ kind: 'reset' });
    stage.upstreams[1]?.setDown({ kind: 'in-band-error', afterFrames: 0 });
    for (let number = 0; number < 3; number += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one call after the other
      expect((await stage.ask({ ...form, prompt: `call ${number}` })).kind).toBe('right');
      // oxlint-disable-next-line no-await-in-loop
      await expectMoneyOf(stage, await stage.record());
    }
    const cost = await costOf(stage);
    expect(cost).toBeGreaterThan(0);
    await expect.poll(() => leftOf(stage)).toBe(1_000_000_000 - cost);
  });

  test("a fallback that does not fit its model's budget is not made: the first failure is the answer", async () => {
    const scope = { kind: 'model', name: `two${suffix}/${model}` } as const;
    const stage = await startResilienceStage({
      budgets: [hardBudget('0.0000001', scope)],
      resilience: { retries: 0 },
    });
    expect((await stage.ask({ ...form, prompt: 'fits' })).kind).toBe('right');
    await stage.record();
    stage.upstreams[0]?.script({ kind: 'status', status: 500 });
    expect(await stage.ask({ ...form, prompt: 'does not fit' })).toMatchObject({ kind: 'refused', status: 500 });
    expect(stage.requests()).toEqual([2, 0]);
    const record = await stage.record();
    expect(record).toMatchObject({ attempts: 1, costNanoUsd: 0 });
    expect(record.decisions).toContainEqual({ step: 'resilience', verdict: 'stop', reason: 'budget-spent' });
    expect((await stage.ask({ ...form, prompt: 'after' })).kind).toBe('right');
  });

  test("a fallback that fits its model's budget is made, also as the first that the budget sees", async () => {
    const scope = { kind: 'model', name: `two${suffix}/${model}` } as const;
    const stage = await startResilienceStage({ budgets: [hardBudget('1', scope)], resilience: { retries: 0 } });
    stage.upstreams[0]?.script({ kind: 'status', status: 500 });
    expect((await stage.ask({ ...form, prompt: 'fits' })).kind).toBe('right');
    expect(stage.requests()).toEqual([1, 1]);
  });

  test('a fallback for which the money that is left does not suffice is not made', async () => {
    const measured = await startResilienceStage({ budgets: [hardBudget('1')] });
    measured.upstreams[0]?.script({ kind: 'hang' });
    const away = new AbortController();
    const again = measured.ask({ ...form, prompt: 'measured', signal: away.signal }).catch(() => undefined);
    await expect.poll(async () => (await measured.openIntents())[0]?.upperBoundNanoUsd).toBeGreaterThan(0);
    const bound = (await measured.openIntents())[0]?.upperBoundNanoUsd ?? 0;
    away.abort();
    await again;
    const stage = await startResilienceStage({
      budgets: [hardBudget(`0.${String(bound).padStart(9, '0')}`)],
      resilience: { retries: 0 },
    });
    // A reply that fails within costs something: the whole bound does not fit a second time.
    stage.upstreams[0]?.script({ kind: 'in-band-error', afterFrames: 0 });
    const seen = await stage.ask({ ...form, prompt: 'measured' });
    expect(seen.kind).toBe('refused');
    expect(stage.requests()).toEqual([1, 0]);
    expect(briefly(await stage.charges())).toEqual([`one${suffix} estimate provider-error`]);
    await expect.poll(() => leftOf(stage)).toBe(bound - (await costOf(stage)));
    await expectMoneyOf(stage, await stage.record());
  });
});
