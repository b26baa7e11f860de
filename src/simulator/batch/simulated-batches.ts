import type { Protocol } from '../../core/model/protocol.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import { seedOf } from '../language-model.ts';
import { errorBody, refusalOf } from '../provider-error.ts';
import { seededRandom } from '../seeded-random.ts';
import { simulatedModel } from '../simulated-model.ts';
import { ProviderRefusal } from '../simulated-reply.ts';
import { AnthropicBatches } from './anthropic-batches.ts';
import { addresseeOf, type BatchReply, type BatchRequest } from './batch-exchange.ts';
import type { NewBatch } from './batch-ground.ts';
import {
  batchBehaviour,
  type BatchBehaviour,
  type BatchFault,
  type BatchOperation,
  type SimulatedBatchOptions,
} from './batch-options.ts';
import { drawSchedule } from './batch-schedule.ts';
import { OpenAiBatches } from './openai-batches.ts';
import { SimulatedBatch, type BatchPhase, type BatchRowRequest, type RowAnswer } from './simulated-batch.ts';

/** A batch as tests see it. @public */
export interface SimulatedBatchFacts {
  /** The provider's id. */
  readonly id: string;
  readonly account: string;
  /** The endpoint that its rows are for. */
  readonly path: string;
  readonly phase: BatchPhase;
  readonly requests: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly billedNanoUsd: bigint;
  readonly createdAtMs: number;
  /** When it ended or will end as things stand; Infinity never comes. */
  readonly endsAtMs: number;
}

/** A row that was answered in a batch. @public */
export interface BatchRowFacts {
  readonly batchId: string;
  readonly customId: string;
  /** 200, or of the error. */
  readonly status: number;
  readonly billedNanoUsd: bigint;
}

/** What happens to a request: a reply, perhaps one that breaks off, or a connection that is reset without one. @internal */
export type BatchOutcome =
  | { readonly kind: 'reply'; readonly reply: BatchReply; readonly isCut: boolean }
  | { readonly kind: 'reset' };

/** What the batches need of their provider. @internal */
export interface BatchesBrief {
  readonly options: SimulatedBatchOptions;
  readonly clock: Clock;
  readonly seed: number;
  /** Names of the models on offer. */
  readonly names: readonly string[];
  /** Whether each answered row is remembered. */
  readonly countsAnswers: boolean;
  /** Answers a row at the batch price and bills it. @throws ProviderRefusal */
  answerRow(account: string, path: string, row: BatchRowRequest, nowMs: number): RowAnswer;
}

/** Requests that only look: what is lost with them changes nothing. */
const READING: ReadonlySet<BatchOperation> = new Set(['read', 'list', 'download']);

/** The Batch APIs of both protocols without a socket: time is the clock's, chance the seed's. @internal */
export class SimulatedBatches {
  readonly #brief: BatchesBrief;
  readonly #behaviour: BatchBehaviour;
  readonly #random: Random;
  readonly #openai: OpenAiBatches;
  readonly #anthropic: AnthropicBatches;
  readonly #all: SimulatedBatch[] = [];
  readonly #open: Set<SimulatedBatch> = new Set<SimulatedBatch>();
  readonly #answered: BatchRowFacts[] = [];
  readonly #faults: { readonly fault: BatchFault; left: number }[] = [];

  /** @throws RangeError on options out of range. */
  constructor(brief: BatchesBrief) {
    this.#brief = brief;
    this.#behaviour = batchBehaviour(brief.options);
    this.#random = seededRandom(seedOf(`batches ${brief.seed}`));
    const ground = {
      behaviour: this.#behaviour,
      random: this.#random,
      models: brief.names.map(simulatedModel),
      start: (batch: NewBatch) => this.#start(batch),
    };
    this.#openai = new OpenAiBatches(ground);
    this.#anthropic = new AnthropicBatches(ground);
  }

  /** The next `count` requests that it is for show the fault. */
  failNext(fault: BatchFault, count: number): void {
    this.#faults.push({ fault, left: count });
  }

