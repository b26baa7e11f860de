import { deepEqual, equal, ok } from 'node:assert/strict';
import { nanoUsd } from '../core/money.ts';
import type { AccountId, Budget } from '../core/budget/budget.ts';
import type { Clock } from '../ports/clock.ts';
import type { BudgetAdjustment, ControlStore } from '../ports/control-store.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { FakeClock } from './fake-clock.ts';

interface ControlStoreWorld {
  readonly store: ControlStore;
  /** The same data, opened again as by another process. */
  readonly other: ControlStore;
  readonly clock: FakeClock;
}

type ControlStoreRule = readonly [rule: string, check: (world: ControlStoreWorld) => Promise<void>];

const DAY_MS = 24 * 3_600_000;

function sampleBudget(fields: Partial<Budget> = {}): Budget {
  return {
    name: 'team',
    scope: { kind: 'project', name: undefined },
    limitNanoUsd: nanoUsd(50_000_000_000),
    window: { kind: 'calendar', unit: 'month' },
    timezone: 'Europe/Berlin',
    mode: 'hard',
    alertAtRatios: [0.5, 0.9],
    onLowBudget: 'lower',
    ...fields,
  };
}

function sampleAdjustment(fields: Partial<BudgetAdjustment> = {}): BudgetAdjustment {
  return {
    adjustmentId: 'adjustment_1',
    accountId: 'team|project|month|Europe%2FBerlin search' as AccountId,
    atMs: 1_000,
    amounts: { '0': nanoUsd(-1_500), '3600000': nanoUsd(Number.MAX_SAFE_INTEGER) },
    ...fields,
  };
}

const BUDGETS: readonly ControlStoreRule[] = [
  [
    'budgets come back as they were put, by name, in another process too',
    async ({ store, other }) => {
      const all = sampleBudget({ name: 'all', scope: { kind: 'all' }, window: { kind: 'total' }, mode: 'soft' });
      const odd = sampleBudget({
        name: `weird "name" it's 🐢`,
        scope: { kind: 'tag', name: 'user' },
        window: { kind: 'rolling', lengthMs: 60_000 },
        alertAtRatios: [],
        onLowBudget: 'refuse',
      });
      await store.putBudget(sampleBudget());
      await store.putBudget(odd);
      await store.putBudget(all);
      deepEqual(await other.budgets(), [all, sampleBudget(), odd]);
    },
  ],
  [
    'putting a budget again replaces it',
    async ({ store }) => {
      await store.putBudget(sampleBudget());
      await store.putBudget(sampleBudget({ limitNanoUsd: nanoUsd(1) }));
      deepEqual(await store.budgets(), [sampleBudget({ limitNanoUsd: nanoUsd(1) })]);
    },
  ],
  [
    'a removed budget is gone, and removing it again says that there was none',
    async ({ store }) => {
      await store.putBudget(sampleBudget());
      equal(await store.removeBudget('other'), false);
      equal(await store.removeBudget('team'), true);
      equal(await store.removeBudget('team'), false);
      deepEqual(await store.budgets(), []);
    },
  ],
  [
    'adjustments come back as they were added, oldest first, and the first one of an id counts',
    async ({ store, other }) => {
      const older = sampleAdjustment({ adjustmentId: 'adjustment_2', atMs: 999, amounts: {} });
      await store.addAdjustment(sampleAdjustment());
      await store.addAdjustment(older);
      await other.addAdjustment(sampleAdjustment({ atMs: 1, amounts: {} }));
      deepEqual(await other.adjustments(), [older, sampleAdjustment()]);
    },
  ],
  [
    'the version grows with every change of a budget and every adjustment, and only then',
    async ({ store, other }) => {
      let last = await other.budgetsVersion();
      const grows = async (work: () => Promise<unknown>): Promise<void> => {
        await work();
        const version = await other.budgetsVersion();
        ok(version > last);
        last = version;
      };
      await grows(() => store.putBudget(sampleBudget()));
      await grows(() => store.putBudget(sampleBudget({ mode: 'soft' })));
      await grows(() => store.addAdjustment(sampleAdjustment()));
      await grows(() => store.removeBudget('team'));
      await store.removeBudget('team');
      await store.addAdjustment(sampleAdjustment());
      await store.announce('cache', 'text');
      await store.budgets();
      equal(await other.budgetsVersion(), last);
    },
  ],
  [
    'changes made at once are all kept and all counted',
    async ({ store, other }) => {
      const before = await store.budgetsVersion();
      const names = Array.from({ length: 20 }, (_, index) => `budget-${index}`);
      await Promise.all(
        names.map((name, index) => (index % 2 === 0 ? store : other).putBudget(sampleBudget({ name }))),
      );
      equal((await store.budgets()).length, 20);
      equal(await store.budgetsVersion(), before + 20);
    },
  ],
];

