import { describe, expect, test } from 'vitest';
import { DEFAULT_RESILIENCE } from '../../src/core/resilience/resilience-policy.ts';
import { expectedVector } from '../../src/testing/upstream/expected-answer.ts';
import { FORMS } from '../support/asked-calls.ts';
import {
  expectMoneyOf,
  MODELS,
  type ResilienceStage,
  type StageOptions,
  startResilienceStage,
} from '../support/resilience-stage.ts';

const FORM = FORMS.filter(({ endpoint }) => endpoint !== 'count-tokens' && endpoint !== 'embeddings');
const DOWN = { kind: 'status', status: 503 } as const;
const CLIENTS = 50;

function startCachingStage(options: StageOptions = {}): Promise<ResilienceStage> {
  return startResilienceStage({ cache: { mode: 'all' }, resilience: { retries: 0 }, ...options });
}

describe.each(FORM)('$endpoint, stream $isStream', (form) => {
  const suffix = form.endpoint === 'messages' ? '-claude' : '';
  const call = { ...form, prompt: 'the same' };

  test("a fallback's answer is stored under its own target: found while the first is down, not served once it works", async () => {
    const stage = await startCachingStage();
    const [first] = stage.upstreams;
    first?.setDown(DOWN);
    expect((await stage.ask(call)).kind).toBe('right');
    expect(stage.requests()).toEqual([1, 1]);
    // Before that it would be shared, not found.
    await expect.poll(() => stage.engine.inFlight()).toBe(0);
    const again = await stage.ask(call);
    expect(again.kind).toBe('right');
    expect(again.headers.get('x-farthing-model')).toMatch(new RegExp(`^two${suffix}/`));
    expect(again.headers.get('cache-status')).toContain('hit');
    expect(stage.requests()).toEqual([2, 1]);
    await expect.poll(() => stage.records.length).toBe(2);
    expect(stage.records[1]).toMatchObject({ cacheStatus: 'hit', attempts: 1, costNanoUsd: 0 });
    first?.setDown(undefined);
    const own = await stage.ask(call);
    expect(own.headers.get('x-farthing-model')).toMatch(new RegExp(`^one${suffix}/`));
    expect(stage.requests()).toEqual([3, 1]);
    await expect.poll(() => stage.engine.inFlight()).toBe(0);
    const hit = await stage.ask(call);
    expect(hit.headers.get('x-farthing-model')).toMatch(new RegExp(`^one${suffix}/`));
    expect(stage.requests()).toEqual([3, 1]);
    await expect.poll(() => stage.records.length).toBe(4);
    // oxlint-disable-next-line no-await-in-loop
    for (const record of stage.records) await expectMoneyOf(stage, record);
  });

  test(`${CLIENTS} calls at once share the fallback's answer: the attempts are those of one`, async () => {
    const stage = await startCachingStage({ upstream: { firstFrameMs: 50, msPerFrame: 2 } });
    stage.upstreams[0]?.setDown(DOWN);
    const seen = await Promise.all(Array.from({ length: CLIENTS }, () => stage.ask(call)));
    expect(seen.map(({ kind }) => kind)).toEqual(Array(CLIENTS).fill('right'));
    expect(stage.requests()).toEqual([1, 1]);
    expect(new Set(seen.map(({ headers }) => headers.get('x-farthing-model')?.split('/')[0]))).toEqual(
      new Set([`two${suffix}`]),
    );
    await expect.poll(() => stage.records.length).toBe(CLIENTS);
    const cost = stage.records.reduce((sum, { costNanoUsd = 0 }) => sum + costNanoUsd, 0);
    expect(stage.records.filter(({ costNanoUsd }) => (costNanoUsd ?? 0) > 0)).toHaveLength(1);
    expect(cost).toBeGreaterThan(0);
    // oxlint-disable-next-line no-await-in-loop
    for (const record of stage.records) await expectMoneyOf(stage, record);
  });

  test('calls that share a failure are told the same, and the next one begins anew', async () => {
    const stage = await startCachingStage({ resilience: { ...DEFAULT_RESILIENCE, retries: 0 } });
    for (const upstream of stage.upstreams) upstream.script(DOWN);
    const seen = await Promise.all(Array.from({ length: 10 }, () => stage.ask(call)));
    expect(new Set(seen.map((one) => ('status' in one ? one.status : one.kind)))).toEqual(new Set([503]));
    expect(stage.requests()).toEqual([1, 1]);
    expect((await stage.ask(call)).kind).toBe('right');
  });
});

