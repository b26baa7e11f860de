import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';
import { countsOf } from '../support/faulted-targets.ts';
import { type FaultStage, startFaultStage } from '../support/two-targets.ts';

const CALLERS = 8;
const REST_MS = 400;
const FAILURES = 5;
const CYCLES = 2;
const OUTAGE_MS = 1500;

/** Calls until it is stopped; gives how its clients saw the replies. */
function traffic(stage: FaultStage): { stop(): Promise<readonly string[]> } {
  const running = { isOver: false };
  const caller = async (name: number): Promise<readonly string[]> => {
    const kinds: string[] = [];
    while (!running.isOver) {
      const prompt = `question ${kinds.length} of ${name}`;
      kinds.push((await stage.call({ endpoint: 'chat', isStream: true, prompt })).kind);
      await sleep(5);
    }
    return kinds;
  };
  const callers = Promise.all(Array.from({ length: CALLERS }, (_, name) => caller(name)));
  return {
    async stop() {
      running.isOver = true;
      return (await callers).flat();
    },
  };
}

test.each<readonly [string, UpstreamFault]>([
  ['fails', { kind: 'status', status: 500 }],
  ['resets connections', { kind: 'reset' }],
  ['falls silent', { kind: 'hang' }],
])(
  'a target that %s again and again is left within a few calls, probed one call at a time, and in use again soon after it recovers; no client notices',
  { timeout: 120_000 },
  async (_, fault) => {
    const stage = await startFaultStage([{}, {}], {
      cooldown: { failures: FAILURES, ratio: 0.5, for: `${REST_MS}ms` },
      // Shorter than the rest: the next probe does not wait for one that hangs.
      firstByteTimeout: '250ms',
    });
    const [first] = stage.upstreams;
    if (first === undefined) throw new Error('no upstream');
    const requests = (): number => first.counters().requests;
    const calls = traffic(stage);
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const quiet = requests();
      await expect.poll(requests, { timeout: 30_000 }).toBeGreaterThan(quiet + CALLERS);
      const before = requests();
      first.setDown(fault);
      // Every caller may be on its way there when it fails; no one comes after those whose failures were seen.
      await sleep(2 * REST_MS);
      const [since, sinceMs] = [requests(), performance.now()];
      await sleep(OUTAGE_MS);
      // Counted, not looked at: a busy machine notices late that a probe was given up.
      const probes = requests() - since;
      expect(probes).toBeLessThanOrEqual(Math.ceil((performance.now() - sinceMs) / REST_MS) + 1);
      expect(requests() - before).toBeLessThanOrEqual(FAILURES + 2 * CALLERS + 2 + probes);
      first.setDown(undefined);
      const { answered } = first.counters();
      await expect.poll(() => first.counters().answered, { timeout: 30_000 }).toBeGreaterThan(answered + CALLERS);
    }
    const kinds = countsOf(await calls.stop());
    expect(Object.keys(kinds)).toEqual(['right']);
  },
);
