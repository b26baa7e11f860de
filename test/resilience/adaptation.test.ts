import { expect, test } from 'vitest';
import { type RawReply, startRawUpstream } from '../support/raw-upstream.ts';
import { WHOLE_REPLIES } from '../support/scripted-provider.ts';
import { attemptsOf, expectMoneyOf, type ResilienceStage, startResilienceStage } from '../support/resilience-stage.ts';

const JSON_TYPE = 'application/json';
const CALL = { endpoint: 'chat', prompt: 'hello' } as const;

/** An answer that the provider's filter cut short. */
const FILTERED = WHOLE_REPLIES.chat.replace('"finish_reason":"stop"', '"finish_reason":"content_filter"');
const FILTERED_STREAM = `data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]}

data: {"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}

data: [DONE]

`;

test('a request that is too long goes to a target with a larger context, and past those with a smaller one', async () => {
  const targets = ['one/gpt-4o', 'two/gpt-4', 'two/gpt-5.4-mini'];
  const stage = await startResilienceStage({ aliases: { growing: targets } });
  stage.upstreams[0]?.script({ kind: 'status', status: 400, error: 'context-length' });
  const seen = await stage.ask({ ...CALL, model: 'growing' });
  expect(seen.kind).toBe('right');
  expect(seen.headers.get('x-farthing-model')).toBe('two/gpt-5.4-mini');
  expect(stage.requests()).toEqual([1, 1]);
});

test('a request that is too long for all targets fails with what the provider says', async () => {
  const stage = await startResilienceStage();
  stage.upstreams[0]?.setDown({ kind: 'status', status: 400, error: 'context-length' });
  const seen = await stage.ask(CALL);
  expect(seen).toMatchObject({ kind: 'refused', status: 400, body: expect.stringContaining('maximum context length') });
  // The others take no more: they are not asked.
  expect(stage.requests()).toEqual([1, 0]);
});

test.each([
  ['whole', JSON_TYPE, FILTERED],
  ['a stream', 'text/event-stream', FILTERED_STREAM],
])('an answer that all filters spoilt (%s) is passed on as it came, as an answer', async (_form, contentType, body) => {
  const upstreams = await Promise.all([1, 2].map(() => startRawUpstream({ contentType, body: Buffer.from(body) })));
  const stage = await startResilienceStage({
    origins: upstreams.map(({ origin }) => origin),
    resilience: { contentFilter: 'next' },
  });
  const isStream = contentType !== JSON_TYPE;
  const reply = await askRaw(stage, { stream: isStream });
  expect(reply.status).toBe(200);
  expect(await reply.text()).toContain('content_filter');
  expect(reply.headers.get('x-farthing-model')).toMatch(/^two\//);
  expect(upstreams.map(({ received }) => received.length)).toEqual([1, 1]);
  const record = await stage.record();
  expect(record).toMatchObject({ outcome: 'complete', status: 200, attempts: 2 });
  expect(record.target).toMatch(/^two\//);
  expect(attemptsOf(record).at(-1)).toBe('two answered');
  await expectMoneyOf(stage, record);
});

test('an answer that one filter spoilt is passed on by default', async () => {
  const first = await startRawUpstream({ contentType: JSON_TYPE, body: Buffer.from(FILTERED) });
  const stage = await startResilienceStage({ origins: [first.origin] });
  const reply = await askRaw(stage, {});
  expect(await reply.text()).toContain('content_filter');
  expect(stage.requests()).toEqual([0, 0]);
});

test('a parameter that a target refuses is left out at once, and from the beginning of the next call', async () => {
  const first = await startRawUpstream({ contentType: JSON_TYPE, body: Buffer.from('') });
  const bodies = (): readonly string[] => first.received.map(({ body }) => body.toString());
  const hasTemperature = (): boolean => bodies().at(-1)?.includes('temperature') === true;
  Object.defineProperty(first, 'reply', {
    get: (): RawReply => (hasTemperature() ? refusalOf('temperature') : answerOf(WHOLE_REPLIES.chat)),
  });
  const stage = await startResilienceStage({ origins: [first.origin] });
  for (const attempts of [2, 1]) {
    // oxlint-disable-next-line no-await-in-loop -- the second call knows what the first has learnt
    expect((await askRaw(stage, { temperature: 0.3 })).status).toBe(200);
    // oxlint-disable-next-line no-await-in-loop
    const record = await stage.record();
    expect(record).toMatchObject({ outcome: 'complete', attempts });
    expect(record.decisions).toContainEqual({ step: 'adapt', verdict: 'changed', reason: 'without-temperature' });
    // oxlint-disable-next-line no-await-in-loop
    await expectMoneyOf(stage, record);
  }
  expect(bodies().map((body) => body.includes('temperature'))).toEqual([true, false, false]);
});

test('a refusal that the request cannot do without is the answer', async () => {
  const first = await startRawUpstream(refusalOf('logprobs'));
  const stage = await startResilienceStage({ origins: [first.origin] });
  const reply = await askRaw(stage, { logprobs: true });
  expect(reply.status).toBe(400);
  expect(await reply.text()).toBe(Buffer.from(refusalOf('logprobs').body).toString());
  expect(first.received).toHaveLength(1);
});

function answerOf(body: string): RawReply {
  return { contentType: JSON_TYPE, body: Buffer.from(body) };
}

function refusalOf(param: string): RawReply {
  const message = `Unsupported parameter: '${param}' is not supported with this model.`;
  const error = { message, type: 'invalid_request_error', param, code: 'unsupported_parameter' };
  return { ...answerOf(JSON.stringify({ error })), status: 400 };
}

function askRaw(stage: ResilienceStage, fields: object): Promise<Response> {
  const messages = [{ role: 'user', content: 'hello' }];
  return stage.fetch('http://stage/v1/chat/completions', {
    method: 'POST',
    body: JSON.stringify({ model: 'both-chat', messages, ...fields }),
  });
}
