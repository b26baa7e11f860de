import { expect } from 'vitest';
import type { UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';
import type { FaultCase } from './fault-cases.ts';
import { atATime, startFaultStage } from './two-targets.ts';

const CALLERS = 24;

/** Ends of which a client knows that the answer is not whole, and the whole answer. */
const HONEST: ReadonlySet<string> = new Set(['right', 'refused', 'error-event']);

/** Patience of gateways in these tests: long enough for a busy machine, short enough to be waited for. */
export const PATIENCE = { firstByteTimeout: '1s', idleTimeout: '1s', totalTimeout: '3s' };

/** No target rests for longer than a moment, whatever it does. */
export const NO_REST = { failures: 1000, ratio: 1, for: '1ms', refusedFor: '1ms' };

/** What is done about broken replies, in all ways. */
export const BROKEN_REPLY_STAGES: readonly (readonly [
  name: string,
  targets: 1 | 2,
  resilience: Readonly<Record<string, unknown>>,
])[] = [
  ['one target', 1, { retries: 0 }],
  ['two targets', 2, {}],
  ['two targets, broken streams continued', 2, { midStream: 'continue' }],
  ['two targets, streams held until they are whole', 2, { midStream: 'buffer' }],
];

/** Makes a call for each case at so many targets of which the first shows the fault; names the cases whose client was deceived. */
export async function deceivedClients(
  cases: readonly FaultCase[],
  targets: 1 | 2,
  resilience: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  const faults = new Map<string, UpstreamFault>();
  const first = { faultOf: (prompt: string) => faults.get(prompt) };
  const stage = await startFaultStage(targets === 1 ? [first] : [first, {}], {
    ...PATIENCE,
    cooldown: NO_REST,
    ...resilience,
  });
  const ends = await atATime(cases.length, CALLERS, async (number) => {
    const { form, fault } = cases[number] as FaultCase;
    const prompt = `question ${number}`;
    faults.set(prompt, fault);
    const seen = await stage.call({ ...form, prompt });
    return HONEST.has(seen.kind)
      ? undefined
      : `${form.endpoint} ${form.isStream} ${JSON.stringify(fault)}: ${seen.kind}`;
  });
  // For a moment after the key was refused no call comes through.
  expect(stage.upstreams[0]?.counters().requests).toBeGreaterThan(cases.length * 0.5);
  return ends.filter((end) => end !== undefined);
}
