import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict';
import { STATE_BOUNDS } from '../core/state-bounds.ts';
import type { StateStore, StateTerms } from '../ports/state-store.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** What the cases need: stores over the same, empty data, and a way to let time pass for them. @public */
export interface StateStoreHarness {
  /** So many stores, as different processes would have them; all without any state. */
  open(count: number): Promise<readonly StateStore[]>;
  /** Lets so many milliseconds pass: really, or by the clock that the stores were given. */
  pass(durationMs: number): Promise<void>;
}

type StateRule = readonly [
  rule: string,
  check: (one: StateStore, two: StateStore, pass: StateStoreHarness['pass']) => Promise<void>,
];

const LONG: StateTerms = { ttlMs: 600_000 };
const SHORT: StateTerms = { ttlMs: 60 };
const KEY = 'calibration/openai/gpt-4o';

/** What is kept under a key, without its version. */
async function valueOf(store: StateStore, key: string = KEY): Promise<string | undefined> {
  return (await store.read(key))?.value;
}

/** Adds one to the number that is kept, again whenever another process was faster. */
async function addOne(store: StateStore): Promise<void> {
  for (let isWritten = false; !isWritten;) {
    // oxlint-disable-next-line no-await-in-loop -- each try needs the version that is there then
    const kept = await store.read(KEY);
    const terms = { ...LONG, expectedVersion: kept?.version ?? 0 };
    // oxlint-disable-next-line no-await-in-loop
    ({ isWritten } = await store.write(KEY, `${Number(kept?.value ?? 0) + 1}`, terms));
  }
}

const READING: readonly StateRule[] = [
  [
    'what one process has written the other reads, with its version',
    async (one, two) => {
      equal(await one.read(KEY), undefined);
      const { isWritten, version } = await one.write(KEY, '{"factor":1.02}', LONG);
      equal(isWritten, true);
      ok(Number.isSafeInteger(version) && version > 0, `${version}`);
      deepEqual(await two.read(KEY), { key: KEY, value: '{"factor":1.02}', version });
      deepEqual(await one.read(KEY), { key: KEY, value: '{"factor":1.02}', version });
      equal(await two.read('calibration/openai/gpt-4'), undefined);
      equal(await two.read('calibrations/openai/gpt-4o'), undefined);
    },
  ],
  [
    'values come back as they were, up to the largest',
    async (one, two) => {
      const largest = JSON.stringify('x'.repeat(STATE_BOUNDS.maxValueBytes - 2));
      for (const value of ['', '0', '{"a":[1.0,1e400]}', '"é 漢 👩‍👩‍👧 \\ud83d\\u0000"', ' [\r\n] ', largest]) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
        await one.write(KEY, value, LONG);
        // oxlint-disable-next-line no-await-in-loop
        equal(await valueOf(two), value);
      }
    },
  ],
  [
    'names may have any characters, and are told apart by each',
    async (one, two) => {
      const names = [
        'a',
        'A',
        'a/b',
        'a%2Fb',
        '{a}',
        'a*',
        'a_',
        'a%',
        "a'; --",
        'a b',
        ' a',
        'é',
        'e\u0301',
        '漢👩',
        '..',
        '/',
      ];
      const longest = 'x'.repeat(STATE_BOUNDS.maxKeyBytes - 2);
      const keys = [...names, longest].map((name) => `n/${name}`);
      await Promise.all(keys.map((key, index) => one.write(key, `${index}`, LONG)));
      deepEqual(
        await Promise.all(keys.map((key) => valueOf(two, key))),
        keys.map((_, index) => `${index}`),
      );
      const all = await two.readAll('n');
      deepEqual(all.map(({ key }) => key).toSorted(), keys.toSorted());
    },
  ],
  [
    'all states of a namespace are read, and none of another',
    async (one, two) => {
      await one.write('cool/a', '1', LONG);
      const { version } = await two.write('cool/b/c', '2', LONG);
      await one.write('cooler/a', '3', LONG);
      await one.write('coo/l', '4', LONG);
      const all = await one.readAll('cool');
      deepEqual(all.map(({ key, value }) => `${key}=${value}`).toSorted(), ['cool/a=1', 'cool/b/c=2']);
      equal(all.find(({ key }) => key === 'cool/b/c')?.version, version);
      deepEqual(await one.readAll('warm'), []);
    },
  ],
  [
    'of many states those are read that expire last',
    async (one, two) => {
      const { maxRead } = STATE_BOUNDS;
      const write = (index: number): Promise<unknown> =>
        one.write(`many/${index}`, '0', { ttlMs: 600_000 + index * 1000 });
      await Promise.all(Array.from({ length: maxRead + 20 }, (_, index) => write(index)));
      const all = await two.readAll('many');
      equal(all.length, maxRead);
      equal(all[0]?.key, `many/${maxRead + 19}`);
      equal(all.at(-1)?.key, 'many/20');
    },
  ],
  [
    'of large states as many are read as have their room together',
    async (one, two) => {
      const value = JSON.stringify('é'.repeat((STATE_BOUNDS.maxValueBytes - 2) / 2));
      const fit = STATE_BOUNDS.maxReadBytes / STATE_BOUNDS.maxValueBytes;
      const write = (index: number): Promise<unknown> =>
        one.write(`large/${index}`, value, { ttlMs: 600_000 + index * 1000 });
      await Promise.all(Array.from({ length: fit + 3 }, (_, index) => write(index)));
      const all = await two.readAll('large');
      equal(all.length, fit);
      equal(all[0]?.key, `large/${fit + 2}`);
      ok(all.every((state) => state.value === value));
    },
  ],
];

