import type { CallPriority } from '../../core/model/call-priority.ts';
import { type LinePlace, WaitingLine } from './waiting-line.ts';

/** While calls of a batch wait, one of so many slots goes to the oldest of them, so that interactive calls never starve them. @internal */
export const BATCH_TURN = 8;

/** A call in a {@link CallQueue}. @internal */
export interface QueuedCall {
  readonly priority: CallPriority;
}

/** What became of a call that found no slot. @internal */
export type QueueVerdict<Call> =
  | { readonly kind: 'full' }
  | {
      readonly kind: 'waits';
      readonly place: LinePlace<Call>;
      /** The call that lost its place to this one, and is out of the queue. */
      readonly displaced: Call | undefined;
    };

/**
 * Slots for calls under way, and the calls that wait for one. Interactive calls go first; those of one priority in the order in which they came.
 * Knows no time: whoever waits too long is taken out with {@link CallQueue.remove}.
 * @internal
 */
export class CallQueue<Call extends QueuedCall> {
  readonly #lines: Readonly<Record<CallPriority, WaitingLine<Call>>> = {
    interactive: new WaitingLine(),
    batch: new WaitingLine(),
  };
  #running = 0;
  /** Slots that went to interactive calls since the last one of a batch, while one of a batch waited. */
  #passedOver = 0;

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#lines.interactive.length + this.#lines.batch.length;
  }

  /** Takes a slot if one is free and nobody waits for it. */
  tryRun(maxRunning: number): boolean {
    if (this.#running >= maxRunning || this.waiting > 0) return false;
    this.#running += 1;
    return true;
  }

  /** Lets a call wait. In a full queue an interactive call takes the place of the youngest call of a batch. */
  wait(call: Call, maxWaiting: number): QueueVerdict<Call> {
    let displaced: Call | undefined;
    if (this.waiting >= maxWaiting) {
      displaced = call.priority === 'interactive' && maxWaiting > 0 ? this.#lines.batch.takeYoungest() : undefined;
      if (displaced === undefined) return { kind: 'full' };
    }
    return { kind: 'waits', place: this.#lines[call.priority].add(call), displaced };
  }

  /** Takes a waiting call out; false when it is out already, whatever became of it. */
  remove(place: LinePlace<Call>): boolean {
    return this.#lines[place.item.priority].remove(place);
  }

  /** A call that had a slot is over. */
  free(): void {
    this.#running -= 1;
  }

  /** Gives a free slot to the call whose turn it is; undefined when there is no slot or nobody waits. */
  next(maxRunning: number): Call | undefined {
    if (this.#running >= maxRunning) return undefined;
    const { interactive, batch } = this.#lines;
    const isBatchTurn = interactive.length === 0 || (batch.length > 0 && this.#passedOver >= BATCH_TURN - 1);
    this.#passedOver = isBatchTurn || batch.length === 0 ? 0 : this.#passedOver + 1;
    const call = isBatchTurn ? batch.takeOldest() : interactive.takeOldest();
    if (call !== undefined) this.#running += 1;
    return call;
  }

  /** Takes all waiting calls of a priority out. */
  *empty(priority: CallPriority): Iterable<Call> {
    const line = this.#lines[priority];
    for (let call = line.takeOldest(); call !== undefined; call = line.takeOldest()) yield call;
  }
}
