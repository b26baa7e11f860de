import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isFarthingError } from '../../core/errors.ts';
import type { CallPriority } from '../../core/model/call-priority.ts';
import { gatewayLog } from '../gateway-log.ts';
import { AdmissionControl, type AdmissionLimits } from './admission-control.ts';

/** A connection whose client may leave. */
class Client extends EventEmitter {
  destroyed = false;
  leave(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

interface Bench {
  readonly admission: AdmissionControl;
  readonly limits: { -readonly [Name in keyof AdmissionLimits]: AdmissionLimits[Name] };
  readonly shed: string[];
  readonly waits: (readonly [CallPriority, number])[];
  readonly log: string[];
  readonly memory: { ratio: number };
}

const opened: AdmissionControl[] = [];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const admission of opened.splice(0)) admission.close();
  vi.useRealTimers();
});

function bench(changes: Partial<AdmissionLimits> = {}): Bench {
  const limits = { maxInFlight: 1, maxQueued: 2, queueWaitMs: 5000, maxLoopLagMs: 1000, maxHeapRatio: 0.9, ...changes };
  const [shed, waits, log, memory]: [string[], [CallPriority, number][], string[], { ratio: number }] = [
    [],
    [],
    [],
    { ratio: 0 },
  ];
  const admission = new AdmissionControl({
    limits: () => limits,
    memoryRatio: () => memory.ratio,
    metrics: {
      shed: (reason, priority) => void shed.push(`${reason} ${priority}`),
      waited: (priority, waitMs) => void waits.push([priority, waitMs]),
      watch: () => undefined,
    },
    log: gatewayLog('warn', { write: (line) => void log.push(wordsOf(line)) }),
  });
  opened.push(admission);
  return { admission, limits, shed, waits, log, memory };
}

/** What a line of the log says, but for its time and figures. */
function wordsOf(line: string): string {
  const {
    msg,
    level: _level,
    time: _time,
    loopLagMs: _lag,
    heapRatio: _ratio,
    ...facts
  } = JSON.parse(line) as {
    readonly msg: string;
  } & Readonly<Record<string, unknown>>;
  return `${msg} ${JSON.stringify(facts)}`;
}

/** What becomes of a call: `in`, or the code and words of its refusal and when to come back. */
function ask(
  admission: AdmissionControl,
  priority: CallPriority = 'interactive',
  client = new Client(),
): { outcome: string } {
  const call = { outcome: 'waits' };
  const refuse = (error: unknown): void => {
    if (!isFarthingError(error)) throw error;
    call.outcome = [error.code, error.message, error.status, error.retryAfterMs].join('; ');
  };
  try {
    const turn = admission.enter(priority, client);
    if (turn === undefined) call.outcome = 'in';
    else turn.then(() => (call.outcome = 'in'), refuse);
  } catch (error) {
    refuse(error);
  }
  return call;
}

async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

test('a call that is let in at once takes no promise, no timer and no listener', () => {
  const { admission } = bench();
  const client = new Client();
  const timers = vi.getTimerCount();
  expect(admission.enter('interactive', client)).toBeUndefined();
  expect([vi.getTimerCount(), client.listenerCount('close'), admission.inFlight]).toEqual([timers, 0, 1]);
});

test('a call waits until its turn comes, and how long is counted', async () => {
  const { admission, waits } = bench();
  ask(admission);
  const client = new Client();
  const call = ask(admission, 'batch', client);
  await vi.advanceTimersByTimeAsync(4000);
  expect(call.outcome).toBe('waits');
  admission.leave();
  await settled();
  expect([call.outcome, admission.inFlight, waits, client.listenerCount('close')]).toEqual([
    'in',
    1,
    [['batch', 4000]],
    0,
  ]);
});

test('a call that waited for too long gets 503, and its place is free', async () => {
  const { admission, shed } = bench({ maxQueued: 1 });
  ask(admission);
  const call = ask(admission);
  await vi.advanceTimersByTimeAsync(5000);
  expect(call.outcome).toMatch(/^overloaded; too many calls at a time: none ended in time for this one; 503; 5000$/);
  expect([shed, ask(admission).outcome]).toEqual([['queue-timeout interactive'], 'waits']);
});

