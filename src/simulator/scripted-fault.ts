/**
 * A fault that the simulated provider shows on purpose.
 * - `status`: answers with an error status and the provider's usual body for it.
 * - `cut`: ends the connection after so many frames of the reply, without the protocol's end (0: after the head).
 * - `in-band-error`: a 200 stream whose events turn into an error after so many frames. Whole replies become a 500.
 * - `slow`: waits so many real milliseconds before the head.
 * - `reset`: closes the connection before any byte of a reply.
 * @public
 */
export type ScriptedFault =
  | { readonly kind: 'status'; readonly status: 400 | 429 | 500 | 503 | 529; readonly retryAfterSeconds?: number }
  | { readonly kind: 'cut'; readonly afterFrames: number }
  | { readonly kind: 'in-band-error'; readonly afterFrames: number }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'reset' };

/** The faults of requests to come, first in, first out. @internal */
export class FaultScript<Fault = ScriptedFault> {
  readonly #queue: { readonly fault: Fault; left: number }[] = [];

  /** The next `count` requests that are not free show this fault. */
  add(fault: Fault, count: number): void {
    this.#queue.push({ fault, left: count });
  }

  isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Takes the fault of the request that is at hand. */
  take(): Fault | undefined {
    const next = this.#queue[0];
    if (next === undefined) return undefined;
    next.left -= 1;
    if (next.left <= 0) this.#queue.shift();
    return next.fault;
  }
}
