import { type FlightTerms, PrefixFlights } from '../../core/prefix/prefix-flights.ts';
import type { PrefixBlock } from '../../core/prefix/prefix-block.ts';
import type { Clock } from '../../ports/clock.ts';

/** One attempt that wants to read and write a prefix. @internal */
export interface WriterRequest {
  /** Names the attempt. */
  readonly name: string;
  readonly chain: readonly PrefixBlock[];
  /** Blocks that are expected to be in the cache; from there on to `writeUntil` it writes. */
  readonly writeFrom: number;
  readonly writeUntil: number;
  readonly terms: Omit<FlightTerms, 'prefixTokens'>;
  readonly signal: AbortSignal;
}

/**
 * Sees to it that of concurrent calls on one unwritten prefix one writes it. A prefix in flight is known by the first block that its writer writes: whoever
 * has that block in its chain shares all that comes before it.
 * @internal
 */
export class PrefixWriters {
  readonly #flights = new PrefixFlights();
  readonly #clock: Clock;
  /** The prefix that each writer under way writes. */
  readonly #written = new Map<string, string>();
  readonly #wake = new Map<string, () => void>();
  #named = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Names an attempt: two of one call may be under way at once, to the same target. */
  name(callId: string): string {
    this.#named += 1;
    return `${callId} ${this.#named}`;
  }

  /**
   * Waits, for a bounded time, for those who write what the attempt wants to read; then counts it as a writer where it has something to write.
   * @returns up to how many blocks it may mark.
   */
  async turn(request: WriterRequest): Promise<number> {
    const { name, chain, writeFrom, writeUntil, terms, signal } = request;
    // Of all waiting together: behind one prefix another one may be in flight.
    const endMs = this.#nowMs() + terms.maxWaitMs;
    for (;;) {
      const depth = this.#firstInFlight(request);
      if (depth === -1) break;
      const prefix = chain[depth]?.key ?? '';
      const prefixTokens = tokensOf(chain, depth, writeUntil);
      const maxWaitMs = Math.max(0, endMs - this.#nowMs());
      // oxlint-disable-next-line no-await-in-loop -- one writer after the other
      const verdict = await this.#verdict(prefix, name, { ...terms, maxWaitMs, prefixTokens }, signal);
      if (verdict === 'write') return writeUntil;
      if (verdict === 'unmarked') return depth;
    }
    const first = chain[writeFrom]?.key;
    if (writeUntil > writeFrom && first !== undefined) {
      const verdict = this.#flights.ask(first, name, { ...terms, prefixTokens: 0 }, this.#nowMs());
      if (verdict.kind === 'write') this.#written.set(name, first);
    }
    return writeUntil;
  }

  /** The attempt's reply has begun: what it wrote can be read. */
  begun(name: string): void {
    const prefix = this.#written.get(name);
    if (prefix === undefined) return;
    for (const waiting of this.#flights.written(prefix, name)) this.#wake.get(waiting)?.();
  }

  /** The attempt is over. Where its reply never began, the one that has waited longest writes. */
  over(name: string): void {
    const prefix = this.#written.get(name);
    if (prefix === undefined) return;
    this.#written.delete(name);
    this.#leave(prefix, name);
  }

  /** Attempts that write or wait. */
  get size(): number {
    return this.#flights.size + this.#written.size + this.#wake.size;
  }

  /** What becomes of an attempt that comes upon a prefix in flight, in the end. */
  async #verdict(
    prefix: string,
    name: string,
    terms: FlightTerms,
    signal: AbortSignal,
  ): Promise<'write' | 'read' | 'unmarked'> {
    while (!signal.aborted && this.#flights.isWriting(prefix, this.#nowMs())) {
      const verdict = this.#flights.ask(prefix, name, terms, this.#nowMs());
      if (verdict.kind === 'write') this.#written.set(name, prefix);
      if (verdict.kind !== 'wait') return verdict.kind;
      // oxlint-disable-next-line no-await-in-loop -- woken at the end of each writer
      await this.#wait(name, verdict.untilMs - this.#nowMs(), signal);
    }
    // Whoever nobody waits for may have become the writer meanwhile: then the next one does.
    this.#leave(prefix, name);
    return signal.aborted ? 'unmarked' : 'read';
  }

  /** Not the time of the day: that can be set back while somebody waits. */
  #nowMs(): number {
    return this.#clock.monotonicMs();
  }

  #leave(prefix: string, name: string): void {
    const next = this.#flights.failed(prefix, name, this.#nowMs());
    this.#flights.ended(prefix, name);
    if (next !== undefined) this.#wake.get(next)?.();
  }

  #firstInFlight({ chain, writeUntil }: WriterRequest): number {
    const nowMs = this.#nowMs();
    for (let depth = 0; depth < writeUntil; depth += 1) {
      if (this.#flights.isWriting(chain[depth]?.key ?? '', nowMs)) return depth;
    }
    return -1;
  }

  #wait(name: string, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake.delete(name);
        resolve();
      };
      const timer = setTimeout(done, Math.max(1, ms)).unref();
      signal.addEventListener('abort', done, { once: true });
      this.#wake.set(name, done);
    });
  }
}

function tokensOf(chain: readonly PrefixBlock[], from: number, until: number): number {
  return chain.slice(from, until).reduce((sum, { tokens }) => sum + tokens, 0);
}
