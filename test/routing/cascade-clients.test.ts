import { describe, expect, test, vi } from 'vitest';
import { ENDPOINTS, type Endpoint } from '../../src/core/model/protocol.ts';
import { CASCADE_MODELS, startCascadeStage } from '../support/cascade-stage.ts';

const FORMS = (['chat', 'responses', 'messages'] as const).flatMap((endpoint) =>
  [false, true].map((isStream) => ({ endpoint, isStream })),
);

describe.each(FORMS)('the official client of $endpoint, stream $isStream', (form) => {
  const { cheap, second, strong } = CASCADE_MODELS[form.endpoint === 'messages' ? 'messages' : 'chat'];
  const provider = form.endpoint === 'messages' ? 'anthropic' : 'openai';

  test('gets a cheap answer that passes, and the record says so', async () => {
    const stage = await startCascadeStage({ says: () => ({ text: '42' }) });
    expect(await stage.text({ ...form, prompt: 'six times seven' })).toBe('42');
    const record = await stage.record(1);
    expect(record).toMatchObject({
      target: `${provider}/${cheap}`,
      modelAsked: strong,
      outcome: 'complete',
      attempts: 1,
      status: 200,
    });
    expect(record.route).toMatchObject({ route: `${provider}-sums`, reason: 'cascade' });
    expect(record.decisions).toContainEqual({ step: 'cascade', verdict: 'pass', target: `${provider}/${cheap}` });
    expect(record.savedParts?.route).toBeGreaterThan(0);
    expect(record.firstByteMs).toBeGreaterThanOrEqual(0);
  });

  test('gets the strong answer where the cheap one fails a check, and sees nothing of that', async () => {
    const stage = await startCascadeStage({ says: (model) => ({ text: model === strong ? '42' : 'about forty' }) });
    expect(await stage.text({ ...form, prompt: 'six times seven' })).toBe('42');
    expect(stage.asked).toEqual([cheap, strong]);
    const record = await stage.record(1);
    expect(record).toMatchObject({ target: `${provider}/${strong}`, attempts: 2 });
    expect(record.decisions).toContainEqual({
      step: 'cascade',
      verdict: 'escalate',
      reason: 'no-match',
      target: `${provider}/${cheap}`,
    });
  });

  test('gets what two models agree on', async () => {
    const stage = await startCascadeStage({ verify: [], agrees: true, says: () => ({ text: 'Paris' }) });
    expect(await stage.text({ ...form, prompt: 'the capital' })).toBe('Paris');
    expect(stage.asked).toEqual([cheap, second]);
    const record = await stage.record(1);
    expect(record.decisions).toContainEqual({ step: 'verify', verdict: 'answered', target: `${provider}/${second}` });
  });

  test('gets the error of the strong target', async () => {
    const stage = await startCascadeStage({ says: (model) => (model === strong ? { status: 503 } : { text: 'no' }) });
    await expect(stage.text({ ...form, prompt: 'six times seven' })).rejects.toMatchObject({ status: 503 });
    expect(await stage.record(1)).toMatchObject({ outcome: 'provider-error', status: 503, target: undefined });
  });
});

function bodyOf(endpoint: Endpoint): Readonly<Record<string, unknown>> {
  if (endpoint === 'responses') return { input: 'x' };
  return { max_tokens: 100, messages: [{ role: 'user', content: 'x' }] };
}

test('the headers of a reply name who answered, and what was decided on the way', async () => {
  const stage = await startCascadeStage({ says: (model) => ({ text: model === 'gpt-5.4' ? '42' : 'no' }) });
  const asked = stage.openai.chat.completions.create({ model: 'gpt-5.4', messages: [{ role: 'user', content: 'x' }] });
  const { response } = await asked.withResponse();
  expect(response.headers.get('x-farthing-model')).toBe('openai/gpt-5.4');
  expect(response.headers.get('x-farthing-decisions')).toContain('cascade=escalate;no-match');
});

describe.each(FORMS.filter(({ isStream }) => isStream))('a client of $endpoint that waits', (form) => {
  const { strong } = CASCADE_MODELS[form.endpoint === 'messages' ? 'messages' : 'chat'];

  test('reads past pings to the answer that follows, which is stored without them', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const waits = new Promise((resolve) => void setTimeout(resolve, 25_000));
    const stage = await startCascadeStage({
      isCached: true,
      says: (model) => (model === strong ? { text: '42' } : { until: waits, text: 'no' }),
    });
    const text = stage.text({ ...form, prompt: 'slow' });
    const follower = stage.text({ ...form, isStream: false, prompt: 'slow' });
    await vi.waitFor(() => expect(stage.asked.length).toBe(1), { interval: 1 });
    await vi.advanceTimersByTimeAsync(26_000);
    vi.useRealTimers();
    expect(await text).toBe('42');
    // Who wants it whole shares the stream, pings and all.
    expect(await follower).toBe('42');
    expect(await stage.record(2)).toMatchObject({ status: 200, outcome: 'complete' });
    expect(stage.stored.length).toBe(1);
    expect(Buffer.from(stage.stored[0]?.body ?? []).toString()).not.toContain('ping');
    expect(await stage.text({ ...form, prompt: 'slow' })).toBe('42');
    expect(await stage.text({ ...form, isStream: false, prompt: 'slow' })).toBe('42');
    expect(stage.asked.length).toBe(2);
  });

  test('has a head and signs of life while nothing is decided', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const waits = new Promise((resolve) => void setTimeout(resolve, 25_000));
    const stage = await startCascadeStage({ says: () => ({ until: waits, text: '42' }) });
    const reply = stage.fetch(`http://stage${ENDPOINTS[form.endpoint].clientPath}`, {
      method: 'POST',
      body: JSON.stringify({ model: strong, stream: true, ...bodyOf(form.endpoint) }),
    });
    await vi.waitFor(() => expect(stage.asked.length).toBe(1), { interval: 1 });
    await vi.advanceTimersByTimeAsync(10_000);
    const { status, headers, body } = await reply;
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(headers.has('x-farthing-model')).toBe(false);
    await vi.advanceTimersByTimeAsync(16_000);
    vi.useRealTimers();
    const text = await new Response(body).text();
    expect(text.match(/^: ping$|^event: ping$/gm)?.length).toBe(2);
    expect(text).toContain('42');
  });

  test('gets an error behind its head as an exception', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const waits = new Promise((resolve) => void setTimeout(resolve, 12_000));
    const stage = await startCascadeStage({
      says: (model) => (model === strong ? { status: 503 } : { until: waits, text: 'no' }),
    });
    const failed = expect(stage.text({ ...form, prompt: 'slow' })).rejects.toThrow('it is ill');
    await vi.waitFor(() => expect(stage.asked.length).toBe(1), { interval: 1 });
    await vi.advanceTimersByTimeAsync(13_000);
    vi.useRealTimers();
    await failed;
    expect(await stage.record(1)).toMatchObject({ status: 200, outcome: 'provider-error' });
  });
});
