import { describe, expect, test } from 'vitest';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { FORMS } from '../support/asked-calls.ts';
import {
  attemptsOf,
  briefly,
  expectMoneyOf,
  hardBudget,
  type ResilienceStage,
  type StageOptions,
  startResilienceStage,
} from '../support/resilience-stage.ts';

const FORM = FORMS.filter(({ endpoint }) => endpoint === 'chat' || endpoint === 'messages');
const HEDGE = { retries: 0, hedge: { percentileRatio: 0.95, minDelayMs: 60 } } as const;
type Form = (typeof FORM)[number];

/** A stage whose first target is known to be quick. */
async function warmStage(form: Form, options: StageOptions = {}): Promise<ResilienceStage> {
  const stage = await startResilienceStage({ ...options, resilience: { ...HEDGE, ...options.resilience } });
  for (let number = 0; number < 20; number += 1) {
    // oxlint-disable-next-line no-await-in-loop -- its times are those of a quiet target
    const seen = await stage.ask({ ...form, prompt: `warm ${number}` });

    expect(seen.kind).toBe('right');
  }
  // A reply may be read before its call's record is there.
  await expect.poll(() => stage.records.length).toBe(20);
  expect(stage.requests()).toEqual(options.targets === 1 ? [20] : [20, 0, 0].slice(0, options.targets ?? 2));
  return stage;
}

function lastOf({ records }: ResilienceStage): CallRecord {
  const record = records.at(-1);
  if (record === undefined) throw new Error('no call has finished');
  return record;
}

function nameOf({ endpoint }: Form, place: string): string {
  return endpoint === 'messages' ? `${place}-claude` : place;
}