test('a call that finds the queue full gets 503 at once, and when to come back by the pace of the slots', async () => {
  const { admission, shed } = bench();
  ask(admission);
  for (let freed = 0; freed < 3; freed += 1) {
    ask(admission);
    await vi.advanceTimersByTimeAsync(2000);
    admission.leave();
  }
  ask(admission);
  ask(admission);
  // Three slots in six seconds, and two calls ahead.
  expect(ask(admission).outcome).toBe('overloaded; too many calls at a time; 503; 6000');
  expect(shed).toEqual(['queue-full interactive']);
});

test('without a queue a call over the limit gets 503 at once', () => {
  const { admission } = bench({ maxQueued: 0 });
  ask(admission);
  expect(ask(admission).outcome).toBe('overloaded; too many calls at a time; 503; 1000');
});

test('a call of a batch whose place an interactive call takes gets 503', async () => {
  const { admission, shed } = bench();
  ask(admission);
  const calls = [ask(admission, 'batch'), ask(admission, 'batch'), ask(admission)];
  await settled();
  expect(calls.map(({ outcome }) => outcome.split(';')[0])).toEqual(['waits', 'overloaded', 'waits']);
  expect(shed).toEqual(['queue-full batch']);
});

test('a client that leaves gives its place up at once, and is no refusal of ours', async () => {
  const { admission, shed } = bench({ maxQueued: 1 });
  ask(admission);
  const client = new Client();
  const call = ask(admission, 'interactive', client);
  client.leave();
  const next = ask(admission);
  admission.leave();
  await settled();
  expect([call.outcome.split(';')[0], next.outcome, shed]).toEqual(['client-left', 'in', []]);
});

test('a client that had left before it would have waited does not wait', () => {
  const { admission } = bench();
  ask(admission);
  const client = new Client();
  client.leave();
  expect(ask(admission, 'interactive', client).outcome).toContain('client-left');
});

test('a gateway that stops sends away who waits and who comes, and ends with the calls under way', async () => {
  const { admission, shed } = bench();
  ask(admission);
  const waiting = ask(admission);
  let isIdle = false;
  void admission.drain().then(() => (isIdle = true));
  const late = ask(admission, 'batch');
  await settled();
  expect([waiting.outcome, late.outcome, isIdle]).toEqual([
    'overloaded; the gateway is stopping; 503; 1000',
    'overloaded; the gateway is stopping; 503; 1000',
    false,
  ]);
  expect(shed).toEqual(['draining interactive', 'draining batch']);
  admission.leave();
  await settled();
  expect(isIdle).toBe(true);
});

test('a limit that a reload raises is used by the next call that comes', async () => {
  const { admission, limits } = bench();
  const calls = [ask(admission), ask(admission)];
  limits.maxInFlight = 3;
  calls.push(ask(admission));
  await settled();
  expect(calls.map(({ outcome }) => outcome)).toEqual(['in', 'in', 'in']);
});

test('short memory refuses new calls, those of a batch first, lets calls under way go on, and is told once', async () => {
  const { admission, memory, shed, log } = bench({ maxInFlight: 5 });
  const running = ask(admission);
  memory.ratio = 0.85;
  await vi.advanceTimersByTimeAsync(500);
  expect([ask(admission).outcome, ask(admission, 'batch').outcome, admission.isShedding]).toEqual([
    'in',
    'overloaded; the gateway is short of memory; 503; 5000',
    false,
  ]);
  memory.ratio = 0.95;
  await vi.advanceTimersByTimeAsync(500);
  expect([ask(admission).outcome.split(';')[0], admission.isShedding, running.outcome]).toEqual([
    'overloaded',
    true,
    'in',
  ]);
  memory.ratio = 0.5;
  await vi.advanceTimersByTimeAsync(1000);
  expect([ask(admission).outcome, ask(admission, 'batch').outcome]).toEqual(['in', 'in']);
  expect(shed).toEqual(['heap batch', 'heap interactive']);
  expect(log).toEqual([
    'calls are shed {"priority":"batch","reason":"heap"}',
    'calls are shed {"priority":"interactive","reason":"heap"}',
    'calls are no longer shed {"priority":"batch","reason":"heap"}',
    'calls are no longer shed {"priority":"interactive","reason":"heap"}',
  ]);
});

