import type { FarthingError } from '../../core/errors.ts';
import type { CallPriority } from '../../core/model/call-priority.ts';

/** The connection that a call came over, as far as waiting needs it: a server's response. @internal */
export interface ClientConnection {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

/** Why a call gives up its place by itself. @internal */
export type WaitingEnd = 'client-left' | 'timeout';

/** A call that waits for its turn. It ends once: it runs or is refused. @internal */
export class WaitingCall {
  readonly priority: CallPriority;
  /** Since when it waits, on the monotonic clock. */
  readonly sinceMs: number;
  readonly #client: ClientConnection;
  readonly #turn: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: FarthingError) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #onClose: (() => void) | undefined;

  constructor(priority: CallPriority, client: ClientConnection, sinceMs: number) {
    this.priority = priority;
    this.#client = client;
    this.sinceMs = sinceMs;
    this.#turn = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Resolves when the call may run, rejects when it is refused. `onEnd` hears of the end of its patience; it has to refuse the call then. */
  wait(waitMs: number, onEnd: (end: WaitingEnd) => void): Promise<void> {
    this.#timer = setTimeout(() => onEnd('timeout'), waitMs).unref();
    this.#onClose = () => onEnd('client-left');
    this.#client.once('close', this.#onClose);
    return this.#turn;
  }

  run(): void {
    this.#stopWaiting();
    this.#resolve();
  }

  refuse(error: FarthingError): void {
    this.#stopWaiting();
    this.#reject(error);
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    if (this.#onClose !== undefined) this.#client.off('close', this.#onClose);
  }
}
