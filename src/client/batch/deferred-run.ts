import { createHash } from 'node:crypto';
import { HashTable } from '../../core/batch/hash-table.ts';
import { RunPurse } from '../../core/batch/run-purse.ts';
import { FarthingError } from '../../core/errors.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import type { Job, UnansweredPolicy } from '../../core/model/deferred-call.ts';
import { type NanoUsd, ZERO_USD } from '../../core/money.ts';
import { systemRandom } from '../../engine/system-ports.ts';
import { type AskTerms, BatchRun, settlePurse } from '../../jobs/batch/batch-run.ts';
import { RunBell } from '../../jobs/batch/run-bell.ts';
import { repeatedPosition, type RunCall, type RunItem } from '../../jobs/batch/run-jobs.ts';
import type { Clock } from '../../ports/clock.ts';
import { callFailure } from '../completion.ts';
import type { LibraryBatches } from '../library-batches.ts';
import type { BatchItem } from './batch-item.ts';
import type { BatchRunner, ItemEnd, RunSignals } from './batch-runner.ts';
import type { BatchEngine } from './item-call.ts';
import type { ItemOutcome } from './item-outcome.ts';
import { preparedItem, type PromptSettings, REMEMBERED_ITEMS } from './prepared-item.ts';

/** How items are answered by providers' batches. @internal */
export interface DeferredRunOptions {
  readonly engine: BatchEngine;
  readonly prompts: PromptSettings;
  readonly maxNanoUsd: NanoUsd | undefined;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: the run cannot be taken up again, and leaves nothing behind. */
  readonly resume: { readonly name: string; readonly settings: string; readonly isDropped: boolean } | undefined;
  readonly onUnanswered: UnansweredPolicy;
  readonly clock: Clock;
}

/** Digits of a run's name. */
const NAME_DIGITS = 24;

/** Answers the items of one run by batches of their providers, at half the price, within a day. @internal */
export class DeferredRun implements BatchRunner {
  readonly name: string;
  readonly lostNanoUsd: NanoUsd = ZERO_USD;
  readonly #options: DeferredRunOptions;
  readonly #startedAtMs: number;
  #purse: RunPurse | undefined;

  constructor(options: DeferredRunOptions) {
    this.#options = options;
    this.name = nameOf(options.resume);
    this.#startedAtMs = options.clock.nowMs();
  }

  get unspentNanoUsd(): NanoUsd | undefined {
    return this.#purse?.leftNanoUsd;
  }

