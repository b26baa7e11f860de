import { expect, onTestFinished, test } from 'vitest';
import { startFaultyUpstream } from '../../src/testing/faulty-upstream.ts';
import { ask, FORMS } from '../support/asked-calls.ts';
import { CALM, startGatewayFace } from '../support/gateway-stack.ts';

const CLIENTS = 50;

test.each(FORMS)(
  `${CLIENTS} clients with one prompt at once are one upstream call: $endpoint, stream $isStream`,
  async (form) => {
    const upstream = await startFaultyUpstream({ firstFrameMs: 100, msPerFrame: 10 });
    onTestFinished(() => upstream.close());
    const face = await startGatewayFace({
      origin: upstream.origin,
      mode: 'all',
      config: { auth: 'none', keys: [], limits: CALM },
    });
    const clients = Array.from({ length: CLIENTS }, () => ask(face.anthropicBaseUrl, { ...form, prompt: 'the same' }));
    const seen = await Promise.all(clients);
    expect(seen.map(({ kind }) => kind)).toEqual(Array(CLIENTS).fill('right'));
    expect(upstream.counters().requests).toBe(1);
  },
);

test('a stampede that meets a failing provider shares the failure with nobody who comes later', async () => {
  const upstream = await startFaultyUpstream({ firstFrameMs: 100 });
  onTestFinished(() => upstream.close());
  const config = { auth: 'none', keys: [], limits: CALM, resilience: { retries: 0 } };
  const face = await startGatewayFace({ origin: upstream.origin, mode: 'all', config });
  const call = { endpoint: 'chat', prompt: 'the same' } as const;
  upstream.script({ kind: 'status', status: 500 });
  expect((await ask(face.anthropicBaseUrl, call)).kind).toBe('refused');
  const seen = await Promise.all(Array.from({ length: CLIENTS }, () => ask(face.anthropicBaseUrl, call)));
  expect(seen.map(({ kind }) => kind)).toEqual(Array(CLIENTS).fill('right'));
  expect(upstream.counters().requests).toBe(2);
});