describe.each(FORM)('$endpoint, stream $isStream', (form) => {
  const [one, two] = [nameOf(form, 'one'), nameOf(form, 'two')];

  test('a slow target gets a second attempt beside it, which wins; the first is called off and charged', async () => {
    const stage = await warmStage(form);
    stage.upstreams[0]?.script({ kind: 'hang' });
    const seen = await stage.ask({ ...form, prompt: 'slow' });
    expect(seen.kind).toBe('right');
    expect(seen.headers.get('x-farthing-model')).toMatch(new RegExp(`^${two}/`));
    expect(stage.requests()).toEqual([21, 1]);
    await expect.poll(() => stage.records.length).toBe(21);
    const record = lastOf(stage);
    expect(record).toMatchObject({ outcome: 'complete', attempts: 2 });
    expect(record.target).toMatch(new RegExp(`^${two}/`));
    expect(attemptsOf(record).toSorted()).toEqual([`${one} left attempt-dropped`, `${two} answered`]);
    const charges = (await stage.charges()).filter(({ callId }) => callId === record.callId);
    expect(briefly(charges)).toEqual([`${one} estimate attempt-dropped`, `${two} exact complete`]);
    const dropped = charges.find(({ certainty }) => certainty === 'estimate');
    const hedge = record.decisions.find(({ step }) => step === 'hedge');
    expect(hedge?.verdict).toBe('won');
    expect(dropped?.amountNanoUsd).toBeGreaterThan(0);
    expect((hedge?.effectNanoUsd ?? 0) + (dropped?.amountNanoUsd ?? 0)).toBe(0);
    await expectMoneyOf(stage, record);
    await expect.poll(() => stage.upstreams[0]?.counters().departures.length).toBe(1);
    // Being too slow for one call is no failure: the target is asked again.
    expect((await stage.ask({ ...form, prompt: 'after' })).kind).toBe('right');
    expect(stage.requests()).toEqual([22, 1]);
  });

  test('a first attempt that answers after all wins over the second', async () => {
    const stage = await warmStage(form);
    stage.upstreams[0]?.script({ kind: 'slow', delayMs: 200 });
    stage.upstreams[1]?.script({ kind: 'hang' });
    expect((await stage.ask({ ...form, prompt: 'slow' })).kind).toBe('right');
    await expect.poll(() => stage.records.length).toBe(21);
    const record = lastOf(stage);
    expect(record.target).toMatch(new RegExp(`^${one}/`));
    expect(record.decisions.find(({ step }) => step === 'hedge')).toMatchObject({ verdict: 'lost' });
    await expectMoneyOf(stage, record);
  });

  test('when both are silent neither is asked again', async () => {
    const stage = await warmStage(form, {
      timeouts: { firstByteMs: 300, totalMs: form.isStream ? 5000 : 300 },
      resilience: { retries: 2 },
    });
    for (const upstream of stage.upstreams) upstream.setDown({ kind: 'hang' });
    const seen = await stage.ask({ ...form, prompt: 'silent' });
    expect(seen).toMatchObject({ kind: 'refused', status: 504 });
    expect(stage.requests()).toEqual([21, 1]);
  });

  test('when both fail the call goes on at the next target, and each failure is told', async () => {
    const stage = await warmStage(form, { targets: 3 });
    // Not at once, so that a second attempt is made beside it.
    if (form.isStream) stage.upstreams[0]?.script({ kind: 'stall', after: { frames: 1 } });
    else stage.upstreams[0]?.script({ kind: 'cut', after: { frames: 1 }, by: 'rst' });
    stage.upstreams[1]?.script({ kind: 'status', status: 503 });
    expect((await stage.ask({ ...form, prompt: 'both' })).kind).toBe('right');
  });

  // A whole reply has no middle to break in.
  const testOfStreams = form.isStream ? test : undefined;
  testOfStreams?.('a second attempt that wins and breaks is gone on with by the first target', async () => {
    const stage = await warmStage(form, { resilience: { midStream: 'continue' }, upstream: { msPerFrame: 2 } });
    stage.upstreams[0]?.script({ kind: 'hang' });
    stage.upstreams[1]?.script({ kind: 'cut', after: { frames: 7 }, by: 'rst' });
    expect((await stage.ask({ ...form, prompt: 'breaks' })).kind).toBe('right');
    expect(stage.requests()).toEqual([22, 1]);
    await expect.poll(() => stage.records.length).toBe(21);
    expect(lastOf(stage)).toMatchObject({ outcome: 'complete', attempts: 3 });
    await expectMoneyOf(stage, lastOf(stage));
  });

  test('a target that is alone is asked a second time itself', async () => {
    const stage = await warmStage(form, { targets: 1 });
    stage.upstreams[0]?.script({ kind: 'hang' });
    expect((await stage.ask({ ...form, prompt: 'alone' })).kind).toBe('right');
    expect(stage.requests()).toEqual([22]);
    await expect.poll(() => stage.records.length).toBe(21);
    await expectMoneyOf(stage, lastOf(stage));
  });

  test('second attempts come out of the retry budget: none without one', async () => {
    const stage = await warmStage(form, { resilience: { retryBudgetRatio: 0 } });
    stage.upstreams[0]?.script({ kind: 'slow', delayMs: 300 });
    expect((await stage.ask({ ...form, prompt: 'slow' })).kind).toBe('right');
    expect(stage.requests()).toEqual([21, 0]);
  });

  test('when the second fails the first is waited for', async () => {
    const stage = await warmStage(form);
    stage.upstreams[0]?.script({ kind: 'slow', delayMs: 250 });
    stage.upstreams[1]?.script({ kind: 'status', status: 500 });
    expect((await stage.ask({ ...form, prompt: 'slow' })).kind).toBe('right');
    await expect.poll(() => stage.records.length).toBe(21);
    expect(stage.requests()).toEqual([21, 1]);
    expect(stage.records.at(-1)?.target).toMatch(new RegExp(`^${one}/`));
  });

  test('a client that leaves ends both', async () => {
    const stage = await warmStage(form);
    for (const upstream of stage.upstreams) upstream.setDown({ kind: 'hang' });
    const leave = new AbortController();
    const asked = stage.ask({ ...form, prompt: 'leaves', signal: leave.signal }).catch(() => undefined);
    await expect.poll(() => stage.requests()).toEqual([21, 1]);
    leave.abort();
    await asked;
    await expect.poll(() => stage.records.length).toBe(21);
    for (const upstream of stage.upstreams)
      // oxlint-disable-next-line no-await-in-loop
      await expect.poll(() => upstream.counters().departures.length).toBe(1);
    const record = lastOf(stage);
    expect(record).toMatchObject({ outcome: 'client-left', target: undefined });
    await expectMoneyOf(stage, record);
  });

  test('two that answer while the ledger is slow give one answer, and all name its target', async () => {
    const stage = await warmStage(form, { chargeMs: 60 });
    for (const lead of [-10, 0, 10]) {
      const before = stage.records.length;
      stage.upstreams[0]?.script({ kind: 'slow', delayMs: 200 });
      stage.upstreams[1]?.script({ kind: 'slow', delayMs: 120 + lead });
      // oxlint-disable-next-line no-await-in-loop -- each may end otherwise
      const seen = await stage.ask({ ...form, prompt: `at once ${lead}` });
      expect(seen.kind).toBe('right');
      // oxlint-disable-next-line no-await-in-loop
      await expect.poll(() => stage.records.length).toBe(before + 1);
      const record = lastOf(stage);
      expect(record.attempts).toBe(2);
      expect(seen.headers.get('x-farthing-model')).toBe(record.target);
      expect(attemptsOf(record).filter((attempt) => attempt.endsWith('answered'))).toEqual([
        `${record.target?.split('/')[0]} answered`,
      ]);
      // oxlint-disable-next-line no-await-in-loop
      await expectMoneyOf(stage, record);
    }
  });

  test('a second attempt that the money does not cover is not made, and the first is waited for', async () => {
    const scope = { kind: 'model', name: `${two}/${form.endpoint === 'chat' ? 'gpt-5.4-mini' : 'claude-haiku-4-5'}` };
    const stage = await warmStage(form, { budgets: [hardBudget('0.0000001', scope as never)], budgetWaitMs: 20 });
    stage.upstreams[0]?.script({ kind: 'slow', delayMs: 300 });
    expect((await stage.ask({ ...form, prompt: 'slow' })).kind).toBe('right');
    expect(stage.requests()).toEqual([21, 0]);
    await expect.poll(() => stage.records.length).toBe(21);
    expect(lastOf(stage).decisions).toContainEqual({ step: 'hedge', verdict: 'refused', reason: 'budget-spent' });
    expect(lastOf(stage).attempts).toBe(1);
  });
});
