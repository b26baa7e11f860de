import type { FarthingError } from '../../core/errors.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';

/** What {@link LastReceiver} needs. @internal */
export interface LastReceiverOptions {
  /** Called before anything of the reply is passed on: heads and money are told from the call's state. */
  readonly beforePassing: () => void;
  /** Whether a failure is kept from the client, as long as it has seen nothing: there is an answer to give in its place. */
  readonly hidesFailure: boolean;
}

/** Passes the reply of a cascade's last target on as it comes. @internal */
export class LastReceiver implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  readonly #options: LastReceiverOptions;
  #state: 'waiting' | 'passing' | 'hidden' = 'waiting';

  constructor(receiver: ReplyReceiver, options: LastReceiverOptions) {
    this.#receiver = receiver;
    this.#options = options;
  }

  /** Whether it failed, and the client knows nothing of it. */
  get isHidden(): boolean {
    return this.#state === 'hidden';
  }

  head(head: UpstreamHead): void {
    if (head.status >= 300 && this.#options.hidesFailure) {
      this.#state = 'hidden';
      return;
    }
    this.#state = 'passing';
    this.#options.beforePassing();
    this.#receiver.head(head);
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    return this.isHidden || this.#receiver.frames(frames);
  }

  drained(): Promise<void> {
    return this.#receiver.drained();
  }

  end(): void {
    if (this.isHidden) return;
    this.#options.beforePassing();
    this.#receiver.end();
  }

  fail(error: FarthingError): void {
    if (this.#state === 'waiting' && this.#options.hidesFailure && error.code !== 'client-left') this.#state = 'hidden';
    if (this.isHidden) return;
    this.#options.beforePassing();
    this.#receiver.fail(error);
  }
}
