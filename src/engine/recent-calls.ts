import { GenerationalMap } from '../core/generational-map.ts';
import type { CallRecord } from '../core/model/charge.ts';

/** The latest records of this process, kept in memory so that a client that asks at once finds its call before the ledger's next commit. @internal */
export class RecentCalls {
  readonly #records: GenerationalMap<string, CallRecord>;

  constructor(maxCalls: number) {
    this.#records = new GenerationalMap(maxCalls);
  }

  add(record: CallRecord): void {
    this.#records.set(record.callId, record);
  }

  get(callId: string): CallRecord | undefined {
    return this.#records.get(callId);
  }
}
