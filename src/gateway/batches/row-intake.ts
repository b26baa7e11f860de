import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { FarthingError } from '../../core/errors.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import type { Caller } from '../../core/model/caller.ts';
import { type DeferredCall, queueOf } from '../../core/model/deferred-call.ts';
import type { Endpoint } from '../../core/model/protocol.ts';
import { parseTarget } from '../../core/model/target.ts';
import { ZERO_USD } from '../../core/money.ts';
import type { AcceptedCall, Deferral } from '../../middleware/compose.ts';
import type { ClientBatchRow, ClientRowFault } from '../../wire/batch/client-batch-row.ts';
import type { PlainHeaders } from '../credentials.ts';
import type { ResourceOwners } from '../resources/resource-owners.ts';
import { cachedRowsId, type ClientBatchDraft, type ClientBatchParts } from './client-batch-draft.ts';
import { RowFaults } from './row-faults.ts';
import { RowReply } from './row-reply.ts';

/** What the rows of one batch have in common. @internal */
export interface RowIntakeOptions {
  readonly parts: ClientBatchParts;
  readonly draft: ClientBatchDraft;
  readonly owners: Pick<ResourceOwners, 'demand'>;
  readonly caller: Caller;
  readonly endpoint: Endpoint;
  readonly headers: PlainHeaders;
  readonly query: string;
  /** What of the client's request holds the rows. */
  readonly param: string;
  readonly maxRequests: number;
  readonly signal: AbortSignal;
}

/** Rows that are looked at side by side, at most. Ours: they share the commits of ledger and store. */
const MAX_CONCURRENCY = 64;
/** How often a row is tried that finds no room on a limit, and for how long it waits at most before each, in milliseconds. Ours: what others hold comes back in seconds. */
const MAX_TRIES = 10;
const MAX_PAUSE_MS = 2000;

/** Rows that are looked at before others have their turn. Ours: a few milliseconds. */
const ROWS_A_TURN = 256;

const ACCEPTED = { status: 202, headers: { 'content-type': 'application/json' }, body: '{}' } as const;

/**
 * Takes the rows of a client's own batch, each as a call of its own: refused, answered from the cache, or kept with its money held.
 * @internal
 */
export class RowIntake {
  readonly #options: RowIntakeOptions;
  readonly #faults: RowFaults;
  readonly #customIds = new Set<string>();
  readonly #open = new Set<Promise<void>>();
  #refusal: unknown;
  /** Less while rows find no room on the limits of their key or project, and slowly more again. */
  #concurrency = MAX_CONCURRENCY;
  #rows = 0;
  #accepted = 0;
  #cached = 0;
  #sizeBytes = 0;
  #inputTokens = 0;
  #isChanged = false;
  #queue: string | undefined;

  constructor(options: RowIntakeOptions) {
    this.#options = options;
    this.#faults = new RowFaults(options.param);
  }

  /** Rows that the cache has answered. */
  get cachedRows(): number {
    return this.#cached;
  }

  /** Whether what is to be sent differs from what the client wrote. */
  get isRewritten(): boolean {
    return this.#isChanged || this.#cached > 0;
  }

