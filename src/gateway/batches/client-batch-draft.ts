import { FarthingError } from '../../core/errors.ts';
import { BATCH_ATTEMPT, type DeferredCall, type Job, queueOf } from '../../core/model/deferred-call.ts';
import type { ClientBatch, ProviderBatch } from '../../core/model/provider-batch.ts';
import type { Engine } from '../../engine/engine-request.ts';
import type { BatchProvider } from '../../jobs/batch/batch-provider.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { Jobs, WorkLease } from '../../ports/job-store.ts';
import type { BatchOfClient } from '../../wire/batch/client-batch-object.ts';
import { beingMade } from './named-order.ts';

/** What clients' own batches are made and shown with. @internal */
export interface ClientBatchParts {
  readonly jobs: Jobs;
  /** The engine of now. */
  readonly engine: () => Pick<Engine, 'handle' | 'settleDeferred' | 'callRecord'>;
  readonly providerOf: (name: string) => BatchProvider | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Tells workers that there is something to do. */
  readonly wake: () => void;
}

/** For how long a batch that is being taken is this process's, in milliseconds, unless it renews that. Ours: as for workers. */
const LEASE_MS = 60_000;
/** How old a lease may be right before something is sent. Ours: half of it is left then. */
const FRESH_MS = LEASE_MS / 2;

/** Jobs that are let go at a time. */
const PAGE_JOBS = 500;
const ID_DIGITS = 16;

/** Under which rows are kept that the cache has answered: what a batch is sent of has another id. @internal */
export function cachedRowsId(batchId: string): string {
  return `${batchId}.cached`;
}

/**
 * A client's own batch while this process takes it. It is kept before its first row is, so that whoever comes after a crash finds all rows by it and lets
 * go of their money.
 * @internal
 */
export class ClientBatchDraft {
  readonly #parts: ClientBatchParts;
  readonly #workerId: string;
  #batch: BatchOfClient;
  #leasedAtMs: number;
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<unknown> = Promise.resolve();

  private constructor(parts: ClientBatchParts, batch: BatchOfClient, { workerId, nowMs }: WorkLease) {
    this.#parts = parts;
    this.#batch = batch;
    this.#workerId = workerId;
    this.#leasedAtMs = nowMs;
    // A fault shows at the next step.
    const renew = (): void => void this.#save(this.#batch, true).catch(() => undefined);
    this.#timer = setInterval(renew, LEASE_MS / 3).unref();
  }

  /**
   * @param terms - `batchId`: where it is to be kept. Undefined: wherever there is room.
   * @throws FarthingError `store-unavailable`; `invalid-request` with status 409 when there is one already, which somebody else has just begun.
   */
  static async open(
    parts: ClientBatchParts,
    client: ClientBatch,
    terms: Pick<DeferredCall, 'endpoint' | 'headers'> & {
      readonly keyIndex: number | undefined;
      readonly batchId?: string | undefined;
    },
  ): Promise<ClientBatchDraft> {
    const { jobs, clock, random } = parts;
    const nowMs = clock.nowMs();
    const batch: BatchOfClient = {
      ...EMPTY,
      batchId: terms.batchId ?? `fb_${random.hex(ID_DIGITS)}`,
      // Which target it is for shows with its first row.
      queue: queueOf({ ...terms, target: `${client.provider}/batch` }),
      formedAtMs: nowMs,
      nextAtMs: nowMs,
      keyIndex: terms.keyIndex,
      client,
    };
    const lease = { workerId: `gateway_${random.hex(ID_DIGITS)}`, nowMs, leaseMs: LEASE_MS };
    await jobs.adopt(batch, [], lease);
    // Of two that begin it at the same time one has it.
    if (terms.batchId !== undefined && !(await jobs.saveBatch(batch, lease, true))) throw beingMade();
    return new ClientBatchDraft(parts, batch, lease);
  }

  get batch(): BatchOfClient {
    return this.#batch;
  }

