import type { FarthingError } from '../../core/errors.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';

/**
 * Keeps the end of a reply back until `release`: from its terminal frame on for a stream, all of it for a whole reply (so that its
 * head can say what it cost). Everything before passes at once.
 * @internal
 */
export class HoldBack implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  readonly #held: ReplyFrame[] = [];
  #head: UpstreamHead | undefined;
  #isHolding = false;
  #error: FarthingError | undefined;
  #isEnded = false;

  constructor(receiver: ReplyReceiver) {
    this.#receiver = receiver;
  }

  /** Status of the provider's reply, undefined when none came. */
  get status(): number | undefined {
    return this.#head?.status;
  }

  /** Why the reply failed, undefined when it did not. */
  get error(): FarthingError | undefined {
    return this.#error;
  }

  head(head: UpstreamHead): void {
    this.#head = head;
    this.#isHolding = head.form === 'whole';
    if (!this.#isHolding) this.#receiver.head(head);
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    if (this.#isHolding) {
      this.#held.push(...frames);
      return true;
    }
    const end = frames.findIndex((frame) => frame.role === 'terminal');
    if (end < 0) return this.#receiver.frames(frames);
    this.#isHolding = true;
    this.#held.push(...frames.slice(end));
    return end === 0 ? true : this.#receiver.frames(frames.slice(0, end));
  }

  drained(): Promise<void> {
    return this.#receiver.drained();
  }

  end(): void {
    this.#isEnded = true;
  }

  fail(error: FarthingError): void {
    this.#error = error;
  }

  /** Passes on what was held back, once the charge is durable. */
  release(): void {
    // The end of an answer that failed would be a lie.
    if (this.#error !== undefined) this.#held.length = 0;
    if (this.#head?.form === 'whole' && (this.#isEnded || this.#held.length > 0)) this.#receiver.head(this.#head);
    if (this.#held.length > 0) this.#receiver.frames(this.#held);
    if (this.#error !== undefined) this.#receiver.fail(this.#error);
    else if (this.#isEnded) this.#receiver.end();
  }
}