const ANNOUNCEMENTS: readonly ControlStoreRule[] = [
  [
    'an announcement reaches another process once, oldest first',
    async ({ store, other }) => {
      equal(await other.newestAnnouncement(), 0);
      deepEqual(await other.announcementsAfter(0), []);
      await store.announce('cache-delete', 'one "two" 🐢');
      await other.announce('other', '');
      const [first, second] = await other.announcementsAfter(0);
      deepEqual([first?.topic, first?.text], ['cache-delete', 'one "two" 🐢']);
      deepEqual([second?.topic, second?.text], ['other', '']);
      ok(first !== undefined && second !== undefined && first.sequence < second.sequence);
      deepEqual(await other.announcementsAfter(first.sequence), [second]);
      equal(await store.newestAnnouncement(), second.sequence);
      deepEqual(await other.announcementsAfter(second.sequence), []);
    },
  ],
  [
    'who reads on from the last one it saw misses none, however many are announced at once',
    async ({ store, other }) => {
      const texts = Array.from({ length: 60 }, (_, index) => String(index));
      const seen: string[] = [];
      let last = 0;
      const readOn = async (): Promise<void> => {
        for (const { sequence, text } of await other.announcementsAfter(last)) {
          seen.push(text);
          last = sequence;
        }
      };
      const writes = texts.map((text, index) => (index % 2 === 0 ? store : other).announce('topic', text));
      for (let turn = 0; turn < 10; turn += 1) {
        await readOn(); // oxlint-disable-line no-await-in-loop -- a poller reads again and again
      }
      await Promise.all(writes);
      await readOn();
      deepEqual(
        seen.toSorted((left, right) => Number(left) - Number(right)),
        texts,
      );
    },
  ],
  [
    'announcements go after a day, and their numbers are not given again',
    async ({ store, clock }) => {
      await store.announce('topic', 'old');
      const old = await store.newestAnnouncement();
      clock.advance(DAY_MS + 1);
      equal(await store.newestAnnouncement(), old);
      await store.announce('topic', 'new');
      const kept = await store.announcementsAfter(0);
      deepEqual(
        kept.map(({ text }) => text),
        ['new'],
      );
      ok((kept[0]?.sequence ?? 0) > old);
    },
  ],
  [
    'at most a thousand announcements are read at once',
    async ({ store }) => {
      for (let batch = 0; batch < 13; batch += 1) {
        // oxlint-disable-next-line no-await-in-loop -- a thousand at once would wait for connections longer than a store allows.
        await Promise.all(Array.from({ length: 77 }, (_, index) => store.announce('topic', `${batch}/${index}`)));
      }
      const page = await store.announcementsAfter(0);
      equal(page.length, 1_000);
      equal((await store.announcementsAfter(page.at(-1)?.sequence ?? 0)).length, 1);
    },
  ],
];

/**
 * The rules of a store of budgets and announcements, to be run by any test runner.
 * @param make - opens the same empty data twice, as two processes do; each rule gets its own, and closes both.
 * @public
 */
export function controlStoreConformance(
  make: (clock: Clock) => Promise<readonly [ControlStore, ControlStore]>,
): readonly ConformanceCase[] {
  return [...BUDGETS, ...ANNOUNCEMENTS].map(([name, check]) => ({
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
