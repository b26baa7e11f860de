import type { CallRecord } from '../core/model/charge.ts';

/** Records kept in memory so that a client that asks at once finds its call before the ledger's next commit. */
const MAX_RECENT_CALLS = 2_000;

/** The latest records of this process, bounded. @internal */
export class RecentCalls {
  readonly #records = new Map<string, CallRecord>();

  add(record: CallRecord): void {
    this.#records.set(record.callId, record);
    if (this.#records.size <= MAX_RECENT_CALLS) return;
    const oldest = this.#records.keys().next();
    if (oldest.done !== true) this.#records.delete(oldest.value);
  }

  get(callId: string): CallRecord | undefined {
    return this.#records.get(callId);
  }
}
