import { GenerationalMap } from '../core/generational-map.ts';
import type { CallRecord } from '../core/model/charge.ts';

/** Records kept in memory so that a client that asks at once finds its call before the ledger's next commit. */
const MAX_RECENT_CALLS = 4_000;

/** The latest records of this process, bounded. @internal */
export class RecentCalls {
  readonly #records = new GenerationalMap<string, CallRecord>(MAX_RECENT_CALLS);

  add(record: CallRecord): void {
    this.#records.set(record.callId, record);
  }

  get(callId: string): CallRecord | undefined {
    return this.#records.get(callId);
  }
}