  /** What is known of the batch by its rows. */
  get sizes(): { readonly requests: number; readonly sizeBytes: number; readonly inputTokens: number; queue?: string } {
    const sizes = { requests: this.#accepted, sizeBytes: this.#sizeBytes, inputTokens: this.#inputTokens };
    return this.#queue === undefined ? sizes : { ...sizes, queue: this.#queue };
  }

  /**
   * Takes one row; resolves when there is room for the next.
   * @param place - How an error names it.
   * @throws what refuses the batch as a whole
   */
  async add(place: string, row: ClientBatchRow | ClientRowFault): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#rows += 1;
    const position = this.#rows;
    if (position > this.#options.maxRequests) {
      this.#faults.add(place, `a batch has at most ${this.#options.maxRequests} requests`);
      this.#faults.throwIfAny();
    }
    if (position % ROWS_A_TURN === 0) await nextTurn();
    if (row.kind === 'fault') return this.#faults.add(place, row.fault);
    if (this.#customIds.has(row.customId)) return this.#faults.add(place, '`custom_id` is that of another row');
    this.#customIds.add(row.customId);
    // What was found is told with all that can be found without asking.
    if (!this.#faults.isEmpty) return undefined;
    const taken: Promise<void> = this.#take(place, position, row)
      .catch((error: unknown) => {
        this.#refusal ??= error;
      })
      .finally(() => this.#open.delete(taken));
    this.#open.add(taken);
    while (this.#open.size >= this.#concurrency) await Promise.race(this.#open); // oxlint-disable-line no-await-in-loop -- waits for room
    return undefined;
  }

  /** Resolves when all rows are taken. @throws FarthingError that names the rows at fault, or what refuses the batch */
  async end(): Promise<void> {
    await this.idle();
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#faults.throwIfAny();
    if (this.#rows === 0) {
      const { param } = this.#options;
      throw new FarthingError('invalid-request', 'there are no requests in the batch', { param });
    }
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    await Promise.all(this.#open);
  }

  async #take(place: string, position: number, row: ClientBatchRow): Promise<void> {
    const { owners, caller, param, draft } = this.#options;
    const { provider } = draft.batch.client;
    await owners.demand(
      row.ids.map(({ id }) => ({ id, param })),
      caller.project,
      provider,
    );
    let reply = await this.#asked(position, row);
    for (let tries = 1; reply.pauseMs !== undefined && tries < MAX_TRIES; tries += 1) {
      if (reply.pauseMs > MAX_PAUSE_MS || this.#refusal !== undefined) break;
      this.#concurrency = Math.max(1, this.#concurrency / 2);
      // oxlint-disable-next-line no-await-in-loop -- one try after the other
      await pause(reply.pauseMs);
      // oxlint-disable-next-line no-await-in-loop
      reply = await this.#asked(position, row);
    }
    if (reply.status < 300) this.#concurrency = Math.min(MAX_CONCURRENCY, this.#concurrency + 1 / this.#concurrency);
    if (reply.status === ACCEPTED.status) return;
    if (reply.status === 200) return this.#keepCached(row, reply);
    const error = reply.error(place, param);
    if (reply.isOfBatch) throw error;
    this.#faults.addError(error);
  }

  async #asked(position: number, row: ClientBatchRow): Promise<RowReply> {
    const { parts, endpoint, query, headers, caller, signal } = this.#options;
    const reply = new RowReply();
    const deferral = this.#deferralOf(position, row);
    await parts.engine().handle({ endpoint, body: row.body, query, headers, caller, signal, deferral }, reply);
    return reply;
  }

  #deferralOf(position: number, { customId }: ClientBatchRow): Deferral {
    return {
      terms: { run: '', position, deadlineAtMs: undefined, webhookUrl: undefined },
      mayAnswerLive: false,
      mayBeUnpriced: true,
      accept: (call) => this.#accept({ ...call, customId }),
    };
  }

  async #accept(call: DeferredCall): Promise<AcceptedCall> {
    const { draft, parts } = this.#options;
    const { provider } = draft.batch.client;
    if (parseTarget(call.target)?.provider !== provider) {
      throw new FarthingError('invalid-request', `the model is not one of ${provider}, which the batch is for`, {
        param: 'model',
      });
    }
    await parts.jobs.add([draft.jobOf(call)]);
    return {
      confirm: () => {
        this.#count(call);
        return Promise.resolve(ACCEPTED);
      },
    };
  }

  #count(call: DeferredCall): void {
    const { body, sentBody, inputTokens } = call;
    this.#accepted += 1;
    this.#sizeBytes += Buffer.byteLength(sentBody ?? body);
    this.#inputTokens += inputTokens;
    this.#isChanged ||= sentBody !== undefined;
    this.#queue ??= queueOf(call);
  }

  async #keepCached(row: ClientBatchRow, reply: RowReply): Promise<void> {
    const { parts, draft, caller } = this.#options;
    const { callId } = reply;
    const record = await parts.engine().callRecord(callId, caller.project);
    if (record === undefined) throw new FarthingError('internal', 'a call that was just answered has no record');
    const call = cachedCall(record, row.customId);
    const finishedAtMs = parts.clock.nowMs();
    const result = {
      status: 200,
      body: reply.text(),
      way: 'cache',
      outcome: record.outcome,
      finishedAtMs,
      record,
    } as const;
    const batchId = cachedRowsId(draft.batch.batchId);
    await parts.jobs.add([{ ...draft.jobOf(call), state: 'done', batchId, batches: 0, result }]);
    this.#cached += 1;
  }
}

/** A row that was answered at once. Its request is not needed any more. */
function cachedCall(record: CallRecord, customId: string): DeferredCall {
  const { callId, atMs, endpoint, project, keyId, tags, decisions } = record;
  const target = record.target ?? '';
  return {
    callId,
    run: '',
    // Old ones are found by their ids, which begin with the time.
    position: 0,
    atMs,
    endpoint,
    project,
    keyId,
    tags,
    query: '',
    headers: {},
    body: '',
    sentBody: undefined,
    modelAsked: record.modelAsked ?? '',
    target,
    baseline: target,
    route: undefined,
    removed: [],
    decisions,
    cacheKey: undefined,
    boundNanoUsd: ZERO_USD,
    inputTokens: 0,
    deadlineAtMs: undefined,
    webhookUrl: undefined,
    customId,
  };
}
