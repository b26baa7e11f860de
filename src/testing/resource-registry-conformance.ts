import { deepEqual, equal } from 'node:assert/strict';
import { RESOURCE_LIFE_MS, type ResourceClaim } from '../core/model/resource.ts';
import type { Clock } from '../ports/clock.ts';
import type { ResourceQuery, ResourceRegistry } from '../ports/resource-registry.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { FakeClock } from './fake-clock.ts';

interface RegistryWorld {
  readonly store: ResourceRegistry;
  /** The same data, opened again as by another process. */
  readonly other: ResourceRegistry;
  readonly clock: FakeClock;
}

type RegistryRule = readonly [rule: string, check: (world: RegistryWorld) => Promise<void>];

const FILES: ResourceQuery = { project: 'search', kind: 'files', provider: 'openai', order: 'newest', limit: 100 };

function sampleClaim(fields: Partial<ResourceClaim> = {}): ResourceClaim {
  return { id: 'file-1', provider: 'openai', kind: 'files', project: 'search', atMs: 1_000, ...fields };
}

async function idsOf(store: ResourceRegistry, query: Partial<ResourceQuery> = {}): Promise<readonly string[]> {
  const claims = await store.list({ ...FILES, ...query });
  return claims.map(({ id }) => id);
}

const CLAIMS: readonly RegistryRule[] = [
  [
    'a claim comes back as it was made, in another process too',
    async ({ store, other }) => {
      const odd = sampleClaim({
        id: `odd "id" it's 🐢 ,[]{}%_`,
        kind: 'messages/batches',
        project: 'a b',
        provider: 'x',
      });
      await store.claim([sampleClaim(), odd]);
      deepEqual(await other.owners(['file-1']), [sampleClaim()]);
      deepEqual(await other.owners([odd.id]), [odd]);
    },
  ],
  [
    'nobody owns what nobody has claimed, nor what only begins alike or differs in case',
    async ({ store }) => {
      await store.claim([sampleClaim()]);
      deepEqual(await store.owners([]), []);
      deepEqual(await store.owners(['file-', 'file-11', 'FILE-1', 'file-%', '', ' file-1']), []);
    },
  ],
  [
    'the first project to claim an id keeps it, with its kind and its time',
    async ({ store, other }) => {
      await store.claim([sampleClaim()]);
      await other.claim([sampleClaim({ project: 'thief', kind: 'batches', atMs: 2_000 })]);
      await other.claim([sampleClaim({ atMs: 3_000 })]);
      deepEqual(await store.owners(['file-1']), [sampleClaim()]);
      deepEqual(await idsOf(store, { project: 'thief', kind: 'batches' }), []);
    },
  ],
  [
    'of projects that claim an id at once exactly one gets it',
    async ({ store, other }) => {
      const rivals = Array.from({ length: 20 }, (_, index) => sampleClaim({ project: `project-${index}` }));
      await Promise.all(rivals.map((claim, index) => (index % 2 === 0 ? store : other).claim([claim])));
      const owners = await store.owners(['file-1']);
      equal(owners.length, 1);
      deepEqual(await other.owners(['file-1']), owners);
    },
  ],
  [
    'the same id at another provider is another thing',
    async ({ store }) => {
      const elsewhere = sampleClaim({ provider: 'backup', project: 'other' });
      await store.claim([sampleClaim()]);
      await store.claim([elsewhere]);
      const owners = await store.owners(['file-1']);
      deepEqual(
        owners.toSorted((left, right) => (left.provider < right.provider ? -1 : 1)),
        [elsewhere, sampleClaim()],
      );
      equal(await store.remove('backup', 'file-1'), true);
      deepEqual(await store.owners(['file-1']), [sampleClaim()]);
    },
  ],
  [
    'the owners of several ids come at once, each once, whatever is asked for twice',
    async ({ store }) => {
      const claims = Array.from({ length: 700 }, (_, index) => sampleClaim({ id: `file-${index}` }));
      await store.claim(claims);
      await store.claim([]);
      const asked = claims.map(({ id }) => id);
      const owners = await store.owners([...asked, ...asked, 'file-unknown']);
      deepEqual(owners.map(({ id }) => id).toSorted(), asked.toSorted());
    },
  ],
];

