import type { EventSink } from '../ports/event-sink.ts';
import { inTime } from './in-time.ts';

/** After this time an operation is taken for failed, in milliseconds. Nobody waits for it: the stores have their own, shorter bounds. */
const STORE_TIMEOUT_MS = 5000;

/** Told of each operation of a store: the fault that it ended with, or undefined. @internal */
export type OnStoreAnswer = (operation: 'read' | 'write', fault: unknown) => void;

/** What a store answers. Undefined: it failed, or took too long. @internal */
export async function askStore<Answer>(
  operation: 'read' | 'write',
  work: () => Promise<Answer>,
  onAnswer: OnStoreAnswer,
): Promise<{ readonly answer: Answer } | undefined> {
  try {
    const answer = await inTime(work(), STORE_TIMEOUT_MS);
    onAnswer(operation, undefined);
    return { answer };
  } catch (error) {
    onAnswer(operation, error);
    return undefined;
  }
}

/** Tells once in each outage that the store of what was learnt fails, as `store-failed` of `states`. @internal */
export function outageTeller(events: EventSink): OnStoreAnswer {
  /** Operations that ended with a fault when they were last tried: while there is one it is the same outage. */
  const failing = new Set<string>();
  return (operation, error) => {
    if (error === undefined) {
      failing.delete(operation);
      return;
    }
    const isKnown = failing.size > 0;
    failing.add(operation);
    if (!isKnown) events.emit({ kind: 'store-failed', store: 'states', operation, error });
  };
}