test('a burst at a fallback that is being probed sends it one call, also while the cache is asked', async () => {
  const cooldown = { ...DEFAULT_RESILIENCE.cooldown, lengthMs: 300 };
  const stage = await startCachingStage({ cacheReadMs: 40, resilience: { retries: 0, cooldown } });
  const [first, second] = stage.upstreams;
  for (const upstream of stage.upstreams) upstream.setDown(DOWN);
  for (let number = 0; number < 5; number += 1)
    // oxlint-disable-next-line no-await-in-loop -- one call after the other
    await stage.ask({ endpoint: 'chat', prompt: `before ${number}` });
  expect(stage.requests()).toEqual([5, 5]);
  first?.setDown(undefined);
  await expect
    .poll(async () => (await stage.ask({ endpoint: 'chat', prompt: `probe ${performance.now()}` })).kind)
    .toBe('right');
  first?.setDown({ kind: 'status', status: 429 });
  await Promise.all(
    Array.from({ length: 4 }, (_, number) => stage.ask({ endpoint: 'chat', prompt: `burst ${number}` })),
  );
  expect(second?.counters().requests).toBe(6);
});

describe('embeddings', () => {
  const MODEL = MODELS.embeddings;

  async function embed(
    stage: ResilienceStage,
    input: readonly string[],
  ): Promise<{ status: number; model: string | null; vectors: unknown[] }> {
    const reply = await stage.fetch('http://stage/v1/embeddings', {
      method: 'POST',
      body: JSON.stringify({ model: MODEL, input }),
    });
    // What was answered is stored behind the answer.
    await expect.poll(() => stage.engine.inFlight()).toBe(0);
    const body = (await reply.json()) as { data?: readonly { embedding: unknown }[] };
    return {
      status: reply.status,
      model: reply.headers.get('x-farthing-model'),
      vectors: (body.data ?? []).map(({ embedding }) => embedding),
    };
  }

  test('inputs that the cache has in part are asked whole from the next target when the first fails', async () => {
    const stage = await startCachingStage();
    await embed(stage, ['a', 'b']);
    stage.upstreams[0]?.setDown(DOWN);
    const mixed = await embed(stage, ['a', 'b', 'c']);
    expect(mixed).toMatchObject({ status: 200, vectors: ['a', 'b', 'c'].map(expectedVector) });
    expect(mixed.model).toMatch(/^two\//);
    expect(stage.requests()).toEqual([2, 1]);
    await expect.poll(() => stage.records.length).toBe(2);
    const record = stage.records.at(-1) as (typeof stage.records)[number];
    expect(record).toMatchObject({ outcome: 'complete', attempts: 2 });
    expect(record.target).toMatch(/^two\//);
    // All three were asked of the second: its usage says so.
    expect(record.usage.input).toBe(6);
    await expectMoneyOf(stage, record);
    // They are in the cache as the second's, and the first's as its own.
    expect((await embed(stage, ['a', 'b'])).model).toMatch(/^one\//);
    stage.upstreams[0]?.setDown(undefined);
    const after = await embed(stage, ['a', 'c']);
    expect(after.model).toMatch(/^one\//);
    expect(stage.requests()).toEqual([3, 1]);
  });

  test('also where the first target rests', async () => {
    const stage = await startCachingStage();
    await embed(stage, ['a']);
    stage.upstreams[0]?.setDown({ kind: 'status', status: 401 });
    expect((await embed(stage, ['x'])).status).toBe(200);
    const mixed = await embed(stage, ['a', 'b']);
    expect(mixed).toMatchObject({ status: 200, vectors: ['a', 'b'].map(expectedVector) });
    expect(stage.requests()).toEqual([2, 2]);
  });

  test('where all targets fail the last failure is the answer', async () => {
    const stage = await startCachingStage();
    await embed(stage, ['a']);
    stage.upstreams[0]?.setDown(DOWN);
    stage.upstreams[1]?.setDown({ kind: 'status', status: 500 });
    expect((await embed(stage, ['a', 'b'])).status).toBe(500);
    expect(stage.requests()).toEqual([2, 1]);
    await expect.poll(() => stage.records.length).toBe(2);
    await expectMoneyOf(stage, stage.records.at(-1) as never);
  });

  test('a wrong request is not asked again elsewhere', async () => {
    const stage = await startCachingStage();
    await embed(stage, ['a']);
    stage.upstreams[0]?.script({ kind: 'status', status: 400 });
    expect((await embed(stage, ['a', 'b'])).status).toBe(400);
    expect(stage.requests()).toEqual([2, 0]);
  });
});
