import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallPriority } from '../../core/model/call-priority.ts';
import { BATCH_TURN, CallQueue, type QueueVerdict } from './call-queue.ts';
import type { LinePlace } from './waiting-line.ts';

interface Call {
  readonly id: number;
  readonly priority: CallPriority;
}

/** A queue whose slots are taken, and calls by their number. */
function fullQueue(): {
  readonly queue: CallQueue<Call>;
  wait(priority: CallPriority, most?: number): QueueVerdict<Call>;
} {
  const queue = new CallQueue<Call>();
  expect(queue.tryRun(1)).toBe(true);
  let id = 0;
  return {
    queue,
    wait: (priority, most = 100) => {
      id += 1;
      return queue.wait({ id, priority }, most);
    },
  };
}

/** Lets all waiting calls run, one after the other. */
function order(queue: CallQueue<Call>): readonly number[] {
  const ids: number[] = [];
  while (queue.waiting > 0) {
    queue.free();
    ids.push(queue.next(1)?.id ?? 0);
  }
  return ids;
}

test('interactive calls go first, and calls of one priority in the order in which they came', () => {
  const { queue, wait } = fullQueue();
  for (const priority of ['batch', 'interactive', 'batch', 'interactive'] as const) wait(priority);
  expect(order(queue)).toEqual([2, 4, 1, 3]);
});

test('every eighth slot goes to the oldest call of a batch, however many interactive calls wait', () => {
  const { queue, wait } = fullQueue();
  wait('batch');
  wait('batch');
  for (let call = 0; call < 20; call += 1) wait('interactive');
  const batchTurns = order(queue).flatMap((id, turn) => (id <= 2 ? [[id, turn + 1]] : []));
  expect(batchTurns).toEqual([
    [1, BATCH_TURN],
    [2, 2 * BATCH_TURN],
  ]);
});

test('interactive calls that went before a batch call came do not count towards its turn', () => {
  const { queue, wait } = fullQueue();
  for (let call = 0; call < 30; call += 1) wait('interactive');
  for (let call = 0; call < 10; call += 1) {
    queue.free();
    queue.next(1);
  }
  wait('batch');
  expect(order(queue).indexOf(31)).toBe(BATCH_TURN - 1);
});

test('in a full queue an interactive call displaces the youngest call of a batch, and nobody else', () => {
  const { queue, wait } = fullQueue();
  for (const priority of ['batch', 'batch', 'interactive'] as const) wait(priority, 3);
  expect(wait('batch', 3)).toEqual({ kind: 'full' });
  expect(wait('interactive', 3)).toMatchObject({ kind: 'waits', displaced: { id: 2 } });
  expect(wait('interactive', 3)).toMatchObject({ kind: 'waits', displaced: { id: 1 } });
  expect(wait('interactive', 3)).toEqual({ kind: 'full' });
  expect(order(queue)).toEqual([3, 5, 6]);
});

test('without a queue nobody waits', () => {
  const { queue, wait } = fullQueue();
  expect([wait('interactive', 0), wait('batch', 0), queue.waiting]).toEqual([{ kind: 'full' }, { kind: 'full' }, 0]);
});

test('a newcomer does not overtake those who wait when more slots are there', () => {
  const { queue, wait } = fullQueue();
  wait('batch');
  expect(queue.tryRun(5)).toBe(false);
  wait('interactive');
  expect([queue.next(5)?.id, queue.next(5)?.id, queue.next(5), queue.running]).toEqual([2, 1, undefined, 3]);
  expect(queue.tryRun(5)).toBe(true);
});

test('a place is given up once', () => {
  const { queue, wait } = fullQueue();
  const verdict = wait('interactive');
  const place = verdict.kind === 'waits' ? verdict.place : undefined;
  expect(place).toBeDefined();
  if (place === undefined) return;
  expect([queue.remove(place), queue.remove(place), queue.waiting]).toEqual([true, false, 0]);
});

type Step =
  | { readonly kind: 'come'; readonly priority: CallPriority }
  | { readonly kind: 'end' }
  | { readonly kind: 'give-up'; readonly which: number }
  | { readonly kind: 'empty'; readonly priority: CallPriority };

const somePriority = fc.constantFrom('interactive' as const, 'batch' as const);