  /** Serves a request. @throws ProviderRefusal */
  async handle(request: BatchRequest): Promise<BatchOutcome> {
    this.advance();
    const addressee = addresseeOf(request.method, request.path);
    const fault = this.#faultOf(addressee.operation);
    if (fault?.kind === 'lost-request') return { kind: 'reset' };
    if (fault?.kind === 'status') throw refusalOf(fault.status ?? 500);
    const isAnthropic = request.path.startsWith('/v1/messages');
    if (!isAnthropic && request.protocol === 'anthropic') {
      throw new ProviderRefusal(404, 'invalid_request_error', `Not found: ${request.path}`);
    }
    const api = isAnthropic ? this.#anthropic : this.#openai;
    const reply = await api.serve(request, addressee, this.#brief.clock.nowMs());
    return fault?.kind === 'lost-reply' ? { kind: 'reset' } : { kind: 'reply', reply, isCut: fault?.kind === 'cut' };
  }

  /** Lets happen what is due by now. */
  advance(): void {
    const nowMs = this.#brief.clock.nowMs();
    for (const batch of this.#open) {
      batch.advance(nowMs);
      if (batch.isOver) this.#open.delete(batch);
    }
    this.#openai.fileResults();
  }

  /** All batches, as of now, the oldest first. */
  facts(): readonly SimulatedBatchFacts[] {
    this.advance();
    return this.#all.map((batch) => ({
      id: batch.brief.id,
      account: batch.brief.account,
      path: batch.brief.path,
      phase: batch.phase,
      requests: batch.requests,
      succeeded: batch.tally.succeeded,
      errored: batch.tally.errored,
      billedNanoUsd: batch.tally.billedNanoUsd,
      createdAtMs: batch.brief.schedule.createdAtMs,
      endsAtMs: batch.endsAtMs,
    }));
  }

  /** The rows that were answered by now, in that order. Empty where answers are not counted. */
  answeredRows(): readonly BatchRowFacts[] {
    this.advance();
    return this.#answered;
  }

  #start(made: NewBatch): SimulatedBatch {
    const random = seededRandom(seedOf(`batch ${this.#brief.seed} ${this.#all.length}`));
    const batch = new SimulatedBatch({
      ...made,
      schedule: drawSchedule(random, this.#behaviour, made.nowMs),
      behaviour: this.#behaviour,
      random,
      answer: (row, fails, nowMs) => this.#answer(made, row, fails, nowMs),
    });
    this.#all.push(batch);
    this.#open.add(batch);
    batch.advance(made.nowMs);
    return batch;
  }

  #answer(made: NewBatch, row: BatchRowRequest, fails: boolean, nowMs: number): RowAnswer {
    const answer = this.#tryRow(made, row, fails, nowMs);
    if (this.#brief.countsAnswers) {
      const { status, billedNanoUsd } = answer;
      this.#answered.push({ batchId: made.id, customId: row.customId, status, billedNanoUsd });
    }
    return answer;
  }

  #tryRow(made: NewBatch, row: BatchRowRequest, fails: boolean, nowMs: number): RowAnswer {
    try {
      if (fails) throw refusalOf(this.#behaviour.failedRowStatus);
      return this.#brief.answerRow(made.account, made.path, row, nowMs);
    } catch (error) {
      if (!(error instanceof ProviderRefusal)) throw error;
      const protocol: Protocol = made.path === '/v1/messages' ? 'anthropic' : 'openai';
      const body = errorBody(protocol, error, `req_${this.#random.hex(24)}`);
      return { status: error.status, body, usage: undefined, billedNanoUsd: 0n };
    }
  }

  #faultOf(operation: BatchOperation): BatchFault | undefined {
    const scripted = this.#faults.find(({ fault }) => fault.on === undefined || fault.on === operation);
    if (scripted !== undefined) {
      scripted.left -= 1;
      if (scripted.left <= 0) this.#faults.splice(this.#faults.indexOf(scripted), 1);
      return scripted.fault;
    }
    const { refusedRatio, brokenRatio, lostRequestRatio, lostReplyRatio, cutDownloadRatio } = this.#behaviour;
    const changes = !READING.has(operation);
    const shares: readonly (readonly [number, BatchFault])[] = [
      [refusedRatio, { kind: 'status', status: 429 }],
      [brokenRatio, { kind: 'status', status: 500 }],
      [changes ? lostRequestRatio : 0, { kind: 'lost-request' }],
      [changes ? lostReplyRatio : 0, { kind: 'lost-reply' }],
      [operation === 'download' ? cutDownloadRatio : 0, { kind: 'cut' }],
    ];
    let draw = this.#random.fraction();
    for (const [ratio, fault] of shares) {
      if (draw < ratio) return fault;
      draw -= ratio;
    }
    return undefined;
  }
}
