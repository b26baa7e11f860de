import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict';
import { FarthingError } from '../core/errors.ts';
import { collect } from './collect.ts';
import { amounts, callIds, isUnavailable, LEASE_MS, living, type OwnerRule, spentBy } from './ledger-owner-stage.ts';
import { sampleCharge, sampleIntent } from './sample-ledger-rows.ts';

/** What a ledger does whose owner was ended. @internal */
export const FENCING_RULES: readonly OwnerRule[] = [
  [
    'an owner that was ended goes on under another id with its next intent',
    async ({ clock, open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      const ended = stopped.ownerId;
      await endFirst(stopped, second);
      await stopped.intend(sampleIntent());
      notEqual(stopped.ownerId, ended);
      equal((await second.openIntents())[0]?.ownerId, stopped.ownerId);
      equal(stopped.leaseUntilMs, clock.nowMs() + LEASE_MS);
      deepEqual(await living(second), [stopped.ownerId, second.ownerId].toSorted());
      equal(await second.recover(clock.nowMs()), 0);
    },
  ],
  [
    'an owner that was ended goes on under another id with its next charge',
    async ({ open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      const ended = stopped.ownerId;
      await endFirst(stopped, second);
      const [receipt] = await stopped.charge([sampleCharge()]);
      notEqual(stopped.ownerId, ended);
      equal(receipt?.ownerId, stopped.ownerId);
      equal(receipt?.amountNanoUsd, 1_200);
      deepEqual(await amounts(second, { ownerId: ended }), []);
      deepEqual(await amounts(second, { ownerId: stopped.ownerId }), [1_200]);
    },
  ],
  [
    'an owner that was ended goes on under another id with its next renewal',
    async ({ clock, open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      const ended = stopped.ownerId;
      await endFirst(stopped, second);
      equal(await stopped.recover(clock.nowMs()), 0);
      notEqual(stopped.ownerId, ended);
      equal(stopped.leaseUntilMs, clock.nowMs() + LEASE_MS);
      deepEqual(await living(second), [stopped.ownerId, second.ownerId].toSorted());
    },
  ],
  [
    'the sum of an ended owner never changes again, whatever that owner does',
    async ({ clock, open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      const ended = stopped.ownerId;
      await stopped.charge([sampleCharge(callIds('a'))]);
      await stopped.intend(sampleIntent(callIds('b')));
      await stopped.intend(sampleIntent(callIds('c')));
      await endFirst(stopped, second);
      const rows = await collect(second.spending({ ownerId: ended }));
      equal(await spentBy(second, ended), 11_200);
      await Promise.all([
        stopped.charge([sampleCharge(callIds('b')), sampleCharge(callIds('d'))]),
        stopped.intend(sampleIntent(callIds('e'))),
        stopped.charge([sampleCharge(callIds('a'))]),
        stopped.recover(clock.nowMs()),
      ]);
      await stopped.intend(sampleIntent(callIds('c')));
      await stopped.charge([sampleCharge(callIds('c'))]);
      await stopped.close();
      await second.recover(clock.nowMs());
      deepEqual(await collect(second.spending({ ownerId: ended })), rows);
      // a and d as they were, b and c corrected to the truth, e charged when its owner closed.
      equal(
        (await amounts(second, {})).reduce((sum, amount) => sum + amount, 0),
        4 * 1_200 + 5_000,
      );
    },
  ],
  [
    'all that an ended owner has under way goes on under one new id, and is kept once',
    async ({ open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      const ended = stopped.ownerId;
      const ids = Array.from({ length: 50 }, (_, index) => callIds(`call_${index}`));
      await Promise.all(ids.slice(0, 20).map((id) => stopped.intend(sampleIntent(id))));
      equal(await endFirst(stopped, second), 20);
      const charged = Promise.all(ids.slice(0, 30).map((id) => stopped.charge([sampleCharge(id)])));
      await Promise.all([charged, ...ids.slice(30).map((id) => stopped.intend(sampleIntent(id)))]);
      deepEqual(await living(second), [stopped.ownerId, second.ownerId].toSorted());
      const intents = await second.openIntents();
      equal(intents.length, 20);
      deepEqual([...new Set(intents.map((intent) => intent.ownerId))], [stopped.ownerId]);
      equal(await spentBy(second, ended), 20 * 5_000);
      equal(await spentBy(second, stopped.ownerId), 10 * 1_200 - 20 * 3_800);
      await Promise.all(ids.slice(30).map((id) => stopped.charge([sampleCharge(id)])));
      deepEqual(await second.openIntents(), []);
      equal((await collect(second.charges({}))).length, 20 + 20 + 10 + 20);
    },
  ],
  [
    'an intent that is meant for one owner is kept under that one or not at all',
    async ({ open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      const ended = stopped.ownerId;
      await stopped.intend(sampleIntent(callIds('a')), ended);
      await rejects(stopped.intend(sampleIntent(callIds('b')), 'owner_nobody'), isUnavailable);
      await endFirst(stopped, second);
      const [refused, kept, again] = await Promise.allSettled([
        stopped.intend(sampleIntent(callIds('c')), ended),
        stopped.intend(sampleIntent(callIds('d'))),
        stopped.intend(sampleIntent(callIds('e')), ended),
      ]);
      deepEqual([refused.status, kept.status, again.status], ['rejected', 'fulfilled', 'rejected']);
      await stopped.intend(sampleIntent(callIds('f')), stopped.ownerId);
      const intents = await second.openIntents();
      deepEqual(intents.map((intent) => [intent.callId, intent.ownerId].join(' ')).toSorted(), [
        `d ${stopped.ownerId}`,
        `f ${stopped.ownerId}`,
      ]);
      equal(await spentBy(second, ended), 5_000);
    },
  ],
  [
    'before a row is written under another id, whoever asked is told of it; when that fails, so does the write, and the next one tries again',
    async ({ open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      const ended = stopped.ownerId;
      const told: string[] = [];
      const fault = { isThere: true };
      stopped.beforeNewOwner(async (ownerId) => {
        equal((await second.livingOwners()).includes(ownerId), true);
        deepEqual(await amounts(second, {}), []);
        told.push(ownerId);
        if (fault.isThere) throw new FarthingError('store-unavailable', 'not now', { retryable: true });
      });
      await endFirst(stopped, second);
      await rejects(stopped.intend(sampleIntent(callIds('a'))), isUnavailable);
      await rejects(stopped.charge([sampleCharge(callIds('b'))]), isUnavailable);
      equal(stopped.ownerId, ended);
      deepEqual(await second.openIntents(), []);
      fault.isThere = false;
      await Promise.all([stopped.intend(sampleIntent(callIds('a'))), stopped.charge([sampleCharge(callIds('b'))])]);
      equal(stopped.ownerId, told.at(-1));
      ok((await living(second)).includes(stopped.ownerId));
      deepEqual(await amounts(second, {}), [1_200]);
      equal((await second.openIntents())[0]?.ownerId, stopped.ownerId);
    },
  ],
  [
    'an owner may be ended again and again, and takes an id that was never there before each time',
    async ({ open, endFirst }) => {
      const [stopped, second] = [await open(), await open()];
      const seen = new Set([stopped.ownerId, second.ownerId]);
      for (const callId of ['a', 'b', 'c']) {
        await stopped.intend(sampleIntent(callIds(callId))); // oxlint-disable-line no-await-in-loop -- one after the other
        seen.add(stopped.ownerId);
        equal(await endFirst(stopped, second), 1); // oxlint-disable-line no-await-in-loop -- as above
      }
      await stopped.charge(['a', 'b', 'c'].map((callId) => sampleCharge(callIds(callId))));
      seen.add(stopped.ownerId);
      equal(seen.size, 5);
      equal(
        (await amounts(second, {})).reduce((sum, amount) => sum + amount, 0),
        3 * 1_200,
      );
    },
  ],
];
