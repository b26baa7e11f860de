import type { Usage } from '../../core/model/usage.ts';
import type { Random } from '../../ports/clock.ts';
import type { JsonObject } from '../json-value.ts';
import type { BatchBehaviour } from './batch-options.ts';
import { rowsDue, type BatchSchedule } from './batch-schedule.ts';

/** One request of a batch. @internal */
export interface BatchRowRequest {
  readonly customId: string;
  readonly body: JsonObject;
}

/** What came of one row. @internal */
export type RowEnd =
  | { readonly kind: 'reply'; readonly customId: string; readonly status: number; readonly body: string }
  | { readonly kind: 'expired' | 'cancelled'; readonly customId: string };

/** The reply to a row, with what it was billed for. @internal */
export interface RowAnswer {
  readonly status: number;
  /** JSON text. */
  readonly body: string;
  readonly usage: Usage | undefined;
  readonly billedNanoUsd: bigint;
}

/** The rows of a batch, each parsed when it is asked for. @internal */
export interface BatchRows {
  readonly count: number;
  row(index: number): BatchRowRequest;
}

/** What a batch is made of. @internal */
export interface BatchBrief {
  readonly id: string;
  readonly account: string;
  readonly path: string;
  readonly rows: BatchRows;
  readonly schedule: BatchSchedule;
  readonly behaviour: BatchBehaviour;
  readonly random: Random;
  /** Whether its lines had a fault, so that it fails where others begin. */
  readonly isFaulty: boolean;
  /** Answers a row and bills it, as of a moment. */
  answer(row: BatchRowRequest, fails: boolean, nowMs: number): RowAnswer;
  /** Takes what came of each row, in the order in which it came. */
  deliver(end: RowEnd): void;
}

/** Where a batch is, whatever the protocol calls it. @public */
export type BatchPhase =
  | 'validating'
  | 'failed'
  | 'running'
  | 'finalizing'
  | 'cancelling'
  | 'completed'
  | 'expired'
  | 'cancelled';

const ENDS: ReadonlySet<BatchPhase> = new Set(['failed', 'completed', 'expired', 'cancelled']);

/** Counts of rows and tokens. @internal */
export interface BatchTally {
  succeeded: number;
  errored: number;
  expired: number;
  cancelled: number;
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  billedNanoUsd: bigint;
}

/** The life of one batch, whatever the protocol: its rows are answered one after the other, in an order of their own. @internal */
export class SimulatedBatch {
  readonly brief: BatchBrief;
  readonly requests: number;
  readonly tally: BatchTally = {
    succeeded: 0,
    errored: 0,
    expired: 0,
    cancelled: 0,
    inputTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    billedNanoUsd: 0n,
  };
  /** When it was asked to cancel. */
  cancelledAtMs: number | undefined;
  #phase: BatchPhase = 'validating';
  /** Undefined when all is over: neither order nor rows are needed any more. */
  #open: { readonly order: Uint32Array; readonly rows: BatchRows } | undefined;
  #answered = 0;

  constructor(brief: BatchBrief) {
    this.brief = brief;
    this.requests = brief.rows.count;
    this.#open = { order: shuffled(brief.rows.count, brief.random), rows: brief.rows };
  }

  /** As of the last `advance`. */
  get phase(): BatchPhase {
    return this.#phase;
  }

  get isOver(): boolean {
    return ENDS.has(this.#phase);
  }

  /** When it ended or will end, as things stand. */
  get endsAtMs(): number {
    const { schedule, isFaulty, behaviour } = this.brief;
    const { validatedAtMs, expiresAtMs, endsAtMs } = schedule;
    if (this.cancelledAtMs !== undefined) return this.cancelledAtMs + behaviour.cancellingMs;
    return Math.min(isFaulty ? validatedAtMs : endsAtMs, expiresAtMs);
  }

  /** Lets happen what is due by now. */
  advance(nowMs: number): void {
    if (this.#open === undefined) return;
    this.#phase = this.#phaseAt(nowMs);
    if (!this.brief.isFaulty) {
      const untilMs = Math.min(nowMs, this.cancelledAtMs ?? nowMs);
      this.#answerUntil(rowsDue(this.brief.schedule, this.requests, untilMs));
    }
    if (!this.isOver) return;
    if (this.#phase === 'expired' || this.#phase === 'cancelled') this.#leaveRest(this.#phase);
    this.#open = undefined;
  }

  /** Begins to cancel; rows that are answered by now stay answered. */
  cancel(nowMs: number): void {
    this.cancelledAtMs ??= nowMs;
    this.advance(nowMs);
  }

  #phaseAt(nowMs: number): BatchPhase {
    const { schedule, isFaulty } = this.brief;
    const isOver = nowMs >= this.endsAtMs;
    if (this.cancelledAtMs !== undefined) return isOver ? 'cancelled' : 'cancelling';
    if (isOver) {
      if (isFaulty) return 'failed';
      return schedule.endsAtMs <= schedule.expiresAtMs ? 'completed' : 'expired';
    }
    if (nowMs < schedule.validatedAtMs) return 'validating';
    return nowMs < schedule.rowsEndMs || schedule.answeredRatio < 1 ? 'running' : 'finalizing';
  }

  #answerUntil(due: number): void {
    const { brief } = this;
    for (; this.#answered < due; this.#answered += 1) {
      const row = this.#rowAt(this.#answered);
      const fails = brief.random.fraction() < brief.behaviour.failedRowRatio;
      const answer = brief.answer(row, fails, this.#answeredAtMs(this.#answered));
      this.#count(answer);
      brief.deliver({ kind: 'reply', customId: row.customId, status: answer.status, body: answer.body });
    }
  }

  #answeredAtMs(index: number): number {
    const { validatedAtMs, rowsEndMs } = this.brief.schedule;
    return Math.floor(validatedAtMs + ((rowsEndMs - validatedAtMs) * (index + 1)) / this.requests);
  }

  #leaveRest(kind: 'expired' | 'cancelled'): void {
    for (let index = this.#answered; index < this.requests; index += 1) {
      this.brief.deliver({ kind, customId: this.#rowAt(index).customId });
      this.tally[kind] += 1;
    }
  }

  #rowAt(index: number): BatchRowRequest {
    if (this.#open === undefined) throw new RangeError('the batch is over');
    return this.#open.rows.row(this.#open.order[index] ?? 0);
  }

  #count({ status, usage, billedNanoUsd }: RowAnswer): void {
    const { tally } = this;
    if (status === 200) tally.succeeded += 1;
    else tally.errored += 1;
    tally.billedNanoUsd += billedNanoUsd;
    if (usage === undefined) return;
    tally.inputTokens += usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite30m + usage.cacheWrite1h;
    tally.cachedTokens += usage.cacheRead;
    tally.outputTokens += usage.output;
    tally.reasoningTokens += usage.reasoning;
  }
}

function shuffled(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index -= 1) {
    const other = Math.floor(random.fraction() * (index + 1));
    const held = order[index] ?? 0;
    order[index] = order[other] ?? 0;
    order[other] = held;
  }
  return order;
}