const LISTS: readonly RegistryRule[] = [
  [
    'a list has what the project claimed of the kind at the provider, the newest first, whatever the clock said',
    async ({ store, other }) => {
      await store.claim([sampleClaim({ id: 'a', atMs: 9_000 })]);
      await other.claim([sampleClaim({ id: 'b', atMs: 1_000 })]);
      await store.claim([
        sampleClaim({ id: 'c', project: 'other' }),
        sampleClaim({ id: 'd', kind: 'batches' }),
        sampleClaim({ id: 'e', provider: 'backup' }),
        sampleClaim({ id: 'f' }),
      ]);
      deepEqual(await idsOf(other), ['f', 'b', 'a']);
      deepEqual(await idsOf(store, { order: 'oldest' }), ['a', 'b', 'f']);
    },
  ],
  [
    'a list goes on behind an id, in either order, a page at a time',
    async ({ store }) => {
      await store.claim(['a', 'b', 'c', 'd', 'e'].map((id) => sampleClaim({ id })));
      deepEqual(await idsOf(store, { limit: 2 }), ['e', 'd']);
      deepEqual(await idsOf(store, { limit: 2, after: 'd' }), ['c', 'b']);
      deepEqual(await idsOf(store, { limit: 2, after: 'b' }), ['a']);
      deepEqual(await idsOf(store, { after: 'a' }), []);
      deepEqual(await idsOf(store, { limit: 2, after: 'b', order: 'oldest' }), ['c', 'd']);
    },
  ],
  [
    'behind an id of another project, kind or provider, or an unknown one, there is nothing',
    async ({ store }) => {
      await store.claim([
        sampleClaim({ id: 'mine' }),
        sampleClaim({ id: 'foreign', project: 'other' }),
        sampleClaim({ id: 'batch', kind: 'batches' }),
        sampleClaim({ id: 'elsewhere', provider: 'backup' }),
      ]);
      for (const after of ['foreign', 'batch', 'elsewhere', 'unknown']) {
        deepEqual(await idsOf(store, { after }), []); // oxlint-disable-line no-await-in-loop -- each on its own
      }
    },
  ],
];

const ENDS: readonly RegistryRule[] = [
  [
    'a removed claim is gone, and removing it again says that there was none',
    async ({ store, other }) => {
      await store.claim([sampleClaim()]);
      equal(await other.remove('backup', 'file-1'), false);
      equal(await other.remove('openai', 'file-1'), true);
      equal(await store.remove('openai', 'file-1'), false);
      deepEqual(await store.owners(['file-1']), []);
      deepEqual(await idsOf(store), []);
    },
  ],
  [
    'stored responses and their parts are forgotten after 60 days, files and batches never',
    async ({ store, clock }) => {
      const atMs = clock.nowMs();
      await store.claim([
        sampleClaim({ id: 'resp_1', kind: 'responses', atMs }),
        sampleClaim({ id: 'msg_1', kind: 'items', atMs }),
        sampleClaim({ id: 'file-old', atMs }),
      ]);
      clock.advance(RESOURCE_LIFE_MS - 1);
      await store.claim([sampleClaim({ id: 'resp_2', kind: 'responses', atMs: clock.nowMs() })]);
      equal((await store.owners(['resp_1', 'msg_1'])).length, 2);
      clock.advance(24 * 3_600_000);
      await store.claim([sampleClaim({ id: 'resp_3', kind: 'responses', atMs: clock.nowMs() })]);
      const left = await store.owners(['resp_1', 'msg_1', 'resp_2', 'resp_3', 'file-old']);
      deepEqual(left.map(({ id }) => id).toSorted(), ['file-old', 'resp_2', 'resp_3']);
    },
  ],
];

/**
 * The rules of a registry of resources, to be run by any test runner.
 * @param make - opens the same empty data twice, as two processes do; each rule gets its own, and closes both.
 * @public
 */
export function resourceRegistryConformance(
  make: (clock: Clock) => Promise<readonly [ResourceRegistry, ResourceRegistry]>,
): readonly ConformanceCase[] {
  return [...CLAIMS, ...LISTS, ...ENDS].map(([name, check]) => ({
    name,
    run: async (): Promise<void> => {
      const clock = new FakeClock();
      const [store, other] = await make(clock);
      try {
        await check({ store, other, clock });
      } finally {
        await Promise.all([store.close(), other.close()]);
      }
    },
  }));
}