const WRITING: readonly StateRule[] = [
  [
    'the last writer wins where no version is expected',
    async (one, two) => {
      const first = await one.write(KEY, '1', LONG);
      const second = await two.write(KEY, '2', LONG);
      equal(second.isWritten, true);
      ok(second.version > first.version);
      deepEqual(await one.read(KEY), { key: KEY, value: '2', version: second.version });
    },
  ],
  [
    'a state of another version than expected is left as it was, and its version is told',
    async (one, two) => {
      const { version } = await one.write(KEY, '1', LONG);
      const next = await two.write(KEY, '2', { ...LONG, expectedVersion: version });
      equal(next.isWritten, true);
      deepEqual(await one.write(KEY, '3', { ...LONG, expectedVersion: version }), {
        isWritten: false,
        version: next.version,
      });
      equal(await valueOf(two), '2');
    },
  ],
  [
    'version 0 is that of a state that is not there',
    async (one, two) => {
      deepEqual(await one.write(KEY, '1', { ...LONG, expectedVersion: 7 }), { isWritten: false, version: 0 });
      equal(await valueOf(two), undefined);
      const { isWritten, version } = await one.write(KEY, '1', { ...LONG, expectedVersion: 0 });
      equal(isWritten, true);
      deepEqual(await two.write(KEY, '2', { ...LONG, expectedVersion: 0 }), { isWritten: false, version });
      equal(await valueOf(two), '1');
    },
  ],
  [
    'of many that expect the same version one writes',
    async (one, two) => {
      const { version } = await one.write(KEY, '0', LONG);
      const writes = Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? one : two).write(KEY, `${index}`, { ...LONG, expectedVersion: version }),
      );
      const written = (await Promise.all(writes)).map(({ isWritten }) => isWritten);
      equal(written.filter(Boolean).length, 1);
      equal(await valueOf(one), `${written.indexOf(true)}`);
    },
  ],
  [
    'what two processes count by versions loses nothing',
    async (one, two) => {
      await Promise.all(Array.from({ length: 16 }, (_, index) => addOne(index % 2 === 0 ? one : two)));
      equal(await valueOf(one), '16');
    },
  ],
  [
    'a state that was removed is gone for all, and only once',
    async (one, two) => {
      await one.write(KEY, '1', LONG);
      await one.write('calibration/other', '2', LONG);
      equal(await two.remove(KEY), true);
      equal(await one.remove(KEY), false);
      equal(await one.read(KEY), undefined);
      deepEqual(
        (await one.readAll('calibration')).map(({ key }) => key),
        ['calibration/other'],
      );
    },
  ],
  [
    'a version does not come again when a state was removed',
    async (one, two) => {
      const { version } = await one.write(KEY, '1', LONG);
      await two.remove(KEY);
      const next = await two.write(KEY, '2', LONG);
      ok(next.version > version);
      equal((await one.write(KEY, '3', { ...LONG, expectedVersion: version })).isWritten, false);
    },
  ],
];

