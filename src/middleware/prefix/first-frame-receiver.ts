import type { FarthingError } from '../../core/errors.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';

/** Passes a reply on as it comes, and tells when its first bytes are there and it is no error. @internal */
export class FirstFrameReceiver implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  readonly #onFirst: () => void;
  #isGood = false;
  #isTold = false;

  constructor(receiver: ReplyReceiver, onFirst: () => void) {
    this.#receiver = receiver;
    this.#onFirst = onFirst;
  }

  head(head: UpstreamHead): void {
    this.#isGood = head.status < 300;
    this.#receiver.head(head);
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    if (this.#isGood && !this.#isTold) {
      this.#isTold = true;
      this.#onFirst();
    }
    return this.#receiver.frames(frames);
  }

  drained(): Promise<void> {
    return this.#receiver.drained();
  }

  end(): void {
    this.#receiver.end();
  }

  fail(error: FarthingError): void {
    this.#receiver.fail(error);
  }
}
