import { deepEqual, equal, ok } from 'node:assert/strict';
import {
  type AccountState,
  EMPTY_ACCOUNT,
  exchange,
  type ExchangeReply,
  type ExchangeRequest,
  foldOwner,
} from '../core/budget/account-state.ts';
import { accountId } from '../core/budget/budget.ts';
import { nanoUsd, ZERO_USD } from '../core/money.ts';
import { seededRandom } from '../simulator/seeded-random.ts';
import {
  ACCOUNT,
  accountsOf,
  amounts,
  ask,
  DEFINITION,
  held,
  type KeptBudgetStore,
  LONG_MS,
  makeReady,
  OTHER,
  TERMS,
} from './budget-store-steps.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { sampleExchange, sampleExchanges } from './sample-exchanges.ts';

/** Makes so many stores over the same, empty data, as different processes would have them. @public */
export type OpenBudgetStores = (count: number) => Promise<readonly KeptBudgetStore[]>;

type BudgetRule = readonly [rule: string, check: (one: KeptBudgetStore, two: KeptBudgetStore) => Promise<void>];

const STANDING: readonly BudgetRule[] = [
  [
    'a new store has no generation',
    async (one, two) => {
      const absent = { generation: undefined, phase: 'absent', definitions: [], owners: [] };
      deepEqual(await one.standing(), absent);
      equal(await two.join({ ownerId: 'a', cutMs: 1 }, 'g1'), false);
      equal(await two.finish('g1'), false);
      deepEqual(await two.standing(), absent);
    },
  ],
  [
    'a generation is built, joined and made ready, and all see it',
    async (one, two) => {
      equal(await one.begin('g1', [DEFINITION, OTHER], undefined, LONG_MS), true);
      const building = await two.standing();
      deepEqual(building, { generation: 'g1', phase: 'building', definitions: [DEFINITION, OTHER], owners: [] });
      equal(await two.join({ ownerId: 'b', cutMs: 1_800_000_000_123 }, 'g1'), true);
      equal(await two.join({ ownerId: 'b', cutMs: 1_800_000_000_123 }, 'g1'), true);
      equal(await one.finish('g1'), true);
      equal(await one.finish('g1'), true);
      const ready = await two.standing();
      equal(ready.phase, 'ready');
      deepEqual(ready.owners, [{ ownerId: 'b', cutMs: 1_800_000_000_123 }]);
    },
  ],
  [
    'a line that was not seen when the ledger was added up is not kept, and none is drawn later',
    async (one, two) => {
      await one.begin('g1', [DEFINITION], undefined, LONG_MS);
      await one.join({ ownerId: 'seen', cutMs: 5 }, 'g1');
      await two.join({ ownerId: 'late {1}', cutMs: 6 }, 'g1');
      await two.join({ ownerId: 'fresh', cutMs: 0 }, 'g1');
      equal(await one.finish('g1', ['seen']), true);
      const named = async (): Promise<readonly string[]> =>
        (await two.standing()).owners.map(({ ownerId }) => ownerId).toSorted();
      deepEqual(await named(), ['fresh', 'seen']);
      equal(await two.join({ ownerId: 'later', cutMs: 7 }, 'g1'), false);
      equal(await two.join({ ownerId: 'seen', cutMs: 5 }, 'g1'), true);
      equal(await two.join({ ownerId: 'new', cutMs: 0 }, 'g1'), true);
      deepEqual(await named(), ['fresh', 'new', 'seen']);
    },
  ],
  [
    'another generation is not joined and not finished',
    async (one, two) => {
      await one.begin('g1', [DEFINITION], undefined, LONG_MS);
      equal(await two.join({ ownerId: 'a', cutMs: 1 }, 'g0'), false);
      equal(await two.finish('g0'), false);
      deepEqual((await one.standing()).owners, []);
      equal((await one.standing()).phase, 'building');
    },
  ],
  [
    'a generation begins only after the one that its beginner knew',
    async (one, two) => {
      await makeReady(one);
      equal(await two.begin('g2', [], undefined, 0), false);
      equal(await two.begin('g2', [], 'g0', 0), false);
      equal((await one.standing()).generation, 'g1');
      equal(await two.begin('g2', [OTHER], 'g1', LONG_MS), true);
      deepEqual((await one.standing()).definitions, [OTHER]);
    },
  ],
  [
    'a building that is under way is waited for, one that lasts too long is not',
    async (one, two) => {
      equal(await one.begin('g1', [], undefined, LONG_MS), true);
      equal(await two.begin('g2', [], 'g1', LONG_MS), false);
      equal(await two.begin('g2', [], 'g1', 0), true);
      equal(await one.finish('g1'), false);
      equal((await one.standing()).generation, 'g2');
    },
  ],
  [
    'a beginning whose answer was lost may be asked for again',
    async (one) => {
      await makeReady(one);
      equal(await one.begin('g2', [], 'g1', LONG_MS), true);
      equal(await one.begin('g2', [], 'g1', LONG_MS), true);
      equal((await one.standing()).generation, 'g2');
    },
  ],
  [
    'of many that begin at once one does',
    async (one, two) => {
      const begun = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? one : two).begin(`g${index}`, [], undefined, LONG_MS),
        ),
      );
      equal(begun.filter(Boolean).length, 1);
      equal((await one.standing()).generation, `g${begun.indexOf(true)}`);
    },
  ],
  [
    'a new generation has no accounts and no owners',
    async (one, two) => {
      await makeReady(one);
      await one.join({ ownerId: 'a', cutMs: 0 }, 'g1');
      await ask(one, sampleExchange());
      await two.begin('g2', [DEFINITION], 'g1', LONG_MS);
      deepEqual((await one.standing()).owners, []);
      equal((await accountsOf(one)).size, 0);
    },
  ],
  [
    'an owner that leaves is off the list, the others stay',
    async (one, two) => {
      await makeReady(one);
      await one.join({ ownerId: 'a', cutMs: 0 }, 'g1');
      await two.join({ ownerId: 'b', cutMs: 0 }, 'g1');
      await two.leave('a');
      await two.leave('a');
      deepEqual((await one.standing()).owners, [{ ownerId: 'b', cutMs: 0 }]);
    },
  ],
];