const EXPIRY: readonly StateRule[] = [
  [
    'a state that has expired is read by nobody, and there is none to expect or to remove',
    async (one, two, pass) => {
      const { version } = await one.write(KEY, '1', SHORT);
      await one.write('calibration/lasting', '2', LONG);
      await pass(SHORT.ttlMs * 2);
      equal(await one.read(KEY), undefined);
      equal(await two.read(KEY), undefined);
      deepEqual(
        (await two.readAll('calibration')).map(({ key }) => key),
        ['calibration/lasting'],
      );
      equal(await two.remove(KEY), false);
      deepEqual(await one.write(KEY, '3', { ...LONG, expectedVersion: version }), { isWritten: false, version: 0 });
      const next = await one.write(KEY, '3', { ...LONG, expectedVersion: 0 });
      equal(next.isWritten, true);
      ok(next.version > version);
    },
  ],
  [
    'each write sets the life anew, longer or shorter',
    async (one, two, pass) => {
      await one.write(KEY, '1', SHORT);
      await two.write(KEY, '2', LONG);
      await one.write('calibration/short', '1', LONG);
      await two.write('calibration/short', '2', SHORT);
      await pass(SHORT.ttlMs * 2);
      equal(await valueOf(one), '2');
      deepEqual(
        (await one.readAll('calibration')).map(({ key }) => key),
        [KEY],
      );
    },
  ],
  [
    'a write that was refused does not lengthen a life',
    async (one, two, pass) => {
      const { version } = await one.write(KEY, '1', SHORT);
      notEqual((await two.write(KEY, '2', { ...LONG, expectedVersion: version + 1 })).isWritten, true);
      await pass(SHORT.ttlMs * 2);
      equal(await one.read(KEY), undefined);
    },
  ],
];

const BOUNDS: readonly StateRule[] = [
  [
    'keys that are none are refused by every operation',
    async (one) => {
      const tooLong = `n/${'x'.repeat(STATE_BOUNDS.maxKeyBytes - 1)}`;
      const refused: Promise<unknown>[] = [
        '',
        'n',
        '/n',
        'n/',
        'N/a',
        'n m/a',
        '{n}/a',
        'n/\u0000',
        'n/\ud83d',
        tooLong,
      ].flatMap((key) => [one.read(key), one.write(key, '1', LONG), one.remove(key)]);
      refused.push(...['', 'n/a', 'N', 'n*'].map((namespace) => one.readAll(namespace)));
      for (const outcome of await Promise.allSettled(refused)) {
        ok(outcome.status === 'rejected' && outcome.reason instanceof RangeError, JSON.stringify(outcome));
      }
    },
  ],
  [
    'a value that is too large, or has no length of life, is refused and changes nothing',
    async (one, two) => {
      await one.write(KEY, '1', LONG);
      await rejects(one.write(KEY, 'é'.repeat(STATE_BOUNDS.maxValueBytes / 2 + 1), LONG), RangeError);
      await rejects(one.write(KEY, '"\ud83d"', LONG), RangeError);
      for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
        await rejects(one.write(KEY, '2', { ttlMs }), RangeError);
      }
      await rejects(one.write(KEY, '2', { ...LONG, expectedVersion: -1 }), RangeError);
      equal(await valueOf(two), '1');
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

/** What every {@link StateStore} must do. @public */
export function stateStoreConformance(harness: StateStoreHarness): readonly ConformanceCase[] {
  return [...READING, ...WRITING, ...EXPIRY, ...BOUNDS].map(([name, check]) => ({
    name,
    run: async (): Promise<void> => {
      const stores = await harness.open(2);
      const [one, two] = stores;
      try {
        if (one === undefined || two === undefined) throw new Error('the harness opens as many stores as asked for');
        await check(one, two, (durationMs) => harness.pass(durationMs));
      } finally {
        await Promise.all(stores.map((store) => store.close()));
      }
    },
  }));
}
