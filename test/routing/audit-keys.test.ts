import { expect, test } from 'vitest';
import { chat, startAuditStage } from '../support/audit-stage.ts';

const [NANO, MINI, FULL] = ['openai/gpt-5.4-nano', 'openai/gpt-5.4-mini', 'openai/gpt-5.4'] as const;

test('a limited key names no route that could lead it to a fallback beyond its models', async () => {
  const stage = await startAuditStage({
    routes: [{ name: 'r', match: { models: ['never'] }, targets: [NANO], fallback: [FULL] }],
    says: (target) => (target === NANO ? { status: 500 } : { text: 'fine' }),
  });
  const limited = { keyId: 'limited', allowedModels: [NANO] };
  const named = await stage.ask({ body: chat(NANO), headers: { 'x-farthing-route': 'r' }, caller: limited });
  expect(named.status).toBe(403);
  expect(stage.asked).toEqual([]);
});

test('a limited key names no route whose second answers come from beyond its models', async () => {
  const stage = await startAuditStage({
    routes: [
      {
        name: 'r',
        match: { models: ['never'] },
        cascade: { from: NANO, to: MINI, verify: [{ agree: { with: FULL } }] },
      },
    ],
  });
  const limited = { keyId: 'limited', allowedModels: [NANO, MINI] };
  const named = await stage.ask({ body: chat(NANO), headers: { 'x-farthing-route': 'r' }, caller: limited });
  expect(named.status).toBe(403);
  expect(stage.asked).toEqual([]);
});

test('no header, alias or session leads a limited key to a model that neither it nor a route of the operator names', async () => {
  const stage = await startAuditStage({
    routes: [{ name: 'dear', match: { models: [FULL] }, targets: [MINI, FULL] }],
    aliases: { fast: { targets: [{ provider: 'openai', model: 'gpt-5.4' }] } },
    isCached: true,
  });
  const limited = { keyId: 'limited', allowedModels: [NANO] };
  const session = { 'x-farthing-session': 's' };
  await stage.ask({ body: chat(FULL), headers: session });
  for (const headers of [
    {},
    session,
    { 'x-farthing-route': 'off' },
    { 'x-farthing-route': 'dear' },
    { ...session, 'x-farthing-route': 'dear' },
    { 'x-farthing-cache': 'on' },
  ]) {
    for (const model of [FULL, MINI, 'fast', 'gpt-5.4', ` ${NANO}`, 'OPENAI/gpt-5.4']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, so that each meets what those before left
      const { status } = await stage.ask({ body: chat(model), headers, caller: limited });
      expect([model, headers, status]).toEqual([model, headers, status === 404 ? 404 : 403]);
    }
  }
  await stage.ask({ body: chat(NANO), headers: { ...session, 'x-farthing-route': 'off' }, caller: limited });
  const named = await stage.ask({ body: chat(NANO), headers: { 'x-farthing-route': 'dear' }, caller: limited });
  expect(named.status).toBe(403);
  expect(new Set(stage.asked)).toEqual(new Set([MINI, NANO]));
});

test('where the conversations of one project are, another one does not learn', async () => {
  const stage = await startAuditStage({
    routes: [
      { name: 'begin', match: { models: ['never'] }, targets: [FULL] },
      { name: 'r', match: { models: ['gpt-5.4'] }, targets: [NANO, FULL] },
    ],
  });
  const long = 'Tell me more of it. '.repeat(800);
  const turns = [
    { role: 'user', content: long },
    { role: 'assistant', content: 'fine' },
    { role: 'user', content: 'And?' },
  ];
  for (const headers of [{ 'x-farthing-session': 'same' }, {}]) {
    // oxlint-disable-next-line no-await-in-loop -- the second turn comes behind the first
    await stage.ask({ body: chat('gpt-5.4', long), headers: { ...headers, 'x-farthing-route': 'begin' } });
    // oxlint-disable-next-line no-await-in-loop
    await stage.ask({ body: { model: 'gpt-5.4', messages: turns }, headers, caller: { project: 'other' } });
    expect(stage.last()).toMatchObject({ target: NANO, route: { reason: 'first' } });
  }
});

test('a response of another project is not known here: who names it is not led to where it was made', async () => {
  const stage = await startAuditStage({
    routes: [{ name: 'r', match: { models: ['gpt-5.4'] }, targets: [NANO, FULL] }],
  });
  await stage.ask({ endpoint: 'responses', body: { model: 'gpt-5.4', input: 'one' } });
  const next = { model: 'gpt-5.4', input: 'two', previous_response_id: 'resp_1' };
  await stage.ask({ endpoint: 'responses', body: next, caller: { project: 'other' } });
  expect(stage.last()).toMatchObject({ target: FULL, route: { route: '', reason: 'pinned' } });
  await stage.ask({ endpoint: 'responses', body: next });
  expect(stage.last()).toMatchObject({ target: NANO, route: { route: 'r' } });
});
