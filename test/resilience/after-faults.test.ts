import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';
import { FORMS } from '../support/asked-calls.ts';
import { NO_REST, PATIENCE } from '../support/broken-replies.ts';
import { startFaultStage } from '../support/two-targets.ts';

const FAULTS: readonly UpstreamFault[] = [
  { kind: 'status', status: 401 },
  { kind: 'status', status: 400, error: 'context-length' },
  { kind: 'status', status: 429, retryAfter: '1' },
  { kind: 'status', status: 502 },
  { kind: 'hang' },
  { kind: 'reset' },
  { kind: 'cut', after: { frames: 3 }, by: 'fin' },
  { kind: 'cut', after: { frames: 3 }, by: 'rst' },
  { kind: 'cut', after: { bytes: 50 }, by: 'end' },
  { kind: 'cut', after: { frames: 3 }, by: 'close' },
  { kind: 'stall', after: { frames: 3 } },
  { kind: 'stall', after: { frames: 3 }, pingEveryMs: 50 },
  { kind: 'trickle', everyMs: 20 },
  { kind: 'malformed', afterFrames: 3, form: 'garbage' },
  { kind: 'malformed', afterFrames: 0, form: 'half' },
  { kind: 'in-band-error', afterFrames: 3 },
  { kind: 'no-terminal', ending: 'end' },
  { kind: 'no-terminal', ending: 'open' },
  { kind: 'wrong-length', differenceBytes: 100 },
  { kind: 'wrong-length', differenceBytes: -100 },
  { kind: 'huge-headers', sizeBytes: 64_000 },
  { kind: 'redirect', status: 302, location: 'http://127.0.0.1:9/' },
  { kind: 'compressed' },
];

test('after each fault the next call is answered as if nothing had happened', { timeout: 120_000 }, async () => {
  const lanes = FORMS.map(async (form) => {
    const stage = await startFaultStage([{}], { ...PATIENCE, retries: 0, cooldown: NO_REST });
    const ends: string[] = [];
    for (const [number, fault] of FAULTS.entries()) {
      stage.upstreams[0]?.script(fault);
      await stage.call({ ...form, prompt: `${number}` });
      // Longer than the target rests.
      await sleep(10);
      const { kind } = await stage.call({ ...form, prompt: `behind ${number}` });
      if (kind !== 'right') ends.push(`${form.endpoint} ${form.isStream} behind ${JSON.stringify(fault)}: ${kind}`);
    }
    expect(stage.attempts()).toBe(2 * FAULTS.length);
    return ends;
  });
  expect((await Promise.all(lanes)).flat()).toEqual([]);
});
