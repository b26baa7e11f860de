import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Endpoint, ENDPOINTS } from '../../src/core/model/protocol.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { marksOf } from '../support/numbered-upstream.ts';
import {
  startTenantsStage,
  TENANT_KEYS,
  TENANT_STORAGES,
  type TenantCall,
  type TenantReply,
  TENANTS_ADMIN_KEY,
  type TenantsStage,
} from '../support/tenants-stage.ts';

const ALL = Object.keys(ENDPOINTS) as Endpoint[];

/** Every endpoint, whole and as a stream where there are any. */
const WAYS: readonly Pick<TenantCall, 'endpoint' | 'isStream'>[] = ALL.flatMap((endpoint) =>
  ENDPOINTS[endpoint].streams ? [{ endpoint }, { endpoint, isStream: true }] : [{ endpoint }],
);

const cacheStatus = ({ headers }: TenantReply): string => headers.get('cache-status') ?? '';
const isHit = (reply: TenantReply): boolean => /; hit\b/.test(cacheStatus(reply));

/** What a caller sees of a reply, without what differs between any two calls. */
function outline({ status, headers, body }: TenantReply): unknown {
  const plain = (text: string): string =>
    text
      .replaceAll(/(?:call|req)_\w+/g, 'ID')
      .replaceAll(/key="\w+"/g, 'KEY')
      .replaceAll(/\b\d+(?:\.\d+)?\b/g, 'N');
  const told = [...headers].filter(([name]) => name !== 'date').map(([name, value]) => `${name}: ${plain(value)}`);
  return { status, headers: told, body: plain(body) };
}

const BUDGETS = [
  { name: 'everything', scope: 'all', limitUsd: 50, window: 'day' },
  { name: 'purse', scope: 'project', limitUsd: 10, window: 'day' },
  { name: 'alphas-purse', scope: 'project:alpha', limitUsd: '0.0015', window: 'day' },
  { name: 'users', scope: 'tag:user', limitUsd: 20, window: 'day' },
];

