import { describe, expect, onTestFinished, test } from 'vitest';
import { makeCall, requestOf } from '../support/budget-calls.ts';
import { type BudgetStage, type Door, STAGES } from '../support/budget-stage.ts';
import { sumOf } from '../support/charges-of.ts';
import { startTroubledUpstream } from '../support/troubled-upstream.ts';

/** Calls in memory, where one costs least, and elsewhere. */
const CALLS_IN_MEMORY = 1000;
const CALLS = 400;
const CALLERS = 150;
const SILENCE_MS = 400;

/** One way for a call to end without an answer, and the statuses that its client may see; none where the client leaves. */
interface Ending {
  readonly name: string;
  readonly prompt: string;
  readonly isStream?: boolean;
  readonly model?: string;
  /** After so many milliseconds, or once the first bytes have come, the client leaves. */
  readonly leaves?: number | 'in-stream';
  readonly statuses?: readonly number[];
}

const FAILURES: readonly Ending[] = [
  { name: 'the provider fails', prompt: 'failed', statuses: [500] },
  { name: 'the provider fails a stream', prompt: 'failed', isStream: true, statuses: [500] },
  { name: 'the provider is limited', prompt: 'limited', statuses: [429] },
  { name: 'the connection is reset', prompt: 'reset', statuses: [502] },
  { name: 'an answer is cut', prompt: 'cut', statuses: [502] },
  { name: 'a stream is cut', prompt: 'cut', isStream: true, statuses: [200] },
  { name: 'a stream never begins', prompt: 'silent', isStream: true, statuses: [504] },
  { name: 'a stream stalls', prompt: 'stalled', isStream: true, statuses: [200] },
  { name: 'the client leaves at once', prompt: 'silent', leaves: 0 },
  { name: 'the client leaves before the answer', prompt: 'silent', leaves: 30 },
  { name: 'the client leaves before the stream', prompt: 'silent', isStream: true, leaves: 30 },
  { name: 'the client leaves the stream', prompt: 'stalled', isStream: true, leaves: 'in-stream' },
  { name: 'a model without a price', prompt: 'whole', model: 'openai/nobody-knows-it', statuses: [400] },
  { name: 'a model that is nowhere', prompt: 'whole', model: 'nowhere/nothing', statuses: [400, 404] },
];

const ANSWER: Ending = { name: 'an answer', prompt: 'whole', statuses: [200] };

/** With an answer behind every other failure, so that the provider is not left alone for a while. */
const ENDINGS: readonly Ending[] = FAILURES.flatMap((ending, index) => (index % 2 === 0 ? [ending] : [ending, ANSWER]));

/** Makes one call, and again where counters could not be asked in time on a busy machine. */
async function endOf(door: Door, ending: Ending, number: number): Promise<number | 'left'> {
  for (let tries = 0; ; tries += 1) {
    /* oxlint-disable no-await-in-loop -- one try after the other */
    const end = await tryOnce(door, ending, number);
    if (end !== 503 || tries === 10) return end;
    await new Promise((resolve) => void setTimeout(resolve, 500));
    /* oxlint-enable no-await-in-loop */
  }
}

/** Makes one call; gives its status, or `left`. */
async function tryOnce({ baseUrl, fetch }: Door, ending: Ending, number: number): Promise<number | 'left'> {
  const leaving = new AbortController();
  const call = { ...ending, content: `${ending.prompt} ${number}`, signal: leaving.signal };
  if (typeof ending.leaves === 'number') setTimeout(() => leaving.abort(), ending.leaves);
  try {
    if (ending.leaves !== 'in-stream') return (await makeCall(baseUrl, call, fetch)).status;
    const [path, init] = requestOf(call);
    const reply = await fetch(`${baseUrl}${path}`, init);
    await reply.body?.getReader().read();
    leaving.abort();
    return 'left';
  } catch (error) {
    if (leaving.signal.aborted) return 'left';
    // A stream that breaks: the gateway closes the connection behind its error event.
    if (ending.isStream === true && ending.statuses?.includes(200) === true) return 200;
    throw error;
  }
}

/** Makes calls, so many at a time, each in the next way to end; names those that ended otherwise. */
async function failAll(stage: BudgetStage, count: number): Promise<readonly string[]> {
  const surprises: string[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) {
      const ending = ENDINGS[number % ENDINGS.length] as Ending;
      const door = stage.doors[number % stage.doors.length] as Door;
      // oxlint-disable-next-line no-await-in-loop -- a caller makes one call after the other
      const seen = await endOf(door, ending, number);
      const wanted: readonly (number | 'left')[] = ending.statuses ?? ['left'];
      // On a busy machine any stream may begin too late for so short a patience.
      const isLate = ending.isStream === true && seen === 504;
      if (!wanted.includes(seen) && !isLate) surprises.push(`${ending.name}: ${seen}`);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return surprises;
}

// Workers of one gateway are gateways on one folder.
for (const { name, missing, start } of STAGES.filter((stage) => !stage.name.includes('workers'))) {
  const count = name.includes('memory') ? CALLS_IN_MEMORY : CALLS;
  describe.skipIf(missing !== undefined)(`${name}${missing === undefined ? '' : `: ${missing}`}`, () => {
    test(
      `${count} calls that fail or are left hold nothing in the end, and each is charged once at the most`,
      { timeout: 120_000 },
      async () => {
        const upstream = await startTroubledUpstream();
        onTestFinished(() => upstream.close());
        const stage = await start(upstream.origin, { limitUsd: '50', budgetWaitMs: 2000, silenceMs: SILENCE_MS });
        onTestFinished(() => stage.close());
        expect(await failAll(stage, count)).toEqual([]);
        expect(upstream.counters().requests).toBeGreaterThan(count / 2);
        await expect.poll(() => upstream.counters().inFlight, { timeout: 10_000 }).toBe(0);

        await expect.poll(async () => (await stage.figures()).heldNanoUsd, { timeout: 10_000 }).toBe(0);
        const charges = await stage.charges();
        expect((await stage.figures()).usedNanoUsd).toBe(Number(sumOf(charges)));
        expect(new Set(charges.map(({ chargeId }) => chargeId)).size).toBe(charges.length);
        expect(charges.length).toBeLessThanOrEqual(count);
        expect(await stage.drift()).toBe('');
        for (const { baseUrl, fetch } of stage.doors) {
          const answer = async (): Promise<number> => (await makeCall(baseUrl, { content: 'whole' }, fetch)).status;
          // Each of them still answers; after so many failures the provider may be left alone for a moment.
          // oxlint-disable-next-line no-await-in-loop
          await expect.poll(answer, { timeout: 10_000 }).toBe(200);
        }
      },
    );
  });
}
