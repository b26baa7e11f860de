import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ENDPOINTS, type Endpoint } from '../../src/core/model/protocol.ts';
import { ask, type Reply } from '../gateway/gateway-fixture.ts';
import { goodAnswer } from '../support/recording-upstream.ts';
import { leastBody, type SecurityStage, STAGE_KEY, startSecurityStage } from '../support/security-stage.ts';

interface CostlyRoute {
  readonly path: string;
  readonly body: string;
}

/** What costs something at a provider: metered endpoints, and what is passed through. */
const COSTLY: readonly CostlyRoute[] = [
  ...(Object.keys(ENDPOINTS) as Endpoint[]).map((name) => ({
    path: ENDPOINTS[name].clientPath,
    body: leastBody(name),
  })),
  { path: '/v1/audio/speech', body: '{}' },
];

/** Each path has keys of its own, so that one gateway serves all tests. */
const secretOf = (kind: string, path: string): string => `fk-of-these-tests-${kind}-${path.replaceAll('/', '-')}`;

const KEY_LIMITS = { rate: { requestsPerMinute: 1 }, cap: { concurrent: 1 }, free: {}, project: {} };

function settings(): Readonly<Record<string, unknown>> {
  const keys = COSTLY.flatMap(({ path }) =>
    Object.entries(KEY_LIMITS).map(([kind, limits]) => ({
      name: `${kind} ${path}`,
      project: `${kind} ${path}`,
      key: secretOf(kind, path),
      limits,
    })),
  );
  const projects = COSTLY.map(({ path }) => [`project ${path}`, { limits: { requestsPerMinute: 1 } }] as const);
  const shared = { name: 'shared', project: 'shared', key: STAGE_KEY, limits: { requestsPerMinute: 2 } };
  return {
    keys: [...keys, shared],
    projects: Object.fromEntries(projects),
    limits: { maxInFlight: 2, maxQueued: 0, drainTimeout: '1s' },
  };
}

let stage: SecurityStage;

beforeAll(async () => {
  stage = await startSecurityStage(settings());
});
afterAll(async () => stage.close());
beforeEach(() => {
  stage.upstream.seen.length = 0;
});

function call({ path, body }: CostlyRoute, secret: string): Promise<Reply> {
  return ask(stage.url, {
    method: 'POST',
    path,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body,
  });
}

/** Keeps the upstream from answering until it is called. */
function hold(): () => void {
  const held: (() => void)[] = [];
  stage.upstream.answer = (request, response) => held.push(() => goodAnswer(request, response));
  return () => {
    stage.upstream.answer = goodAnswer;
    for (const answer of held) answer();
  };
}

describe.each(COSTLY)('$path', (route) => {
  test.each(['rate', 'project'])('is held to the %s limit of its key or project', async (kind) => {
    const secret = secretOf(kind, route.path);
    expect([(await call(route, secret)).status, (await call(route, secret)).status]).toEqual([200, 429]);
    expect(stage.upstream.seen).toHaveLength(1);
    expect((await call(route, secretOf('free', route.path))).status).toBe(200);
  });

  test('is held to the calls that its key may have at a time, and gives its place back', async () => {
    const secret = secretOf('cap', route.path);
    const release = hold();
    const first = call(route, secret);
    await expect.poll(() => stage.upstream.seen.length).toBe(1);
    const second = await call(route, secret);
    expect([second.status, second.body]).toEqual([429, expect.stringMatching(/at a time/)]);
    release();
    expect((await first).status).toBe(200);
    await expect.poll(async () => (await call(route, secret)).status).toBe(200);
  });

  test('is held to the calls that the gateway has under way', async () => {
    const secret = secretOf('free', route.path);
    const release = hold();
    const held = [call(route, secret), call(route, secret)];
    await expect.poll(() => stage.upstream.seen.length).toBe(2);
    const third = await call(route, secret);
    expect([third.status, third.headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    release();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    await expect.poll(async () => (await call(route, secret)).status).toBe(200);
  });
});

test('metered calls and what is passed through keep the limits of a key together', async () => {
  const [metered, passed] = [COSTLY[0], COSTLY.at(-1)];
  const statuses: number[] = [];
  for (const route of [metered, passed, metered, passed]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    statuses.push(route === undefined ? 0 : (await call(route, STAGE_KEY)).status);
  }
  expect(statuses).toEqual([200, 200, 429, 429]);
  expect(stage.upstream.seen).toHaveLength(2);
});
