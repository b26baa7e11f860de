import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ANSWER_NANO_USD,
  type Behaviour,
  BOUND_NANO_USD,
  HeldMoneyStage,
  type HeldProcess,
} from '../../../test/support/held-money-stage.ts';
import { nanoUsd } from '../../core/money.ts';

const RUNS = 40;
const HOUR_MS = 3_600_000;
/** Turns of the event loop in which all that may happen at once has happened. */
const TURNS = 60;

type Step =
  | { readonly kind: 'defer' | 'ask' | 'rest' | 'wait' | 'die'; readonly process: 0 | 1 }
  | { readonly kind: 'work'; readonly process: 0 | 1; readonly script: readonly Behaviour[] };

const process = fc.constantFrom(0 as const, 1 as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('defer', 'ask', 'ask', 'rest', 'wait', 'die'), process }),
  fc.record({
    kind: fc.constant('work' as const),
    process,
    script: fc.array(fc.constantFrom('answer', 'fail', 'break'), { maxLength: 4 }),
  }),
);

/** Two processes under one hard budget. */
class Run {
  readonly stage: HeldMoneyStage;
  readonly processes: HeldProcess[] = [];
  readonly #limitNanoUsd: number;
  #asked = 0;
  /** What a call needs of its own is known to be spent or in doubt: it may have to wait for money. */
  mayLackMoney = false;

  constructor(calls: number) {
    this.#limitNanoUsd = calls * BOUND_NANO_USD;
    this.stage = new HeldMoneyStage({ limitNanoUsd: nanoUsd(this.#limitNanoUsd) });
    // Somebody always wants what is free just before a call is asked.
    this.stage.meanwhile = (one) => one.ask((this.#asked += 1));
  }

  async take(next: Step): Promise<void> {
    const { stage, processes } = this;
    const acting = processes[next.process];
    if (acting === undefined) return;
    if (next.kind === 'defer') await stage.tryDefer(acting);
    else if (next.kind === 'ask') await acting.ask((this.#asked += 1));
    else if (next.kind === 'rest') await stage.pass(20_000);
    else if (next.kind === 'wait') await stage.pass(HOUR_MS);
    else if (next.kind === 'work') await this.#work(acting, next.script);
    else await this.#die(next.process, acting);
    await this.check();
  }

  async #work(acting: HeldProcess, script: readonly Behaviour[]): Promise<void> {
    const { stage } = this;
    this.mayLackMoney ||= script.includes('break');
    stage.liveScript.push(...script);
    await acting.worker.tick();
    stage.liveScript.length = 0;
  }

  async #die(index: 0 | 1, acting: HeldProcess): Promise<void> {
    const { stage } = this;
    this.mayLackMoney = true;
    stage.liveScript.push('hang', 'hang', 'hang', 'hang');
    void acting.worker.tick();
    for (let turn = 0; turn < TURNS; turn += 1) await nextTurn(); // oxlint-disable-line no-await-in-loop -- time for all that it does
    stage.liveScript.length = 0;
    await stage.kill(acting);
    await stage.pass(61_000);
    this.processes[index] = await stage.process();
  }

  /** Nothing is ever given away that is not there, and nothing is counted that is not known to be spent, held or in doubt. */
  async check(): Promise<void> {
    expect(await this.stage.given()).toBeLessThanOrEqual(this.#limitNanoUsd);
    expect(this.stage.charged()).toBeLessThanOrEqual(this.#limitNanoUsd);
    expect(this.stage.charged()).toBeGreaterThanOrEqual(this.stage.billedNanoUsd);
  }

  async end(): Promise<void> {
    const { stage } = this;
    for (let round = 0; round < 4; round += 1) {
      await stage.pass(HOUR_MS); // oxlint-disable-line no-await-in-loop -- time passes
      for (const { worker } of this.processes) await worker.tick(); // oxlint-disable-line no-await-in-loop -- one after the other
      await this.check(); // oxlint-disable-line no-await-in-loop -- at each moment
    }
    const jobs = await stage.jobs.list({ limit: 1000 });
    if (this.mayLackMoney) return;
    for (const { state, result } of jobs) expect({ state, outcome: result?.outcome }).toEqual(ANSWERED);
    expect(stage.charged()).toBe(stage.billedNanoUsd);
    expect(stage.billedNanoUsd % ANSWER_NANO_USD).toBe(0);
  }
}

const ANSWERED = { state: 'done', outcome: 'complete' };

test('whoever asks when, and whoever dies: a hard limit holds, and what was accepted is asked with the money that is held for it', async () => {
  let answered = 0;
  const check = fc.asyncProperty(
    fc.integer({ min: 1, max: 3 }),
    fc.array(step, { minLength: 1, maxLength: 14 }),
    async (calls, steps) => {
      const run = new Run(calls);
      run.processes.push(await run.stage.process(), await run.stage.process());
      for (const next of steps) await run.take(next); // oxlint-disable-line no-await-in-loop -- in their order
      await run.end();
      answered += (await run.stage.jobs.list({ states: ['done'], limit: 1000 })).length;
    },
  );
  await fc.assert(check, { numRuns: RUNS });
  expect(answered).toBeGreaterThan(0);
});
