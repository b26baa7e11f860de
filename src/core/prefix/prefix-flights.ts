import type { CacheRatios } from './prefix-block.ts';

/** What a call that comes upon an unwritten prefix should do. @public */
export type FlightVerdict =
  /** Mark the prefix and write it: nobody else does. */
  | { readonly kind: 'write' }
  /** It is written: mark it and read. */
  | { readonly kind: 'read' }
  /** Ask again at the writer's first byte, or at the latest then. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** Go now and mark nothing: waiting is not worth it, or went on too long. */
  | { readonly kind: 'unmarked' };

/** What decides whether a call waits. @public */
export interface FlightTerms extends CacheRatios {
  /** Tokens that would be read instead of paid in full. */
  readonly prefixTokens: number;
  /** The longest that a call waits for another's first byte, in milliseconds; 0: never. */
  readonly maxWaitMs: number;
}

interface Flight {
  writer: string;
  startedMs: number;
  isWritten: boolean;
  /** When each waiting call came. */
  readonly waiting: Map<string, number>;
}

const MAX_FLIGHTS = 10_000;
const MAX_WAITING = 1000;
/** A writer that has not said anything for so long is taken for lost: its call has ended in a way that we were not told of. */
const LOST_MS = 120_000;

/**
 * Of concurrent calls on one unwritten prefix one writes it. State over values: the caller brings the time and asks again when told to.
 * @public
 */
export class PrefixFlights {
  readonly #flights = new Map<string, Flight>();

  /** What a call should do now; asked again by a call that waits. */
  ask(prefix: string, call: string, terms: FlightTerms, atMs: number): FlightVerdict {
    const flight = this.#flights.get(prefix);
    if (flight === undefined || (!flight.isWritten && atMs - flight.startedMs > LOST_MS)) {
      return this.#lead(prefix, call, flight, atMs);
    }
    if (flight.writer === call && !flight.isWritten) return { kind: 'write' };
    if (flight.isWritten) {
      flight.waiting.delete(call);
      return { kind: 'read' };
    }
    const sinceMs = flight.waiting.get(call) ?? atMs;
    const waitedMs = atMs - sinceMs;
    const isFull = flight.waiting.size >= MAX_WAITING && !flight.waiting.has(call);
    if (waitedMs >= terms.maxWaitMs || isFull || !isWaitWorthIt(terms)) {
      flight.waiting.delete(call);
      return { kind: 'unmarked' };
    }
    flight.waiting.set(call, sinceMs);
    return { kind: 'wait', untilMs: sinceMs + terms.maxWaitMs };
  }

  /** Whether a call is under way that writes the prefix and has shown nothing of its answer. */
  isWriting(prefix: string, atMs: number): boolean {
    const flight = this.#flights.get(prefix);
    return flight !== undefined && !flight.isWritten && atMs - flight.startedMs <= LOST_MS;
  }

  /** The writer's first byte is there: its prefix is written. Returns the calls that may read now. */
  written(prefix: string, call: string): readonly string[] {
    const flight = this.#flights.get(prefix);
    if (flight?.writer !== call) return [];
    flight.isWritten = true;
    return [...flight.waiting.keys()];
  }

  /** The writer failed before its first byte. Returns the call that writes now, the one that has waited longest; undefined: none waits. */
  failed(prefix: string, call: string, atMs: number): string | undefined {
    const flight = this.#flights.get(prefix);
    if (flight === undefined) return undefined;
    if (flight.writer !== call || flight.isWritten) {
      flight.waiting.delete(call);
      return undefined;
    }
    const [next] = flight.waiting.keys();
    if (next === undefined) {
      this.#flights.delete(prefix);
      return undefined;
    }
    flight.waiting.delete(next);
    flight.writer = next;
    flight.startedMs = atMs;
    return next;
  }

  /** The writer's call is over and its prefix known as warm elsewhere. */
  ended(prefix: string, call: string): void {
    const flight = this.#flights.get(prefix);
    if (flight?.writer === call && flight.isWritten) this.#flights.delete(prefix);
    else flight?.waiting.delete(call);
  }

  get size(): number {
    return this.#flights.size;
  }

  #lead(prefix: string, call: string, lost: Flight | undefined, atMs: number): FlightVerdict {
    if (lost === undefined && this.#flights.size >= MAX_FLIGHTS) {
      const [oldest] = this.#flights.keys();
      if (oldest !== undefined) this.#flights.delete(oldest);
    }
    lost?.waiting.delete(call);
    this.#flights.set(prefix, { writer: call, startedMs: atMs, isWritten: false, waiting: lost?.waiting ?? new Map() });
    return { kind: 'write' };
  }
}

/** Any saving is worth the bounded wait. */
function isWaitWorthIt({ prefixTokens, readRatio }: FlightTerms): boolean {
  return (1 - readRatio) * prefixTokens > 0;
}
