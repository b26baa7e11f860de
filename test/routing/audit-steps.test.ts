import { expect, test } from 'vitest';
import { type LibraryRoute, libraryRoutes } from '../../src/client/library-routes.ts';
import { chat, startAuditStage } from '../support/audit-stage.ts';
import { expectMoneyOf } from '../support/cascade-stage.ts';

const [NANO, FULL] = ['openai/gpt-5.4-nano', 'openai/gpt-5.4'] as const;
const HOUSE = 'house/gpt-5.4-nano';

test('a response that a cheap target of a cascade keeps is gone on from there, not at a provider that does not have it', async () => {
  const stage = await startAuditStage({
    routes: [{ name: 'r', match: { models: ['gpt-5.4'] }, cascade: { from: HOUSE, to: FULL, verify: ['empty'] } }],
  });
  await stage.ask({ endpoint: 'responses', body: { model: 'gpt-5.4', input: 'one' } });
  expect(stage.last().target).toBe(HOUSE);
  const next = { model: 'gpt-5.4', input: 'two', previous_response_id: 'resp_1' };
  await stage.ask({ endpoint: 'responses', body: next });
  expect(stage.last()).toMatchObject({ target: HOUSE, route: { route: 'r', reason: 'session' } });
});

test('a response that the provider of the strong target keeps, too, is gone on from there', async () => {
  const stage = await startAuditStage({
    routes: [{ name: 'r', match: { models: ['gpt-5.4'] }, cascade: { from: NANO, to: FULL, verify: ['empty'] } }],
  });
  await stage.ask({ endpoint: 'responses', body: { model: 'gpt-5.4', input: 'one' } });
  const next = { model: 'gpt-5.4', input: 'two', previous_response_id: 'resp_1' };
  await stage.ask({ endpoint: 'responses', body: next });
  expect(stage.last()).toMatchObject({ target: FULL, attempts: 1 });
});

test('a response that a fallback of a route made is gone on from there', async () => {
  const stage = await startAuditStage({
    routes: [{ name: 'r', match: { models: ['gpt-5.4'] }, targets: [NANO], fallback: [HOUSE] }],
    says: (target, prompt) => (target === NANO && prompt === 'one' ? { status: 500 } : { text: 'fine' }),
  });
  await stage.ask({ endpoint: 'responses', body: { model: 'gpt-5.4', input: 'one' } });
  expect(stage.last().target).toBe(HOUSE);
  const next = { model: 'gpt-5.4', input: 'two', previous_response_id: 'resp_1' };
  await stage.ask({ endpoint: 'responses', body: next });
  expect(stage.last()).toMatchObject({ target: HOUSE, route: { route: 'r', reason: 'session' } });
});

test("a program's test that never answers fails in time, and the strong target is asked", async () => {
  const stage = await startAuditStage({
    routes: [{ name: 'r', cascade: { from: NANO, to: FULL, verify: [() => new Promise<boolean>(() => undefined)] } }],
    timeouts: { firstByteMs: 400, idleMs: 400, totalMs: 400 },
  });
  const { status } = await stage.ask({ body: chat('gpt-5.4') });
  expect(status).toBe(200);
  expect(stage.last()).toMatchObject({ target: FULL, attempts: 2 });
  expect(stage.last().durationMs).toBeLessThan(390);
});

test('the flags of a pattern of a program are kept; one that cannot be read is refused when it is written', async () => {
  const stage = await startAuditStage({
    routes: [{ name: 'r', cascade: { from: NANO, to: FULL, verify: [{ pattern: /^yes$/i }, { pattern: /^.+$/ }] } }],
    says: (target, prompt) => ({ text: target === NANO && prompt === 'lines' ? 'yes\nno' : 'YES' }),
  });
  await stage.ask({ body: chat('gpt-5.4') });
  await stage.ask({ body: chat('gpt-5.4', 'lines') });
  expect(stage.asked).toEqual([NANO, NANO, FULL]);
  const versions = [/^yes$/, /^yes$/i].map(
    (pattern) =>
      libraryRoutes([{ name: 'r', cascade: { from: NANO, to: FULL, verify: [{ pattern }] } }], ['openai'])[0]
        ?.policyVersion,
  );
  expect(versions[0]).not.toBe(versions[1]);
  const unreadable = { name: 'r', cascade: { from: NANO, to: FULL, verify: [{ pattern: '(' }] } };
  expect(() => libraryRoutes([unreadable], ['openai'])).toThrow(
    'the route "r" has a pattern that is no regular expression',
  );
});