test('strain sends those away that wait, those of a batch first', async () => {
  const { admission, memory, shed } = bench();
  const running = ask(admission);
  const waiting = [ask(admission, 'batch'), ask(admission)];
  memory.ratio = 0.85;
  await vi.advanceTimersByTimeAsync(500);
  expect(waiting.map(({ outcome }) => outcome)).toEqual([
    'overloaded; the gateway is short of memory; 503; 5000',
    'waits',
  ]);
  memory.ratio = 0.95;
  await vi.advanceTimersByTimeAsync(500);
  expect([running.outcome, waiting[1]?.outcome.split(';')[0], shed]).toEqual([
    'in',
    'overloaded',
    ['heap batch', 'heap interactive'],
  ]);
});

test('refusals for want of slots are told when they begin and, ten seconds after the last, that they are over', async () => {
  const { admission, log } = bench({ maxQueued: 0 });
  ask(admission);
  for (let second = 0; second < 15; second += 1) {
    ask(admission);
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(log).toEqual(['calls are shed: all slots are taken {"reason":"queue-full","priority":"interactive"}']);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(log.slice(1)).toEqual(['calls are no longer shed: slots are free {"calls":15}']);
});

type Step =
  | { readonly kind: 'come'; readonly priority: CallPriority }
  | { readonly kind: 'end' }
  | { readonly kind: 'client-leaves'; readonly which: number }
  | { readonly kind: 'time'; readonly passesMs: number }
  | { readonly kind: 'reload'; readonly maxInFlight: number };

const steps = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant('come' as const),
        priority: fc.constantFrom('interactive' as const, 'batch' as const),
      }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('end' as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('client-leaves' as const), which: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('time' as const), passesMs: fc.nat({ max: 400 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('reload' as const), maxInFlight: fc.integer({ min: 1, max: 4 }) }),
    },
  ),
  { maxLength: 120, size: 'max' },
);

interface Visitor {
  readonly client: Client;
  readonly outcomes: string[];
}

/** Plays a schedule and says what became of every call. */
async function play(all: readonly Step[], maxQueued: number): Promise<void> {
  const { admission, limits, shed } = bench({ maxInFlight: 2, maxQueued, queueWaitMs: 500 });
  const visitors: Visitor[] = [];
  let over = 0;
  const inside = (): number => visitors.filter(({ outcomes }) => outcomes[0] === 'in').length - over;
  for (const step of all) {
    if (step.kind === 'come') visitors.push(visit(admission, step.priority));
    if (step.kind === 'time') await vi.advanceTimersByTimeAsync(step.passesMs);
    if (step.kind === 'reload') limits.maxInFlight = step.maxInFlight;
    if (step.kind === 'client-leaves') visitors[step.which % visitors.length]?.client.leave();
    const before = inside();
    if (step.kind === 'end' && before > 0) {
      over += 1;
      admission.leave();
    }
    await settled();
    expect(admission.inFlight).toBe(inside());
    // A limit that was lowered is reached as calls end.
    if (inside() > before) expect(inside()).toBeLessThanOrEqual(Math.max(limits.maxInFlight, before));
  }
  const idle = admission.drain();
  await settled();
  for (let left = inside(); left > 0; left -= 1) admission.leave();
  await idle;
  const outcomes = visitors.map((visitor) => visitor.outcomes);
  expect(outcomes.every(({ length }) => length === 1)).toBe(true);
  expect(outcomes.flat().filter((outcome) => outcome === 'overloaded')).toHaveLength(shed.length);
  expect(visitors.every(({ client }) => client.listenerCount('close') === 0)).toBe(true);
  admission.close();
  expect(vi.getTimerCount()).toBe(0);
}

function visit(admission: AdmissionControl, priority: CallPriority): Visitor {
  const visitor: Visitor = { client: new Client(), outcomes: [] };
  const refuse = (error: unknown): void => void visitor.outcomes.push(isFarthingError(error) ? error.code : 'fault');
  try {
    const turn = admission.enter(priority, visitor.client);
    if (turn === undefined) visitor.outcomes.push('in');
    else turn.then(() => visitor.outcomes.push('in'), refuse);
  } catch (error) {
    refuse(error);
  }
  return visitor;
}

test('under any schedule every call ends exactly once, the limit holds, every refusal is counted, and nothing is left behind', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat({ max: 6 }), async (all, maxQueued) => play(all, maxQueued)),
    { numRuns: 150 },
  );
});