  async *ends(items: AsyncIterable<BatchItem> | Iterable<BatchItem>, signals: RunSignals): AsyncGenerator<ItemEnd> {
    const { engine, resume } = this.#options;
    const batches = await engine.batches?.();
    if (batches === undefined) throw new FarthingError('configuration', 'this engine sends no batches');
    const { name } = this;
    const bell = new RunBell(name, (job) => settlePurse(this.#purse, job));
    const deaf = batches.listen((job) => bell.ring(job));
    const run = await this.#run(name, batches, bell);
    let isWhole = false;
    let hasFailures = false;
    try {
      for await (const job of run.ends(this.#prepared(items), signals)) {
        // oxlint-disable-next-line no-await-in-loop -- one result after the other
        const answered = await firstOf(name, job, batches);
        hasFailures ||= answered.result?.outcome !== 'complete';
        yield this.#endOf(job, answered);
      }
      isWhole = !signals.cut.aborted && !signals.stop.aborted;
    } finally {
      deaf();
      if (
        resume === undefined
          ? isWhole || (signals.stop.aborted && !signals.cut.aborted)
          : resume.isDropped && isWhole && !hasFailures
      )
        await run.remove();
    }
  }

  async #run(name: string, batches: LibraryBatches, bell: RunBell): Promise<BatchRun> {
    const { maxNanoUsd, onUnanswered, clock } = this.#options;
    const { jobs, desk, worker, engine } = batches;
    // What waits for money that has come back hears of it by the bell.
    if (maxNanoUsd !== undefined) this.#purse = new RunPurse(maxNanoUsd, await spentOn(name, batches), () => undefined);
    return new BatchRun({
      run: name,
      jobs,
      desk,
      worker,
      engine,
      ask: (call, terms) => this.#ask(call, terms),
      bell,
      onUnanswered,
      deadlineAtMs: undefined,
      purse: this.#purse,
      clock,
      random: systemRandom,
    });
  }

  async #ask(
    { endpoint, body }: RunCall,
    { deferral, purse, sink, signal }: AskTerms,
  ): Promise<CallRecord | undefined> {
    const { engine, headers } = this.#options;
    if (endpoint === 'count-tokens') throw new FarthingError('internal', 'tokens are not counted by batches');
    await engine.handle({ endpoint, body, headers, signal, purse, deferral }, sink);
    return sink.status === 202 ? undefined : engine.callRecord(sink.callId);
  }

  async *#prepared(items: AsyncIterable<BatchItem> | Iterable<BatchItem>): AsyncGenerator<RunItem> {
    let position = 0;
    const seen = new HashTable({ hashWords: 4, valueBytes: 4 }, REMEMBERED_ITEMS);
    for await (const given of items) {
      const item = preparedItem(given, position, this.#options.prompts);
      const { id: label } = item;
      if (item.kind === 'fault') yield { kind: 'fault', position, label, error: item.error };
      else {
        const { endpoint, body, hash } = item;
        const of = seen.get(hash);
        if (of === undefined) seen.set(hash, position);
        yield of === undefined
          ? { kind: 'call', position, label, endpoint, body }
          : { kind: 'repeat', position, label, endpoint, of };
      }
      position += 1;
    }
  }

  /** @param answered - the job that has its answer: itself, unless it repeats another. */
  #endOf(job: Job, answered: Job): ItemEnd {
    const { position, label, endpoint } = job.call;
    return {
      label: { index: position, id: label, endpoint: endpoint === 'count-tokens' ? 'chat' : endpoint },
      outcome: outcomeOf(answered),
      origin: {
        isRepeat: job !== answered,
        isResumed: (answered.result?.finishedAtMs ?? 0) < this.#startedAtMs,
      },
    };
  }
}

/** The same for a run that is taken up again. */
function nameOf(resume: DeferredRunOptions['resume']): string {
  if (resume === undefined) return `run_${systemRandom.hex(NAME_DIGITS)}`;
  const digest = createHash('sha256')
    .update(JSON.stringify([resume.name, resume.settings]))
    .digest('hex');
  return `run_${digest.slice(0, NAME_DIGITS)}`;
}

/** What the answers of a run cost that are there already. */
async function spentOn(run: string, { jobs }: LibraryBatches): Promise<NanoUsd> {
  let spent = 0;
  for (let after: { position: number; callId: string } | undefined; ;) {
    // oxlint-disable-next-line no-await-in-loop -- page by page
    const page = await jobs.list({ run, states: ['done'], ...(after && { after }), limit: 500 });
    for (const { result } of page) spent += result?.record.costNanoUsd ?? 0;
    const last = page.at(-1);
    if (last === undefined) return spent as NanoUsd;
    after = { position: last.call.position, callId: last.call.callId };
  }
}

/** The job that has the answer of a job: what that repeats, or itself. */
async function firstOf(run: string, job: Job, { jobs }: LibraryBatches): Promise<Job> {
  const position = repeatedPosition(job);
  if (position === undefined) return job;
  const [first] = await jobs.list({ run, after: { position, callId: '' }, limit: 1 });
  return first?.call.position === position ? first : job;
}

function outcomeOf({ call, result }: Job): ItemOutcome {
  const { callId } = call;
  if (result === undefined) throw new FarthingError('internal', `the call ${callId} is done without a result`);
  const { status, body, way, outcome, record } = result;
  const { costNanoUsd, savedNanoUsd, usage } = record;
  if (outcome !== 'complete' || status >= 300) {
    return { kind: 'error', error: callFailure(callId, status, outcome), body, costNanoUsd, callId };
  }
  const model = record.target ?? record.modelAsked;
  return { kind: 'answer', body, model, usage, costNanoUsd, savedNanoUsd, fromCache: way === 'cache', callId };
}
