import { expect, test } from 'vitest';
import { fakeCall, frame, NotingReceiver } from '../../../test/support/fake-call.ts';
import { FarthingError } from '../../core/errors.ts';
import type { Call, Outcome } from '../compose.ts';
import { coalesceMiddleware } from './coalesce.ts';

const HEAD = { status: 200, headers: {}, form: 'stream' } as const;

/** Attempts that the test drives by hand. */
function attempts(): {
  calls: Call[];
  settle: ((outcome: Outcome | Error) => void)[];
  next: (call: Call) => Promise<Outcome>;
} {
  const calls: Call[] = [];
  const settle: ((outcome: Outcome | Error) => void)[] = [];
  const next = (call: Call): Promise<Outcome> => {
    calls.push(call);
    return new Promise((resolve, reject) =>
      settle.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))),
    );
  };
  return { calls, settle, next };
}

const complete: Outcome = { kind: 'complete', facts: undefined };
const tick = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('a refusal of the leader is its own: the next caller leads', async () => {
  const { handle } = coalesceMiddleware({ bufferBytes: 1000 });
  const { calls, settle, next } = attempts();
  const readers = [1, 2, 3].map(() => new NotingReceiver());
  const results = readers.map((receiver, index) => handle(fakeCall(`c${index}`, receiver), next));
  const [refused, second, third] = results;
  settle[0]?.(new FarthingError('forbidden', 'over budget'));
  await expect(refused).rejects.toThrow('over budget');
  await tick();
  expect(calls.map((call) => call.id)).toEqual(['c0', 'c1']);
  calls[1]?.receiver.head(HEAD);
  calls[1]?.receiver.frames([frame('answer')]);
  calls[1]?.receiver.end();
  settle[1]?.(complete);
  expect(await second).toEqual(complete);
  expect((await third)?.kind).toBe('complete');
  expect(readers.map((reader) => reader.text)).toEqual(['', 'answer', 'answer']);
});

test('an outcome of refused hands over as well', async () => {
  const { handle } = coalesceMiddleware({ bufferBytes: 1000 });
  const { calls, settle, next } = attempts();
  const first = handle(fakeCall('c0', new NotingReceiver()), next);
  void handle(fakeCall('c1', new NotingReceiver()), next);
  settle[0]?.({ kind: 'refused', facts: undefined });
  expect((await first).kind).toBe('refused');
  await tick();
  expect(calls.map((call) => call.id)).toEqual(['c0', 'c1']);
});

test('the fastest reader paces the provider; a slow one alone pauses it', async () => {
  const { handle } = coalesceMiddleware({ bufferBytes: 1000 });
  const { calls, settle, next } = attempts();
  const slow = new NotingReceiver();
  const fast = new NotingReceiver();
  slow.isSlow = true;
  const one = handle(fakeCall('c0', slow), next);
  const shared = (calls[0] as Call).receiver;
  shared.head(HEAD);
  expect(shared.frames([frame('a')])).toBe(false);
  const two = handle(fakeCall('c1', fast), next);
  expect(fast.text).toBe('a');
  expect(shared.frames([frame('b')])).toBe(true);
  await shared.drained();
  expect([slow.text, fast.text]).toEqual(['a', 'ab']);
  shared.end();
  settle[0]?.(complete);
  await two;
  slow.catchUp();
  await one;
  expect(slow.text).toBe('ab');
});

test('a reader that falls behind the bound gets an error; the others go on', async () => {
  const { handle } = coalesceMiddleware({ bufferBytes: 10 });
  const { calls, settle, next } = attempts();
  const slow = new NotingReceiver();
  const fast = new NotingReceiver();
  slow.isSlow = true;
  const one = handle(fakeCall('c0', fast), next);
  const two = handle(fakeCall('c1', slow), next);
  const shared = (calls[0] as Call).receiver;
  shared.head(HEAD);
  for (const text of ['12345', '12345', '12345', '12345']) shared.frames([frame(text)]);
  expect((await two).kind).toBe('broken');
  expect(slow.ending).toMatchObject({ code: 'overloaded', retryable: true });
  shared.end();
  settle[0]?.(complete);
  await one;
  expect(fast.text).toHaveLength(20);
  const late = handle(fakeCall('c2', new NotingReceiver()), next);
  expect(calls.at(-1)?.id).toBe('c2');
  settle[1]?.({ kind: 'refused', facts: undefined });
  await late;
});