const EXCHANGES: readonly BudgetRule[] = [
  ['any run of exchanges and folds gives what the reference gives', followsTheReference],
  [
    'an exchange whose answer was lost is made good by the next',
    async (one, two) => {
      await makeReady(one);
      await ask(one, sampleExchange({ settled: amounts({ 5: 100 }), neededNanoUsd: nanoUsd(50) }));
      const again = sampleExchange({ sequence: 2, settled: amounts({ 5: 100 }), neededNanoUsd: nanoUsd(50) });
      const reply = held(await ask(two, again));
      equal(reply.usedNanoUsd, 100);
      equal(reply.heldNanoUsd, 50);
      deepEqual((await accountsOf(one)).get(ACCOUNT)?.owners['a'], {
        sequence: 2,
        heldNanoUsd: 50,
        settled: { 5: 100 },
      });
    },
  ],
  [
    'an exchange that comes late, or twice, does nothing',
    async (one, two) => {
      await makeReady(one);
      await ask(one, sampleExchange({ sequence: 3, neededNanoUsd: nanoUsd(50) }));
      const before = await accountsOf(one);
      deepEqual(await ask(two, sampleExchange({ sequence: 2, neededNanoUsd: nanoUsd(70) })), { kind: 'superseded' });
      deepEqual(await ask(two, sampleExchange({ sequence: 3, neededNanoUsd: nanoUsd(70) })), { kind: 'superseded' });
      deepEqual(await accountsOf(one), before);
    },
  ],
  [
    'an account that does not know what it acknowledged says so, and nothing changes',
    async (one, two) => {
      await makeReady(one);
      await ask(one, sampleExchange({ sequence: 2 }));
      const before = await accountsOf(one);
      const lost = { kind: 'lost' };
      deepEqual(await ask(two, sampleExchange({ sequence: 4, acknowledgedSequence: 3 })), lost);
      deepEqual(await ask(two, sampleExchange({ ownerId: 'b', sequence: 2, acknowledgedSequence: 1 })), lost);
      deepEqual(await accountsOf(one), before);
      equal((await ask(two, sampleExchange({ sequence: 3, acknowledgedSequence: 2 }))).kind, 'held');
    },
  ],
  [
    'an owner that was folded is fenced',
    async (one, two) => {
      await makeReady(one);
      await ask(one, sampleExchange({ neededNanoUsd: nanoUsd(50) }));
      await two.fold(ACCOUNT, 'a', amounts({ 5: 7 }), { generation: 'g1', nowMs: 1000 });
      deepEqual(await ask(one, sampleExchange({ sequence: 2 })), { kind: 'fenced' });
      const other = held(await ask(one, sampleExchange({ ownerId: 'b' })));
      equal(other.usedNanoUsd, 7);
      equal(other.otherHeldNanoUsd, 0);
    },
  ],
  [
    'an owner that the account does not know is folded all the same, once',
    async (one, two) => {
      await makeReady(one);
      const terms = { generation: 'g1', nowMs: 1000 };
      await one.fold(ACCOUNT, 'dead', amounts({ 5: 7, 6: -2 }), terms);
      await two.fold(ACCOUNT, 'dead', amounts({ 5: 7, 6: -2 }), terms);
      deepEqual(await ask(two, sampleExchange({ ownerId: 'dead' })), { kind: 'fenced' });
      equal(held(await ask(two, sampleExchange())).usedNanoUsd, 5);
    },
  ],
  [
    'under another generation exchanges are stale and folds do nothing',
    async (one, two) => {
      await makeReady(one);
      await ask(one, sampleExchange({ settled: amounts({ 5: 3 }) }));
      await two.begin('g2', [DEFINITION], 'g1', LONG_MS);
      const fresh = accountId(DEFINITION, 'fresh');
      deepEqual(await one.exchange(ACCOUNT, sampleExchange({ sequence: 2 }), TERMS), { kind: 'stale' });
      deepEqual(await one.exchange(fresh, sampleExchange(), TERMS), { kind: 'stale' });
      await one.fold(ACCOUNT, 'a', amounts({ 5: 9 }), { generation: 'g1', nowMs: 1 });
      equal((await accountsOf(one)).size, 0);
      const now = { ...TERMS, generation: 'g2' };
      equal(held(await ask(one, sampleExchange(), ACCOUNT, now)).usedNanoUsd, 0);
    },
  ],
  [
    'a definition has no more accounts than it may have; those that are there go on',
    async (one, two) => {
      await makeReady(one);
      const terms = { ...TERMS, maxAccounts: 2 };
      const [first, second, third] = ['x', 'y', 'z'].map((value) => accountId(OTHER, value));
      equal((await ask(one, sampleExchange(), first, terms)).kind, 'held');
      equal((await ask(two, sampleExchange(), second, terms)).kind, 'held');
      deepEqual(await ask(one, sampleExchange(), third, terms), { kind: 'full' });
      equal((await ask(two, sampleExchange({ sequence: 2 }), first, terms)).kind, 'held');
      equal((await ask(one, sampleExchange(), ACCOUNT, terms)).kind, 'held');
      equal((await ask(one, sampleExchange(), third, { ...terms, maxAccounts: 3 })).kind, 'held');
      equal((await accountsOf(one)).size, 4);
    },
  ],
  [
    'amounts keep their last digit, names any characters',
    async (one, two) => {
      await makeReady(one);
      const account = accountId(OTHER, 'ключ {1}|*\n:');
      const large = Number.MAX_SAFE_INTEGER - 3;
      const request = sampleExchange({
        ownerId: 'host 1:{2},=|%\n',
        limitNanoUsd: nanoUsd(Number.MAX_SAFE_INTEGER),
        settled: amounts({ '1764547200000': large }),
        floorBucket: 1_764_547_200_000,
        latestFloorBucket: 1_764_547_200_000,
        bucket: 1_764_547_200_000,
        neededNanoUsd: nanoUsd(3),
        alertAtRatios: [0.1, 1 / 3, 1],
      });
      const [, reply] = step(EMPTY_ACCOUNT, request);
      deepEqual(await ask(one, request, account), reply);
      const [state] = step(EMPTY_ACCOUNT, request);
      deepEqual((await accountsOf(two)).get(account), state);
    },
  ],
  [
    'many owners at once are never given more than the limit',
    async (one, two) => {
      await makeReady(one);
      const replies = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          ask(index % 2 === 0 ? one : two, {
            ...sampleExchange({ ownerId: `owner-${index}`, neededNanoUsd: nanoUsd(37), wishNanoUsd: nanoUsd(90) }),
            limitNanoUsd: nanoUsd(1000),
          }),
        ),
      );
      const sum = replies.reduce((total, reply) => total + held(reply).heldNanoUsd, 0);
      ok(sum <= 1000 && sum > 900, `${sum} of 1000`);
    },
  ],
];