const steps = fc.array(
  fc.oneof(
    {
      weight: 30,
      arbitrary: fc.record({
        kind: fc.constant('come' as const),
        priority: somePriority,
      }),
    },
    { weight: 14, arbitrary: fc.record({ kind: fc.constant('end' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('give-up' as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('empty' as const), priority: somePriority }) },
  ),
  { maxLength: 200, size: 'max' },
);

/** What happens to a queue and what should: waiting calls as a plain list, the slow and obvious way. */
class Model {
  readonly queue = new CallQueue<Call>();
  readonly waiting: { readonly call: Call; readonly place: LinePlace<Call> }[] = [];
  readonly outcomes = new Map<number, string>();
  came = 0;
  running = 0;
  passedOver = 0;

  readonly maxRunning: number;
  readonly maxWaiting: number;

  constructor(maxRunning: number, maxWaiting: number) {
    this.maxRunning = maxRunning;
    this.maxWaiting = maxWaiting;
  }

  take(step: Step): void {
    if (step.kind === 'come') this.come(step.priority);
    else if (step.kind === 'end') this.end();
    else if (step.kind === 'give-up') this.giveUp(step.which);
    else this.empty(step.priority);
    expect([this.queue.running, this.queue.waiting]).toEqual([this.running, this.waiting.length]);
    expect(this.running).toBeLessThanOrEqual(this.maxRunning);
    expect(this.waiting.length).toBeLessThanOrEqual(this.maxWaiting);
    // Nobody waits while a slot is free.
    if (this.running < this.maxRunning) expect(this.waiting).toEqual([]);
    expect(this.outcomes.size + this.waiting.length).toBe(this.came);
  }

  come(priority: CallPriority): void {
    this.came += 1;
    const call = { id: this.came, priority };
    if (this.queue.tryRun(this.maxRunning)) {
      this.running += 1;
      this.settle(call, 'ran');
      return;
    }
    const isFull = this.waiting.length >= this.maxWaiting;
    const youngest =
      priority === 'interactive' ? this.waiting.findLast((one) => one.call.priority === 'batch') : undefined;
    const verdict = this.queue.wait(call, this.maxWaiting);
    if (verdict.kind === 'full') {
      expect([isFull, youngest]).toEqual([true, undefined]);
      this.settle(call, 'refused');
      return;
    }
    expect(verdict.displaced).toBe(isFull ? youngest?.call : undefined);
    if (verdict.displaced !== undefined) this.leaveLine(verdict.displaced, 'displaced');
    this.waiting.push({ call, place: verdict.place });
  }

  end(): void {
    if (this.running === 0) return;
    this.queue.free();
    this.running -= 1;
    const batch = this.waiting.find(({ call }) => call.priority === 'batch');
    const interactive = this.waiting.find(({ call }) => call.priority === 'interactive');
    const isBatchTurn = interactive === undefined || (batch !== undefined && this.passedOver === BATCH_TURN - 1);
    this.passedOver = isBatchTurn || batch === undefined ? 0 : this.passedOver + 1;
    const next = this.queue.next(this.maxRunning);
    expect(next).toBe((isBatchTurn ? batch : interactive)?.call);
    if (next === undefined) return;
    this.running += 1;
    this.leaveLine(next, 'ran');
  }

  giveUp(which: number): void {
    const one = this.waiting[which % Math.max(1, this.waiting.length)];
    if (one === undefined) return;
    expect(this.queue.remove(one.place)).toBe(true);
    this.leaveLine(one.call, 'left');
    expect(this.queue.remove(one.place)).toBe(false);
  }

  empty(priority: CallPriority): void {
    const calls = [...this.queue.empty(priority)];
    const expected = this.waiting.filter(({ call }) => call.priority === priority);
    expect(calls).toEqual(expected.map(({ call }) => call));
    for (const call of calls) this.leaveLine(call, 'emptied');
  }

  leaveLine(call: Call, outcome: string): void {
    this.waiting.splice(
      this.waiting.findIndex((one) => one.call === call),
      1,
    );
    this.settle(call, outcome);
  }

  settle(call: Call, outcome: string): void {
    expect(this.outcomes.get(call.id)).toBeUndefined();
    this.outcomes.set(call.id, outcome);
  }
}

test('whatever happens in whatever order: never more run than may, nobody is lost or ends twice, and turns go by priority and age', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 12 }),
      steps,
      (maxRunning, maxWaiting, all) => {
        const model = new Model(maxRunning, maxWaiting);
        for (const step of all) model.take(step);
      },
    ),
    { numRuns: 300 },
  );
});