test.each<readonly [LibraryRoute, string]>([
  [{ name: 'r', targets: ['opnai/gpt-5.4-nano', FULL] }, 'names opnai/gpt-5.4-nano, and there is no such provider'],
  [{ name: 'r', targets: [NANO], fallback: ['nowhere/m'] }, 'names nowhere/m'],
  [{ name: 'r', cascade: { from: NANO, to: FULL, verify: [{ agree: { with: 'nowhere/m' } }] } }, 'names nowhere/m'],
  [{ name: 'r', targets: [NANO, FULL], quality: { maxQualityLoss: 0.1, judge: { model: 'no/m' } } }, 'names no/m'],
  [{ name: 'r', targets: [NANO, FULL, NANO] }, `lists ${NANO} twice`],
  [{ name: 'r', cascade: { from: NANO, to: [], verify: ['json'] } }, 'has a cascade that leads nowhere'],
  [{ name: 'r', cascade: { from: NANO, to: FULL, verify: ['shema' as 'schema'] } }, 'a check that is not known: shema'],
  [
    { name: 'r', targets: [NANO, FULL], quality: { maxQualityLoss: 0.1, judge: 'exct' as 'exact' } },
    'a check that is not known: exct',
  ],
])('the route %o of a program is refused when it is written', (route, problem) => {
  expect(() => libraryRoutes([route], ['openai'])).toThrow(problem);
});

test('a second answer is asked of nobody who speaks another protocol: what nothing can be held against goes to the strong target', async () => {
  const stage = await startAuditStage({
    routes: [
      { name: 'r', cascade: { from: NANO, to: FULL, verify: [{ agree: { with: 'anthropic/claude-haiku-4-5' } }] } },
    ],
  });
  await stage.ask({ body: chat('gpt-5.4') });
  expect(stage.asked).toEqual([FULL]);
});

test.each([false, true])('whatever hangs, the call is over when its time is: as a stream %s', async (isStream) => {
  const never = new Promise(() => undefined);
  const stage = await startAuditStage({
    routes: [
      {
        name: 'r',
        cascade: {
          from: NANO,
          to: ['house/gpt-5.4-mini', FULL],
          verify: [{ agree: { with: 'house/gpt-5.4-nano' } }, () => new Promise<boolean>(() => undefined)],
        },
      },
    ],
    says: (target) => (target === NANO ? { text: 'fine' } : { until: never }),
    timeouts: { firstByteMs: 300, idleMs: 300, totalMs: 300 },
  });
  const { status } = await stage.ask({ body: chat('gpt-5.4', 'x', { stream: isStream }) });
  expect(status).toBe(504);
  const record = stage.last();
  expect(record.durationMs).toBeLessThan(600);
  expect(record.durationMs).toBeGreaterThan(290);
  expectMoneyOf(record, await stage.charges());
});

test('several answers of one call must all pass, and a whole reply to a stream is checked as well', async () => {
  const numbers = { pattern: '^[0-9]+$' };
  const stage = await startAuditStage({
    routes: [{ name: 'r', cascade: { from: NANO, to: FULL, verify: [numbers] } }],
    says: (target) => ({ text: target === NANO ? 'seven' : '7' }),
  });
  for (const more of [{ n: 1 }, { n: 3 }, { n: 3, stream: true }, { stream: true }]) {
    // oxlint-disable-next-line no-await-in-loop -- the order of those that are asked is looked at
    const { text } = await stage.ask({ body: chat('gpt-5.4', 'x', more) });
    expect(text).not.toContain('seven');
  }
  for (const record of stage.records) expectMoneyOf(record, await stage.charges());
});
