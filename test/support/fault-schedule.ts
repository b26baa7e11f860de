import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ResiliencePolicy } from '../../src/core/resilience/resilience-policy.ts';
import { DEFAULT_RESILIENCE } from '../../src/core/resilience/resilience-policy.ts';
import type { Random } from '../../src/ports/clock.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import type { FaultShare, UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';
import { type AskedCall, FORMS, type Seen } from './asked-calls.ts';
import {
  expectMoneyOf,
  hardBudget,
  type ResilienceStage,
  type StageOptions,
  startResilienceStage,
} from './resilience-stage.ts';

const CALLS = 60;
const SPREAD_MS = 800;
const CALM_CALLS = 22;
/** Few, so that calls share answers, find them in the cache and meet again. */
const PROMPTS = 25;

/** What upstreams do to one of two requests, each fault as often as the others. */
const FAULTS: readonly UpstreamFault[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 429, retryAfterMs: 30 },
  { kind: 'status', status: 529 },
  { kind: 'status', status: 401 },
  { kind: 'status', status: 429, error: 'quota' },
  { kind: 'status', status: 400 },
  { kind: 'status', status: 400, error: 'context-length' },
  { kind: 'status', status: 400, error: 'content-filter' },
  { kind: 'reset' },
  { kind: 'hang' },
  { kind: 'slow', delayMs: 80 },
  { kind: 'cut', after: { frames: 1 }, by: 'rst' },
  { kind: 'cut', after: { frames: 6 }, by: 'rst' },
  { kind: 'cut', after: { frames: 8 }, by: 'fin' },
  { kind: 'cut', after: { frames: 9 }, by: 'end' },
  { kind: 'cut', after: { bytes: 700 }, by: 'close' },
  { kind: 'stall', after: { frames: 7 } },
  { kind: 'stall', after: { frames: 1 } },
  { kind: 'malformed', afterFrames: 6, form: 'garbage' },
  { kind: 'malformed', afterFrames: 7, form: 'half' },
  { kind: 'in-band-error', afterFrames: 1, error: 'overloaded' },
  { kind: 'in-band-error', afterFrames: 7 },
  { kind: 'no-terminal', ending: 'end' },
  { kind: 'wrong-length', differenceBytes: 5 },
  { kind: 'compressed' },
];
const MIX: readonly FaultShare[] = FAULTS.map((fault) => ({ fault, ratio: 0.5 / FAULTS.length }));

/** What a client can tell from a whole answer. */
const HONEST: ReadonlySet<string> = new Set(['right', 'refused', 'error-event']);

/** A call of a schedule that is over. */
interface ScheduledEnd {
  readonly call: AskedCall;
  /** Undefined for a client that left. */
  readonly seen: (Seen & { readonly headers: Headers }) | undefined;
}

/** What a schedule has come to. */
export interface ScheduleRun {
  readonly stage: ResilienceStage;
  readonly ends: readonly ScheduledEnd[];
  readonly limitNanoUsd: number;
}

/** Makes calls of all forms at targets that fail by chance; some clients leave. */
export async function runFaultSchedule(seed: number, midStream: ResiliencePolicy['midStream']): Promise<ScheduleRun> {
  const random = seededRandom(seed);
  const options = stageOptions(seed, midStream, random);
  const stage = await startResilienceStage(options);
  const calm = options.resilience?.hedge === undefined ? [] : await calmCalls(stage);
  const rough = await Promise.all(Array.from({ length: CALLS }, () => makeCall(stage, random)));
  const ends = [...calm, ...rough];
  await expect.poll(() => stage.engine.inFlight(), { timeout: 10_000 }).toBe(0);
  return { stage, ends, limitNanoUsd: 1_000_000_000 };
}

/** That no client was told something wrong, that the money is right to the last attempt, and that all targets are in use again when they work. */
export async function expectSound({ stage, ends, limitNanoUsd }: ScheduleRun): Promise<void> {
  const odd = ends.filter(({ seen }) => seen !== undefined && !HONEST.has(seen.kind));
  expect(odd.map(({ call, seen }) => [call.endpoint, call.isStream, call.prompt, seen?.kind])).toEqual([]);
  expect(stage.records).toHaveLength(ends.length);
  // oxlint-disable-next-line no-await-in-loop
  for (const record of stage.records) await expectMoneyOf(stage, record);
  for (const { seen } of ends) if (seen?.kind === 'right') expectNamed(stage, seen.headers);
  expect(await stage.openIntents()).toEqual([]);
  const cost = (await stage.charges()).reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? Number.NaN), 0);
  await expect.poll(() => leftNanoUsd(stage)).toBe(limitNanoUsd - cost);
  for (const upstream of stage.upstreams)
    // oxlint-disable-next-line no-await-in-loop -- until the upstream has seen who left
    await expect.poll(() => upstream.counters().inFlight, { timeout: 5000 }).toBe(0);
  await expectRecovery(stage);
}