const UPKEEP: readonly BudgetRule[] = [
  [
    'a base that is installed counts as used, installing it again changes nothing',
    async (one, two) => {
      equal(await one.begin('g1', [DEFINITION, OTHER], undefined, LONG_MS), true);
      const person = accountId(OTHER, 'alice');
      await ask(one, sampleExchange({ keepNanoUsd: nanoUsd(5), neededNanoUsd: ZERO_USD }));
      const bases = new Map([
        [ACCOUNT, amounts({ 5: 70, 6: 1 })],
        [person, amounts({ 0: 9 })],
      ]);
      await two.install('g1', bases);
      await two.install('g1', bases);
      equal(await two.finish('g1'), true);
      const reply = held(await ask(one, sampleExchange({ sequence: 2, keepNanoUsd: nanoUsd(5) })));
      equal(reply.usedNanoUsd, 71);
      equal(held(await ask(two, sampleExchange({ ownerId: 'b', floorBucket: 0 }), person)).usedNanoUsd, 9);
      equal((await accountsOf(one)).size, 2);
    },
  ],
  [
    'what is not named in an installation stays as it is, what is named is set',
    async (one) => {
      await makeReady(one);
      const person = accountId(OTHER, 'alice');
      await one.install('g1', new Map([[ACCOUNT, amounts({ 5: 70 })]]));
      await one.install('g1', new Map([[person, amounts({ 5: 3 })]]));
      await one.install('g1', new Map([[ACCOUNT, amounts({ 6: 2 })]]));
      equal(held(await ask(one, sampleExchange())).usedNanoUsd, 2);
      equal(held(await ask(one, sampleExchange(), person)).usedNanoUsd, 3);
    },
  ],
  [
    'nothing is installed in another generation',
    async (one) => {
      await makeReady(one);
      await one.install('g0', new Map([[ACCOUNT, amounts({ 5: 70 })]]));
      equal(held(await ask(one, sampleExchange())).usedNanoUsd, 0);
    },
  ],
  [
    'an adjustment is added to what is used, and to nothing in another generation',
    async (one, two) => {
      await makeReady(one);
      await one.install('g1', new Map([[ACCOUNT, amounts({ 5: 70 })]]));
      held(await ask(one, sampleExchange({ settled: amounts({ 5: 4 }) })));
      equal(await two.adjust(ACCOUNT, 'a1', amounts({ 5: -74 }), { generation: 'g1' }), true);
      equal(await two.adjust(ACCOUNT, 'a2', amounts({ 5: -1 }), { generation: 'g0' }), false);
      const used = held(await ask(one, sampleExchange({ sequence: 2, settled: amounts({ 5: 9 }) }))).usedNanoUsd;
      equal(used, 5);
    },
  ],
  [
    'hundreds of accounts are installed and listed',
    async (one, two) => {
      await makeReady(one);
      const bases = new Map(Array.from({ length: 700 }, (_, at) => [accountId(OTHER, `${at}`), amounts({ 0: at })]));
      await one.install('g1', bases);
      const listed = await accountsOf(two);
      equal(listed.size, 700);
      deepEqual(new Map([...listed].map(([account, { base }]) => [account, base])), bases);
    },
  ],
  [
    'closing twice is closing once',
    async (one) => {
      await one.close();
      await one.close();
    },
  ],
];

