import { expect, test } from 'vitest';
import { createFarthing } from '../../src/client/create-farthing.ts';
import { formatTarget } from '../../src/core/model/target.ts';
import { trainScore } from '../../src/core/score/train-score.ts';
import { madePairs } from '../support/routing/made-pairs.ts';
import { callers, GUARDED, type GuardedStage, startGuardedStage } from '../support/guarded-stage.ts';

const CHEAP = formatTarget(GUARDED.cheap);
const STRONG = formatTarget(GUARDED.strong);

function outcomes({ events }: GuardedStage): readonly string[] {
  return events.flatMap((event) => (event.kind === 'route-sampled' ? [event.outcome] : []));
}

test('what a certified target refuses to take is asked of the strong one: nobody asked for the cheap one', async () => {
  const stage = await startGuardedStage({
    says: (model, prompt) =>
      model === GUARDED.cheap.model && prompt.includes('picture') ? { status: 400 } : { text: 'right' },
  });
  await stage.ask(60);
  expect(stage.guard.standing('chat').certifiedIndex).toBe(0);
  expect(await stage.ask(2, (index) => (index === 0 ? 'a picture' : 'a word'))).toEqual([STRONG, CHEAP]);
  expect(
    callers(stage.records)
      .slice(-2)
      .map(({ status }) => status),
  ).toEqual([200, 200]);
});

test('a request that the strong target refuses, too, is answered with its refusal', async () => {
  const stage = await startGuardedStage({
    says: (_model, prompt) => (prompt.includes('nonsense') ? { status: 400 } : { text: 'right' }),
  });
  await stage.ask(60);
  await stage.ask(1, () => 'nonsense');
  expect(callers(stage.records).at(-1)).toMatchObject({ status: 400, outcome: 'provider-error', attempts: 2 });
});

test('calls that are never sampled are not covered by a certificate, and go to the strong target', async () => {
  const stage = await startGuardedStage({ says: () => ({ text: 'right' }) });
  await stage.ask(60);
  const asked = { model: GUARDED.strong.model, messages: [{ role: 'user' as const, content: 'Who?' }] };
  const targetOf = async (fields: object): Promise<string | null> => {
    const { response } = await stage.openai.chat.completions.create({ ...asked, ...fields }).withResponse();
    await stage.idle();
    return response.headers.get('x-farthing-model');
  };
  expect(await targetOf({})).toBe(CHEAP);
  for (const fields of [{ n: 2 }, { store: true }, { web_search_options: {} }]) {
    // oxlint-disable-next-line no-await-in-loop
    expect(await targetOf(fields), JSON.stringify(fields)).toBe(STRONG);
  }
  expect(callers(stage.records).at(-1)?.route).toMatchObject({ route: 'chat', reason: 'uncertified' });
  expect(new Set(outcomes(stage).slice(0, 60))).toEqual(new Set(['judged']));
});

test('a turn whose score is above what was certified leaves the cheap target, where its conversation was', async () => {
  const trained = trainScore(madePairs(600, { isTelling: true }), {
    targets: { cheap: CHEAP, strong: STRONG },
    categoryTag: undefined,
    maxQualityLoss: 0.05,
    confidenceRatio: 0.9,
    resamples: 2,
    seed: 1,
  });
  if (trained.kind !== 'trained') throw new Error('too few pairs');
  const [easy, hard] = ['spell', 'prove'].map(
    (verb) => (index: number) => `Please ${verb} the invoice for me, number ${index}.`,
  );
  if (easy === undefined || hard === undefined) throw new Error('two kinds of prompts');
  const stage = await startGuardedStage({
    says: () => ({ text: 'right' }),
    route: { sticky: true, score: { model: trained.model, threshold: 0.38 } },
  });
  await stage.ask(100, (index) => (index % 4 === 0 ? hard(index) : easy(index)));
  expect(stage.guard.standing('chat').certifiedIndex).toBe(0);
  const turns = [easy(1), hard(2), easy(3)];
  const targets: (string | null)[] = [];
  for (const turn of turns.keys()) {
    const messages = turns.slice(0, turn + 1).map((content) => ({ role: 'user' as const, content }));
    const asked = { model: GUARDED.strong.model, messages };
    // oxlint-disable-next-line no-await-in-loop -- one turn after the other
    const { response } = await stage.openai.chat.completions
      .create(asked, { headers: { 'x-farthing-session': 'one' } })
      .withResponse();
    targets.push(response.headers.get('x-farthing-model'));
    await stage.idle(); // oxlint-disable-line no-await-in-loop
  }
  expect(targets.slice(0, 2)).toEqual([CHEAP, STRONG]);
});

test('a route that would never look at its certified target is refused', () => {
  const quality = { maxQualityLoss: 0.05, sampleRatio: 0 };
  const routes = [{ name: 'blind', targets: [CHEAP, STRONG], quality }];
  expect(() => createFarthing({ apiKeys: { openai: 'test' }, routes })).toThrow(/sampleRatio of 0/);
});

test('after an alarm no answer of the fallen target comes out of the cache', async () => {
  let isFallen = false;
  const stage = await startGuardedStage({
    says: (model) => ({ text: model === GUARDED.cheap.model && isFallen ? 'wrong' : 'right' }),
    isCached: true,
  });
  await stage.ask(60);
  isFallen = true;
  const fallen = await stage.ask(60, (index) => `later ${index}`);
  expect([fallen[0], fallen.at(-1)]).toEqual([CHEAP, STRONG]);
  // The first of them was answered, and kept, by the cheap target.
  expect(await stage.ask(1, () => 'later 0')).toEqual([STRONG]);
  expect(callers(stage.records).at(-1)).toMatchObject({ cacheStatus: 'miss', route: { reason: 'alarm' } });
});
