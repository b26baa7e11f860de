import type { EngineEvent, EventSink } from '../../ports/event-sink.ts';

/** More kinds of notice would be a log. */
const MAX_NOTICES = 20;

/** Collects what a person at the terminal must know when a run is over: what failed beside the items, and how often. @internal */
export class EngineNotices implements EventSink {
  readonly #counts = new Map<string, number>();
  readonly #onEvent: (event: EngineEvent) => void;

  /** @param onEvent - hears every event first. */
  constructor(onEvent: (event: EngineEvent) => void = () => undefined) {
    this.#onEvent = onEvent;
  }

  emit(event: EngineEvent): void {
    this.#onEvent(event);
    const notice = noticeOf(event);
    if (notice === undefined) return;
    if (this.#counts.has(notice) || this.#counts.size < MAX_NOTICES) {
      this.#counts.set(notice, (this.#counts.get(notice) ?? 0) + 1);
    }
  }

  /** A line each, with how often it happened. */
  lines(): readonly string[] {
    return Array.from(this.#counts, ([notice, count]) => (count === 1 ? notice : `${notice} (${count} times)`));
  }
}

function noticeOf(event: EngineEvent): string | undefined {
  switch (event.kind) {
    case 'store-failed':
      return `the store of ${event.store} failed: ${event.operation}`;
    case 'unpriced-charged':
      return `${event.target} has no price: what it cost is not known`;
    case 'usage-missing':
      return `${event.target} did not say what it used: charged as estimated`;
    case 'target-rested':
      return `${event.target} failed too often and was left alone for a while: ${event.reason}`;
    case 'budget-alert':
      return `the budget ${event.alert.budget} is used to ${Math.round(100 * event.alert.ratio)} %`;
    case 'budget-overrun':
      return 'a bill was above what had been reserved for it';
    case 'internal-fault':
      return `an internal fault: ${event.error instanceof Error ? event.error.name : 'unknown'}`;
    default:
      return undefined;
  }
}
