import type { FarthingError } from '../../core/errors.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';

/** Statuses of a provider that is down, overloaded or out of quota: those that a stale answer may stand in for. */
function isOutage(status: number): boolean {
  return status === 429 || status >= 500;
}

/**
 * Stands between a provider and a client for whom a stale answer is at hand: keeps a failure to itself, as long as nothing has
 * been passed on, so that the stale answer can be given instead.
 * @internal
 */
export class StaleGuard implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  #hasPassed = false;
  #hasFailed = false;

  constructor(receiver: ReplyReceiver) {
    this.#receiver = receiver;
  }

  /** Whether the provider failed and the client has got nothing. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  head(head: UpstreamHead): void {
    this.#hasFailed = isOutage(head.status);
    if (this.#hasFailed) return;
    this.#hasPassed = true;
    this.#receiver.head(head);
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    return this.#hasFailed ? true : this.#receiver.frames(frames);
  }

  drained(): Promise<void> {
    return this.#receiver.drained();
  }

  end(): void {
    if (!this.#hasFailed) this.#receiver.end();
  }

  fail(error: FarthingError): void {
    if (this.#hasPassed || error.code === 'client-left') this.#receiver.fail(error);
    else this.#hasFailed = true;
  }
}
