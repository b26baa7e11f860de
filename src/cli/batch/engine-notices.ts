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

/** By kind; what is not here needs nobody's attention. */
const NOTICES: {
  readonly [Kind in EngineEvent['kind']]?: (event: Extract<EngineEvent, { readonly kind: Kind }>) => string;
} = {
  'store-failed': ({ store, operation }) => `the store of ${store} failed: ${operation}`,
  'unpriced-charged': ({ target }) => `${target} has no price: what it cost is not known`,
  'usage-missing': ({ target }) => `${target} did not say what it used: charged as estimated`,
  'target-rested': ({ target, reason }) => `${target} failed too often and was left alone for a while: ${reason}`,
  'budget-alert': ({ alert }) => `the budget ${alert.budget} is used to ${Math.round(100 * alert.ratio)} %`,
  'budget-overrun': () => 'a bill was above what had been reserved for it',
  'internal-fault': ({ error }) => `an internal fault: ${error instanceof Error ? error.name : 'unknown'}`,
};

function noticeOf(event: EngineEvent): string | undefined {
  // Each takes the events of its own kind alone, which a look-up cannot say.
  const notice = NOTICES[event.kind] as ((event: EngineEvent) => string) | undefined;
  return notice?.(event);
}