test('when the last reader leaves the attempt is told, and the next identical call starts its own', async () => {
  const { handle } = coalesceMiddleware({ bufferBytes: 1000 });
  const { calls, settle, next } = attempts();
  const leaving = [new AbortController(), new AbortController()];
  const results = leaving.map((leave, index) =>
    handle(fakeCall(`c${index}`, new NotingReceiver(), leave.signal), next),
  );
  leaving[0]?.abort();
  expect(calls[0]?.signal.aborted).toBe(false);
  leaving[1]?.abort();
  expect(calls[0]?.signal.aborted).toBe(true);
  void handle(fakeCall('c2', new NotingReceiver()), next);
  expect(calls.map((call) => call.id)).toEqual(['c0', 'c2']);
  settle[0]?.({ kind: 'client-left', facts: undefined });
  expect((await Promise.all(results)).map((result) => result.kind)).toEqual(['client-left', 'client-left']);
});

test('a failure in the middle reaches every reader', async () => {
  const { handle } = coalesceMiddleware({ bufferBytes: 1000 });
  const { calls, settle, next } = attempts();
  const readers = [new NotingReceiver(), new NotingReceiver()];
  const results = readers.map((receiver, index) => handle(fakeCall(`c${index}`, receiver), next));
  const shared = (calls[0] as Call).receiver;
  shared.head(HEAD);
  shared.frames([frame('half')]);
  shared.fail(new FarthingError('provider-broken', 'cut'));
  settle[0]?.({ kind: 'broken', facts: undefined });
  expect((await Promise.all(results)).map((result) => result.kind)).toEqual(['broken', 'broken']);
  for (const reader of readers) expect(reader.ending).toMatchObject({ code: 'provider-broken' });
});

test('once the attempt is over nobody joins its reply, however slowly the leader reads it', async () => {
  const { handle } = coalesceMiddleware({ bufferBytes: 1000 });
  const { calls, settle, next } = attempts();
  const slow = new NotingReceiver();
  slow.isSlow = true;
  const first = handle(fakeCall('c0', slow), next);
  const shared = (calls[0] as Call).receiver;
  shared.head(HEAD);
  shared.frames([frame('a')]);
  shared.end();
  settle[0]?.(complete);
  await tick();
  void handle(fakeCall('c1', new NotingReceiver()), next);
  expect(calls.map((call) => call.id)).toEqual(['c0', 'c1']);
  slow.catchUp();
  expect((await first).kind).toBe('complete');
});

test('a reader that left while it was behind gets nothing more', async () => {
  const { handle } = coalesceMiddleware({ bufferBytes: 1000 });
  const { calls, settle, next } = attempts();
  const leave = new AbortController();
  const slow = new NotingReceiver();
  slow.isSlow = true;
  const one = handle(fakeCall('c0', new NotingReceiver()), next);
  const two = handle(fakeCall('c1', slow, leave.signal), next);
  const shared = (calls[0] as Call).receiver;
  shared.head(HEAD);
  shared.frames([frame('a')]);
  shared.frames([frame('b')]);
  leave.abort();
  slow.catchUp();
  shared.end();
  settle[0]?.(complete);
  await Promise.all([one, two]);
  expect([slow.text, slow.ending]).toEqual(['a', 'open']);
});

test('when a leader fails in the middle, who has begun to read gets an error and no second beginning', async () => {
  const { handle } = coalesceMiddleware({ bufferBytes: 1000 });
  const { calls, settle, next } = attempts();
  const follower = new NotingReceiver();
  const first = handle(fakeCall('c0', new NotingReceiver()), next);
  const second = handle(fakeCall('c1', follower), next);
  (calls[0] as Call).receiver.head(HEAD);
  (calls[0] as Call).receiver.frames([frame('half')]);
  settle[0]?.(new Error('a fault of ours'));
  await expect(first).rejects.toThrow('a fault of ours');
  expect((await second).kind).toBe('broken');
  expect(calls).toHaveLength(1);
  expect(follower.text).toBe('half');
  expect(follower.ending).toMatchObject({ code: 'internal', retryable: true });
});
