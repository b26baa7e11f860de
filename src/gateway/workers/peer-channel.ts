import { type ErrorCode, FarthingError, isFarthingError } from '../../core/errors.ts';

/** An error on its way to another process. */
interface SentFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly status: number;
  readonly retryable: boolean;
}

/** What passes between the primary process and a worker. */
type PeerMessage =
  | { readonly kind: 'farthing-ask'; readonly id: number; readonly what: string; readonly value: unknown }
  | { readonly kind: 'farthing-answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'farthing-fault'; readonly id: number; readonly fault: SentFault };

/** Answers what the other process asks. @internal */
export type PeerHandlers = Readonly<Record<string, (value: unknown) => unknown>>;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: FarthingError) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Questions and answers between two processes of one gateway, over the messages that Node passes between them. Both ends are ours: what comes is
 * trusted to have the form it was sent in.
 * @internal
 */
export class PeerChannel {
  readonly #send: (message: PeerMessage) => void;
  readonly #handlers: PeerHandlers;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  constructor(send: (message: unknown) => void, handlers: PeerHandlers) {
    this.#send = send;
    this.#handlers = handlers;
  }

  /**
   * Asks the other process and waits for its answer.
   * @throws FarthingError what the other process threw, or `overloaded` when it does not answer in time.
   */
  ask(what: string, value: unknown, timeoutMs: number): Promise<unknown> {
    const id = (this.#asked += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(noAnswer(what));
      }, timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#send({ kind: 'farthing-ask', id, what, value });
    });
  }

  /** Takes what came from the other process; messages that are not ours are left alone. */
  take(message: unknown): void {
    if (!isPeerMessage(message)) return;
    switch (message.kind) {
      case 'farthing-ask':
        void this.#answer(message.id, message.what, message.value);
        return;
      case 'farthing-answer':
        this.#settle(message.id)?.resolve(message.value);
        return;
      case 'farthing-fault': {
        const { code, message: text, status, retryable } = message.fault;
        this.#settle(message.id)?.reject(new FarthingError(code, text, { status, retryable }));
      }
    }
  }

  /** The other process is gone: nothing is answered any more. */
  close(): void {
    for (const id of this.#waiting.keys()) this.#settle(id)?.reject(noAnswer('a process that ended'));
  }

  async #answer(id: number, what: string, value: unknown): Promise<void> {
    try {
      const answer = await this.#handlers[what]?.(value);
      this.#send({ kind: 'farthing-answer', id, value: answer });
    } catch (error) {
      this.#send({ kind: 'farthing-fault', id, fault: sentFault(error) });
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}

function isPeerMessage(message: unknown): message is PeerMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    typeof message.kind === 'string' &&
    message.kind.startsWith('farthing-')
  );
}

function sentFault(error: unknown): SentFault {
  if (!isFarthingError(error)) {
    return { code: 'internal', message: 'an internal fault; the log says more', status: 500, retryable: false };
  }
  const { code, message, status, retryable } = error;
  return { code, message, status, retryable };
}

function noAnswer(what: string): FarthingError {
  return new FarthingError('overloaded', `another process of the gateway did not answer (${what})`, {
    retryable: true,
  });
}
