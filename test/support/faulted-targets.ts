import { expect } from 'vitest';
import type { FaultShare, UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';
import { FORMS } from './asked-calls.ts';
import { atATime, startFaultStage } from './two-targets.ts';

/** 10 % limited, 10 % failed, 5 % reset. */
const MIX: readonly FaultShare[] = [
  { fault: { kind: 'status', status: 429 }, ratio: 0.1 },
  { fault: { kind: 'status', status: 500 }, ratio: 0.1 },
  { fault: { kind: 'reset' }, ratio: 0.05 },
];
const CALLERS = 30;

/** Makes calls at two targets that fail a quarter of their requests, and holds what their clients get to the figures. */
export async function holdFaultedTargets(calls: number, seed: number): Promise<void> {
  const stage = await startFaultStage([
    { mix: MIX, seed, firstFrameMs: 5 },
    { mix: MIX, seed: seed + 1, firstFrameMs: 5 },
  ]);
  const seen = await atATime(calls, CALLERS, (number) =>
    stage.call({ ...(FORMS[number % FORMS.length] ?? { endpoint: 'chat' }), prompt: `question ${number}` }),
  );
  const kinds = countsOf(seen.map(({ kind }) => kind));
  const failed = seen.filter(({ kind }) => kind !== 'right').slice(0, 5);
  const told = JSON.stringify({ kinds, attempts: stage.attempts(), failed });
  expect(kinds['wrong'] ?? 0, told).toBe(0);
  expect(kinds['truncated'] ?? 0, told).toBe(0);
  expect(kinds['unreadable'] ?? 0, told).toBe(0);
  expect(kinds['right'] ?? 0, told).toBeGreaterThanOrEqual(calls * 0.999);
  expect(stage.attempts(), told).toBeLessThanOrEqual(calls * 1.5);
  const times = seen.map(({ tookMs }) => tookMs).toSorted((left, right) => left - right);
  expect(times[Math.floor(calls * 0.99)], told).toBeLessThan(3000);
}

/** Makes calls while all targets fail, and holds the attempts to the figure. */
export async function holdOutage(targets: number, fault: UpstreamFault, calls: number): Promise<void> {
  const stage = await startFaultStage(Array.from({ length: targets }, () => ({})));
  for (const upstream of stage.upstreams) upstream.setDown(fault);
  const seen = await atATime(calls, CALLERS, (number) =>
    stage.call({ ...(FORMS[number % FORMS.length] ?? { endpoint: 'chat' }), prompt: `question ${number}` }),
  );
  expect(countsOf(seen.map(({ kind }) => kind))).toEqual({ refused: calls });
  expect(stage.attempts()).toBeLessThanOrEqual(calls * 1.1);
  expect(stage.attempts()).toBeGreaterThan(0);
}

/** How often each word comes. */
export function countsOf(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