function step(state: AccountState, request: ExchangeRequest): readonly [AccountState, ExchangeReply] {
  const result = exchange(state, request);
  return [result.state, result.reply];
}

async function followsTheReference(one: KeptBudgetStore, two: KeptBudgetStore): Promise<void> {
  await makeReady(one);
  let state = EMPTY_ACCOUNT;
  for (const [index, action] of sampleExchanges(seededRandom(3), 250).entries()) {
    const store = index % 3 === 0 ? two : one;
    if (action.kind === 'fold') {
      state = foldOwner(state, action.ownerId, action.totals, action.nowMs);
      // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
      await store.fold(ACCOUNT, action.ownerId, action.totals, { generation: 'g1', nowMs: action.nowMs });
      continue;
    }
    const [next, reply] = step(state, action.request);
    state = next;
    // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
    deepEqual(await ask(store, action.request), reply, `step ${index}`);
  }
  deepEqual((await accountsOf(one)).get(ACCOUNT), state);
}

/** What every `BudgetStore` with its upkeep must do. @public */
export function budgetStoreConformance(open: OpenBudgetStores): readonly ConformanceCase[] {
  return [...STANDING, ...EXCHANGES, ...UPKEEP].map(([name, check]) => ({
    name,
    run: async (): Promise<void> => {
      const stores = await open(2);
      const [one, two] = stores;
      try {
        if (one === undefined || two === undefined) throw new Error('as many stores are opened as asked for');
        await check(one, two);
      } finally {
        await Promise.all(stores.map((store) => store.close()));
      }
    },
  }));
}
