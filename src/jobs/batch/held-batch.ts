import type { BatchStage, ProviderBatch } from '../../core/model/provider-batch.ts';
import { type QueueFacts, queueFacts } from '../../core/model/deferred-call.ts';
import { type BatchParts, leaseOf, reportFault } from './batch-parts.ts';

/** Thrown where another worker may have the batch by now: nothing more may be done to it here. @internal */
export class LeaseLost extends Error {}

/** A batch that this worker has hold of. Its lease is renewed while a step takes long, and each step of it is written down one after the other. @internal */
export class HeldBatch {
  readonly #parts: BatchParts;
  readonly facts: QueueFacts;
  #batch: ProviderBatch;
  #leasedAtMs: number;
  #saving: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  /** The stage before the present one, where this worker has taken both: what the present one may have begun, it has not yet. */
  cameFrom: BatchStage | undefined;

  constructor(batch: ProviderBatch, parts: BatchParts, leasedAtMs: number) {
    this.#batch = batch;
    this.#parts = parts;
    this.#leasedAtMs = leasedAtMs;
    this.facts = queueFacts(batch.queue);
  }

  get batch(): ProviderBatch {
    return this.#batch;
  }

  /** Renews the lease by itself from now on, until it is given back. */
  begin(): void {
    const renew = (): void => {
      this.renew().catch((error: unknown) => {
        if (!(error instanceof LeaseLost)) reportFault(this.#parts, 'renew', error);
      });
    };
    this.#timer = setInterval(renew, this.#parts.settings.leaseMs / 3).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Writes what is true of the batch now. @throws LeaseLost when another worker has it. */
  save(next: ProviderBatch, keepsLease: boolean): Promise<void> {
    return this.#inTurn(() => this.#save(next, keepsLease));
  }

  /** Keeps the batch, where a third of the lease is over. @throws LeaseLost when another worker has it. */
  async renew(): Promise<void> {
    const { clock, settings } = this.#parts;
    if (clock.nowMs() < this.#leasedAtMs + settings.leaseMs / 3) return;
    await this.#inTurn(() => this.#save(this.#batch, true));
  }

  /**
   * To be called right before what must not be done twice. A process that was stopped for long believes that it still has what has long been another's.
   * @throws LeaseLost when half of the lease is over.
   */
  mustBeFresh(): void {
    const { clock, settings } = this.#parts;
    if (clock.nowMs() > this.#leasedAtMs + settings.leaseMs / 2) throw new LeaseLost('the lease is too old');
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const before = this.#saving;
    const done = (async (): Promise<void> => {
      await before;
      await work();
    })();
    this.#saving = done.catch(() => undefined);
    return done;
  }

  async #save(next: ProviderBatch, keepsLease: boolean): Promise<void> {
    const lease = leaseOf(this.#parts);
    const isSaved = await this.#parts.jobs.saveBatch(next, lease, keepsLease);
    if (!isSaved) throw new LeaseLost('another worker has this batch');
    this.#leasedAtMs = lease.nowMs;
    if (next.stage !== this.#batch.stage) this.cameFrom = this.#batch.stage;
    this.#batch = next;
  }
}