  /** A row on its way into the batch. */
  jobOf(call: DeferredCall): Job {
    const { batchId } = this.#batch;
    return { ...NEW_JOB, call, state: 'batched', batchId, batches: 1 };
  }

  /** @throws FarthingError `store-unavailable` when the store fails, or somebody else has the batch: then nothing may be sent. */
  async save(set: Partial<BatchOfClient>): Promise<void> {
    await this.#save({ ...this.#batch, ...set }, true);
  }

  /** Right before it is sent. A process that was stopped for long believes that it still has what has long been let go. @throws FarthingError `store-unavailable` */
  mustBeFresh(): void {
    if (this.#parts.clock.nowMs() > this.#leasedAtMs + FRESH_MS) throw lost();
  }

  /** Hands it over to the workers. @throws FarthingError `store-unavailable` */
  async handOver(set: Partial<BatchOfClient>): Promise<void> {
    clearInterval(this.#timer);
    await this.#save({ ...this.#batch, ...set, nextAtMs: this.#parts.clock.nowMs() }, false);
    this.#parts.wake();
  }

  /** The batch is over before it was sent: lets go of its rows and of their money. What this leaves after a fault, workers let go. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    const { batchId } = this.#batch;
    const { engine } = this.#parts;
    try {
      await this.#drop(batchId, (call) => engine().settleDeferred(call, { kind: 'none', outcome: 'never-accepted' }));
      await this.#drop(cachedRowsId(batchId), () => Promise.resolve());
      const client = { ...this.#batch.client, cachedRows: 0 };
      await this.#save({ ...this.#batch, client, requests: 0, stage: 'abandoned' }, false);
    } catch {
      // The lease runs out, and whoever has it then begins anew.
      this.#parts.wake();
    }
  }

  async #drop(batchId: string, settle: (call: DeferredCall) => Promise<unknown>): Promise<void> {
    const { jobs } = this.#parts;
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- each page is what the one before left
      const page = await jobs.list({ batchId, limit: PAGE_JOBS });
      if (page.length === 0) return;
      // oxlint-disable-next-line no-await-in-loop
      await Promise.all(page.map(({ call }) => settle(call)));
      // oxlint-disable-next-line no-await-in-loop
      await jobs.remove(page.map(({ call }) => call.callId));
    }
  }

  /** One after the other: a renewal that is late must not write what was true before. */
  #save(next: BatchOfClient, keepsLease: boolean): Promise<void> {
    const before = this.#saving;
    const done = (async (): Promise<void> => {
      await before;
      const { jobs, clock } = this.#parts;
      const nowMs = clock.nowMs();
      const isSaved = await jobs.saveBatch(next, { workerId: this.#workerId, nowMs, leaseMs: LEASE_MS }, keepsLease);
      if (!isSaved) throw lost();
      this.#leasedAtMs = nowMs;
      this.#batch = next;
    })();
    this.#saving = done.catch(() => undefined);
    return done;
  }
}

function lost(): FarthingError {
  return new FarthingError('store-unavailable', 'the batch took so long to take that it was given up', {
    retryable: true,
  });
}

const EMPTY: Omit<ProviderBatch, 'batchId' | 'queue' | 'formedAtMs' | 'nextAtMs' | 'keyIndex'> = {
  run: '',
  stage: 'formed',
  requests: 0,
  sizeBytes: 0,
  inputTokens: 0,
  stagedId: undefined,
  submittingAtMs: undefined,
  providerId: undefined,
  submittedAtMs: undefined,
  endedAtMs: undefined,
  failures: 0,
  isCancelled: false,
  fault: undefined,
};

const NEW_JOB: Omit<Job, 'call' | 'state' | 'batchId' | 'batches'> = {
  version: 1,
  attempts: BATCH_ATTEMPT,
  liveAtMs: undefined,
  liveTier: 'default',
  leaseUntilMs: 0,
  result: undefined,
  toldAtMs: undefined,
};
