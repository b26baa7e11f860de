import { expect, onTestFinished, test } from 'vitest';
import { createFarthing, type LibraryCache } from '../../src/client/create-farthing.ts';
import type { LibraryModel } from '../../src/client/library-models.ts';
import {
  type FaultyUpstream,
  type FaultyUpstreamOptions,
  startFaultyUpstream,
} from '../../src/testing/faulty-upstream.ts';

interface Stage {
  readonly upstreams: readonly [FaultyUpstream, FaultyUpstream];
  /** Makes a call; the target that answered. */
  ask(prompt: string): Promise<string | null>;
}

async function startStage(
  model: LibraryModel,
  cache: LibraryCache | false = false,
  options: readonly [FaultyUpstreamOptions, FaultyUpstreamOptions] = [{}, {}],
): Promise<Stage> {
  const upstreams = [await startFaultyUpstream(options[0]), await startFaultyUpstream(options[1])] as const;
  const [one, two] = upstreams;
  const farthing = createFarthing({
    cache,
    providers: {
      one: { protocol: 'openai', baseUrl: `${one.origin}/v1`, apiKey: 'key-of-one' },
      two: { protocol: 'openai', baseUrl: `${two.origin}/v1`, apiKey: 'key-of-two' },
    },
    models: { chat: model },
  });
  onTestFinished(async () => {
    await farthing.close();
    await Promise.all(upstreams.map((upstream) => upstream.close()));
  });
  const ask = async (prompt: string): Promise<string | null> => {
    let target: string | null = null;
    const body = new TextEncoder().encode(
      JSON.stringify({ model: 'chat', messages: [{ role: 'user', content: prompt }] }),
    );
    await farthing.handle(
      { endpoint: 'chat', body, headers: {}, signal: new AbortController().signal },
      {
        head: ({ status, headers }) => {
          expect(status).toBe(200);
          target = headers['x-farthing-model'] ?? null;
        },
        write: () => true,
        drained: () => Promise.resolve(),
        end: () => undefined,
        abort: () => undefined,
      },
    );
    return target;
  };
  return { upstreams, ask };
}

test('equal targets are asked as often as their weights say', async () => {
  const { upstreams, ask } = await startStage({
    balance: 'weighted',
    targets: [{ target: 'one/m', weight: 3 }, 'two/m'],
  });
  for (let call = 0; call < 400; call += 1) await ask(`call ${call}`); // oxlint-disable-line no-await-in-loop
  const [one, two] = upstreams.map((upstream) => upstream.counters().requests);
  expect((one ?? 0) + (two ?? 0)).toBe(400);
  // 300 on average; six standard deviations on both sides.
  expect(one).toBeGreaterThan(248);
  expect(one).toBeLessThan(352);
});

test('of equal targets the faster one gets nearly all calls', async () => {
  const { upstreams, ask } = await startStage({ balance: 'latency', targets: ['one/m', 'two/m'] }, false, [
    { firstFrameMs: 60 },
    {},
  ]);
  for (let call = 0; call < 60; call += 1) await ask(`call ${call}`); // oxlint-disable-line no-await-in-loop
  const [one, two] = upstreams;
  expect(one.counters().requests).toBeGreaterThan(0);
  expect(two.counters().requests).toBeGreaterThan(45);
});

test('in order only the first is asked', async () => {
  const { upstreams, ask } = await startStage({ targets: ['one/m', 'two/m'] });
  for (let call = 0; call < 20; call += 1) await ask(`call ${call}`); // oxlint-disable-line no-await-in-loop
  expect(upstreams.map((upstream) => upstream.counters().requests)).toEqual([20, 0]);
});

test('what one of them has answered is a hit for all: a question is asked once', async () => {
  const { upstreams, ask } = await startStage(
    { balance: 'weighted', targets: ['one/m', 'two/m'] },
    { mode: 'all', ttlMs: 60_000 },
  );
  const targets = new Set<string | null>();
  for (let call = 0; call < 20; call += 1) targets.add(await ask('the same')); // oxlint-disable-line no-await-in-loop
  expect(upstreams.reduce((sum, upstream) => sum + upstream.counters().requests, 0)).toBe(1);
  expect(targets.size).toBe(1);
});