describe.each(TENANT_STORAGES)('two projects on $name', ({ name, missing }) => {
  describe.skipIf(missing !== undefined)('share no answer', () => {
    let stage: TenantsStage;
    beforeAll(async () => {
      stage = await startTenantsStage(name);
    }, 60_000);
    afterAll(() => stage.close());

    test.each(WAYS)('one after the other: %o', async (way) => {
      const call = { ...way, prompt: `in sequence, stream: ${way.isStream}` };
      const first = await stage.call({ ...call, tenant: 'alpha' });
      const again = await stage.call({ ...call, tenant: 'second' });
      const others = await stage.call({ ...call, tenant: 'beta' });
      const othersAgain = await stage.call({ ...call, tenant: 'beta' });
      expect([first, again, others, othersAgain].map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect([first, again, others, othersAgain].map(isHit)).toEqual([false, true, false, true]);
      expect(marksOf(first.body)).toHaveLength(1);
      expect(marksOf(again.body)).toEqual(marksOf(first.body));
      expect(marksOf(othersAgain.body)).toEqual(marksOf(others.body));
      expect(marksOf(others.body)).not.toEqual(marksOf(first.body));
      // Nothing tells the second project that the first was there.
      expect(outline(others)).toEqual(outline(first));
      expect(others.headers.get('age')).toBeNull();
    });

    test.each(WAYS)('at the same time: %o', async (way) => {
      stage.upstream.delayMs = 100;
      const before = stage.upstream.requests();
      const call = { ...way, prompt: `at once, stream: ${way.isStream}` };
      const replies = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          stage.call({ ...call, tenant: index % 2 === 0 ? 'alpha' : 'beta', gateway: index >> 1 }),
        ),
      );
      stage.upstream.delayMs = 0;
      expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
      const marks = (side: number): readonly string[] =>
        replies.filter((_, index) => index % 2 === side).flatMap(({ body }) => marksOf(body));
      expect(marks(0).filter((mark) => marks(1).includes(mark))).toEqual([]);
      // Within each project one call was made for all, so that there was something to share.
      expect(stage.upstream.requests() - before).toBe(2);
    });

    // Where it is kept makes no difference to whom it belongs.
    const testOnce = name === TENANT_STORAGES[0]?.name ? test : undefined;
    testOnce?.(
      'in 400 pairs of random calls no answer of one is ever given to the other',
      { timeout: 120_000 },
      async () => {
        const random = seededRandom(20_261_125);
        const below = (bound: number): number => Math.floor(random.fraction() * bound);
        const marks = { alpha: new Set<string>(), beta: new Set<string>() };
        let hits = 0;
        const ask = async (tenant: 'alpha' | 'beta', call: Omit<TenantCall, 'tenant'>): Promise<void> => {
          const reply = await stage.call({ ...call, tenant });
          expect(reply.status).toBe(200);
          for (const mark of marksOf(reply.body)) marks[tenant].add(mark);
          hits += Number(isHit(reply));
        };
        for (let batch = 0; batch < 20; batch += 1) {
          const pairs = Array.from({ length: 20 }, () => {
            const call = { ...(WAYS[below(WAYS.length)] ?? { endpoint: 'chat' }), prompt: `pair ${below(100)}` };
            return below(2) === 0
              ? [ask('alpha', call), ask('beta', call)]
              : [ask('beta', call).then(() => ask('alpha', call))];
          });
          await Promise.all(pairs.flat()); // oxlint-disable-line no-await-in-loop -- so many at a time
        }
        expect(hits).toBeGreaterThan(150);
        expect([...marks.alpha].filter((mark) => marks.beta.has(mark))).toEqual([]);
      },
    );

    test.each(ALL)('%s: only-if-cached is no oracle', async (endpoint) => {
      const headers = { 'cache-control': 'only-if-cached' };
      const asked = { endpoint, prompt: 'asked by alpha' };
      const known = await stage.call({ ...asked, tenant: 'alpha' });
      expect(await stage.call({ ...asked, tenant: 'alpha', headers })).toMatchObject({ status: 200 });
      const probe = await stage.call({ ...asked, tenant: 'beta', headers });
      const never = await stage.call({ endpoint, prompt: 'asked by nobody', tenant: 'beta', headers });
      expect(probe.status).toBe(504);
      expect(outline(probe)).toEqual(outline(never));
      expect(marksOf(probe.body)).toEqual([]);
      expect(marksOf(known.body)).toHaveLength(1);
    });

    test('what the provider tells of the account reaches neither', async () => {
      const replies = await Promise.all(
        WAYS.map((way) => stage.call({ ...way, tenant: 'beta', prompt: 'whose account?' })),
      );
      const told = replies.flatMap(({ headers }) => Array.from(headers.keys()));
      expect(told.filter((header) => header.includes('ratelimit'))).toEqual([]);
    });
  });

  describe.skipIf(missing !== undefined)('when the provider fails', () => {
    let stage: TenantsStage;
    beforeAll(async () => {
      const cache = { mode: 'all', ttl: '1s', staleIfError: '1h' };
      stage = await startTenantsStage(name, { cache, resilience: { retries: 0 } });
    }, 60_000);
    afterAll(() => stage.close());

    test('a stale answer is given to the project that has it, and to no other', async () => {
      // Embeddings have no stale answers.
      const ways = WAYS.filter(({ endpoint }) => endpoint !== 'embeddings');
      const prompt = 'soon stale';
      const bought = await Promise.all(ways.map((way) => stage.call({ ...way, tenant: 'alpha', prompt })));
      await delay(1100);
      stage.upstream.fails = true;
      const stale = await Promise.all(ways.map((way) => stage.call({ ...way, tenant: 'alpha', prompt })));
      const others = await Promise.all(ways.map((way) => stage.call({ ...way, tenant: 'beta', prompt })));
      const never = await Promise.all(ways.map((way) => stage.call({ ...way, tenant: 'beta', prompt: 'not asked' })));
      expect(stale.map(({ status }) => status)).toEqual(ways.map(() => 200));
      for (const mark of stale.flatMap(({ body }) => marksOf(body)))
        expect(bought.flatMap(({ body }) => marksOf(body))).toContain(mark);
      expect(others.flatMap(({ body }) => marksOf(body))).toEqual([]);
      expect(others.map(outline)).toEqual(never.map(outline));
    });
  });

  describe.skipIf(missing !== undefined)('with budgets', () => {
    let stage: TenantsStage;
    beforeAll(async () => {
      stage = await startTenantsStage(name, { budgets: BUDGETS, cache: { mode: 'off' } });
    }, 60_000);
    afterAll(() => stage.close());

    const ask = (tenant: TenantCall['tenant'], prompt: string): Promise<TenantReply> =>
      stage.call({ tenant, endpoint: 'chat', prompt, headers: { 'x-farthing-tags': 'user=shared' } });
    const left = ({ headers }: TenantReply): string | null => headers.get('x-farthing-budget-remaining-usd');

    test('a project sees what is left of its own budgets, whatever the others spend', async () => {
      const before = await ask('beta', 'before');
      const spent: TenantReply[] = [];
      for (let number = 0; number < 60 && spent.at(-1)?.status !== 402; number += 1) {
        spent.push(await ask('alpha', `question ${number}`));
      }
      const refusal = spent.at(-1);
      expect(refusal?.status).toBe(402);
      expect(refusal?.body).toContain('alphas-purse');
      expect(Number(left(spent[0] as TenantReply))).toBeLessThan(0.0015);
      const after = await ask('beta', 'before');
      // As if alpha had spent nothing: the first of the two calls is all that beta has spent.
      const cost = Number(before.headers.get('x-farthing-cost-usd'));
      expect(cost).toBeGreaterThan(0);
      expect(Number(left(before)) - Number(left(after))).toBeCloseTo(cost, 9);
      expect(JSON.stringify([...after.headers, after.body])).not.toMatch(/alpha/);
    });

    test('the refusal by a budget that both spend from does not tell what is left of it', async () => {
      const tight = await startTenantsStage(name, {
        budgets: [{ name: 'together', scope: 'all', limitUsd: '0.0015', window: 'day' }],
        cache: { mode: 'off' },
      });
      let refusal: TenantReply | undefined;
      for (let number = 0; number < 60 && refusal?.status !== 402; number += 1) {
        refusal = await tight.call({ tenant: number % 2 === 0 ? 'alpha' : 'beta', endpoint: 'chat', prompt: 'x' });
      }
      await tight.close();
      expect(refusal?.status).toBe(402);
      // What this call may cost, and nothing of the budget.
      expect(refusal?.body.match(/\$\d[\d.]*/g)).toHaveLength(1);
    });
  });

  describe.skipIf(missing !== undefined)('ask the gateway itself', () => {
    let stage: TenantsStage;
    let callId = '';
    beforeAll(async () => {
      stage = await startTenantsStage(name);
      const headers = { 'x-farthing-tags': 'user=carla,feature=salaries' };
      const reply = await stage.call({ tenant: 'alpha', endpoint: 'chat', prompt: 'of alpha', headers });
      callId = reply.headers.get('x-farthing-request-id') ?? '';
    }, 60_000);
    afterAll(() => stage.close());

    test('the record of a call is there for its project; for others it is as if it had never been', async () => {
      const path = `/v1/farthing/calls/${callId}`;
      await expect.poll(async () => (await stage.get(path, TENANT_KEYS.alpha)).status).toBe(200);
      const others = await stage.get(path, TENANT_KEYS.beta);
      const never = await stage.get(`/v1/farthing/calls/${callId.slice(0, -4)}0000`, TENANT_KEYS.beta);
      expect(others.status).toBe(404);
      expect(outline(others)).toEqual(outline(never));
    });

    test('a key lists the models that it may ask for', async () => {
      const listed = async (tenant: TenantCall['tenant']): Promise<readonly string[]> => {
        const { body } = await stage.get('/v1/models', TENANT_KEYS[tenant]);
        const { data } = JSON.parse(body) as { readonly data: readonly { readonly id: string }[] };
        return data.map(({ id }) => id);
      };
      const allowed = ['gpt-5.4-mini', 'claude-haiku-4-5', 'text-embedding-3-small'];
      for (const id of await listed('beta')) expect(allowed.some((model) => id.endsWith(model))).toBe(true);
      expect((await listed('alpha')).length).toBeGreaterThan((await listed('beta')).length);
    });

    test('the admin API answers no key of a caller, and the ledger gives each project its own', async () => {
      const paths = ['/keys', '/budgets', '/stats', '/config', '/ledger/calls', '/ledger/charges', '/ledger/report'];
      for (const path of paths) {
        const reply = await stage.get(`/admin/v1${path}`, TENANT_KEYS.beta);
        expect([path, reply.status]).toEqual([path, 401]);
        expect(reply.body).not.toMatch(/alpha|carla|salaries/);
      }
      const ofAlpha = (): Promise<TenantReply> => stage.get('/admin/v1/ledger/calls?project=alpha', TENANTS_ADMIN_KEY);
      await expect.poll(async () => (await ofAlpha()).body).toContain(callId);
      const ofBeta = await stage.get('/admin/v1/ledger/calls?project=beta', TENANTS_ADMIN_KEY);
      expect(ofBeta).toMatchObject({ status: 200 });
      expect(ofBeta.body).not.toContain(callId);
    });

    test('the metrics name no project, key, tag or prompt', async () => {
      const { status, body } = await stage.get('/metrics', undefined);
      expect(status).toBe(200);
      expect(body).toMatch(/^farthing_/m);
      expect(body).not.toMatch(/alpha|beta|carla|salaries|fk-/);
    });
  });

  test.skipIf(missing !== undefined)('with the key as scope, two keys of one project share no answer', async () => {
    const stage = await startTenantsStage(name, { cache: { mode: 'all', ttl: '1h', scope: 'key' } });
    const call = { endpoint: 'chat', prompt: 'by key' } as const;
    const [one, two] = [
      await stage.call({ ...call, tenant: 'alpha' }),
      await stage.call({ ...call, tenant: 'second' }),
    ];
    const again = await stage.call({ ...call, tenant: 'second' });
    await stage.close();
    expect([one, two, again].map(isHit)).toEqual([false, false, true]);
    expect(marksOf(two.body)).not.toEqual(marksOf(one.body));
  });
});
