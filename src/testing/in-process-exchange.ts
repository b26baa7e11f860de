import { FarthingError } from '../core/errors.ts';
import type { Exchange, ProviderListener } from '../ports/provider.ts';
import type { ProviderRefusal } from '../simulator/simulated-reply.ts';

/** One reply on its way to a listener in this process: paused, aborted and ended by the rules of the port. @internal */
export class InProcessExchange implements Exchange {
  readonly #listener: ProviderListener;
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;
  #resume: (() => void) | undefined;
  #isOver = false;

  constructor(listener: ProviderListener, signal: AbortSignal) {
    this.#listener = listener;
    this.#signal = signal;
    this.#onAbort = (): void => this.fail(reasonOf(signal));
    if (signal.aborted) queueMicrotask(this.#onAbort);
    else signal.addEventListener('abort', this.#onAbort);
  }

  /** Whether the listener was told the end. */
  get isOver(): boolean {
    return this.#isOver;
  }

  resume(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  head(status: number, headers: Readonly<Record<string, string>>): void {
    if (!this.#isOver) this.#listener.onHead(status, headers);
  }

  /** Hands a chunk over, and waits where the listener pauses. @returns whether it still listens. */
  async write(chunk: string | Uint8Array): Promise<boolean> {
    if (this.#isOver) return false;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    const resumed = new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
    if (!this.#listener.onData(bytes)) await resumed;
    this.#resume = undefined;
    return !this.#isOver;
  }

  end(): void {
    if (this.#close()) this.#listener.onEnd();
  }

  /** Refuses with an error's status and body. */
  refuse(refusal: ProviderRefusal, body: string): void {
    if (this.#isOver) return;
    this.head(refusal.status, { ...refusal.headers, 'content-type': 'application/json' });
    this.#listener.onData(Buffer.from(body));
    this.end();
  }

  /** The connection is reset. */
  breakOff(): void {
    this.fail(
      new FarthingError('provider-broken', 'the connection to the provider broke (reset)', { retryable: true }),
    );
  }

  fail(error: Error): void {
    if (this.#close()) this.#listener.onError(error, true);
  }

  #close(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.resume(); // who waits for the reader need not any more
    return true;
  }
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof FarthingError ? reason : new FarthingError('client-left', 'nobody waits for the answer');
}