/** The reply's head names the target that the record has. A stream that went on elsewhere was begun by another. */
function expectNamed({ records }: ResilienceStage, headers: Headers): void {
  const record = records.find(({ callId }) => callId === headers.get('x-farthing-request-id'));
  expect(record?.outcome).toBe('complete');
  const hasGoneOn = record?.decisions.some(({ verdict }) => verdict === 'continue') === true;
  if (!hasGoneOn && record?.cacheStatus !== 'collapsed') expect(headers.get('x-farthing-model')).toBe(record?.target);
}

/** What is left of the stage's budget on everything. */
function leftNanoUsd({ budgets }: ResilienceStage): number | undefined {
  const everything = { project: 'default', keyId: 'local', tags: {}, target: '' };
  return budgets?.keeper.remaining(everything)[0]?.leftNanoUsd;
}

/** All targets work: the first answers again, and every call is answered. */
async function expectRecovery(stage: ResilienceStage): Promise<void> {
  for (const upstream of stage.upstreams) upstream.script(undefined, 1000);
  for (const [endpoint, name] of [
    ['chat', 'one'],
    ['messages', 'one-claude'],
    ['embeddings', 'one'],
  ] as const) {
    let number = 0;
    const next = async (): Promise<string> => {
      number += 1;
      const seen = await stage.ask({ endpoint, prompt: `afterwards ${number}` });
      return `${seen.kind} from ${seen.headers.get('x-farthing-model')?.split('/')[0]}`;
    };
    // oxlint-disable-next-line no-await-in-loop
    await expect.poll(next, { timeout: 5000 }).toBe(`right from ${name}`);
    // oxlint-disable-next-line no-await-in-loop
    for (let after = 0; after < 5; after += 1) expect(await next()).toBe(`right from ${name}`);
  }
}

function stageOptions(seed: number, midStream: ResiliencePolicy['midStream'], random: Random): StageOptions {
  const isLucky = (): boolean => random.fraction() < 0.5;
  return {
    targets: isLucky() ? 2 : 3,
    keys: isLucky() ? ['only'] : ['first', 'second'],
    upstream: { mix: MIX, seed, msPerFrame: 2 },
    timeouts: { firstByteMs: 150, idleMs: 150, totalMs: 2000 },
    resilience: {
      retries: 1,
      midStream,
      contentFilter: isLucky() ? 'pass' : 'next',
      hedge: isLucky() ? { percentileRatio: 0.5, minDelayMs: 20 } : undefined,
      cooldown: { ...DEFAULT_RESILIENCE.cooldown, lengthMs: 100, refusedLengthMs: 200 },
    },
    ...(isLucky() ? { cache: { mode: 'all' } } : {}),
    budgets: [hardBudget('1')],
    chargeMs: isLucky() ? 0 : 15,
  };
}

/** Calls that are answered well, so that it is known how long a target takes: before that there are no hedges. */
async function calmCalls(stage: ResilienceStage): Promise<readonly ScheduledEnd[]> {
  const forms = FORMS.filter(({ endpoint }) => endpoint === 'chat' || endpoint === 'messages');
  const calls = forms.flatMap((form) =>
    Array.from({ length: CALM_CALLS }, (_, number) => ({ ...form, prompt: `calm ${number}` })),
  );
  stage.upstreams[0]?.script(undefined, calls.length);
  return Promise.all(calls.map(async (call) => ({ call, seen: await stage.ask(call) })));
}

async function makeCall(stage: ResilienceStage, random: Random): Promise<ScheduledEnd> {
  const form = FORMS[Math.floor(random.fraction() * FORMS.length)] ?? { endpoint: 'chat', isStream: false };
  const leave = new AbortController();
  const call = { ...form, prompt: `prompt ${Math.floor(random.fraction() * PROMPTS)}`, signal: leave.signal };
  const leavesAfterMs = random.fraction() < 0.15 ? random.fraction() * 120 : undefined;
  await delay(random.fraction() * SPREAD_MS);
  if (leavesAfterMs !== undefined) setTimeout(() => leave.abort(), leavesAfterMs);
  try {
    const seen = await stage.ask(call);
    return { call, seen: leave.signal.aborted ? undefined : seen };
  } catch (error) {
    if (!leave.signal.aborted) throw error;
    return { call, seen: undefined };
  }
}
