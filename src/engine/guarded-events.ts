import type { EventSink } from '../ports/event-sink.ts';

/**
 * An observer that cannot harm what it observes: one that throws is told of it as an `internal-fault`, once, and the call goes on. Without this
 * an alarm could keep a charge from being written.
 * @internal
 */
export function guardedEvents(events: EventSink | undefined): EventSink {
  if (events === undefined) return { emit: () => undefined };
  const emit: EventSink['emit'] = (event) => {
    try {
      events.emit(event);
    } catch (error) {
      if (event.kind !== 'internal-fault') emit({ kind: 'internal-fault', callId: '', error });
    }
  };
  return { emit };
}
