import type { FarthingError } from '../../core/errors.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';

/**
 * Stands between a provider and a client who may yet be answered from elsewhere, from another target or with a stale answer: keeps a failure until
 * `release`. An answer passes.
 * @internal
 */
export class HeldFailure implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  readonly #frames: ReplyFrame[] = [];
  #head: UpstreamHead | undefined;
  #error: FarthingError | undefined;
  #hasPassed = false;

  constructor(receiver: ReplyReceiver) {
    this.#receiver = receiver;
  }

  /** The head of the reply that failed. */
  get failedHead(): UpstreamHead | undefined {
    return this.#head;
  }

  /** Why there is no reply, or not a whole one. */
  get error(): FarthingError | undefined {
    return this.#error;
  }

  /** Whether the client has seen a part of an answer: then nothing can stand in for it. */
  get hasPassed(): boolean {
    return this.#hasPassed;
  }

  head(head: UpstreamHead): void {
    if (head.status >= 300) {
      this.#head = head;
      return;
    }
    this.#hasPassed = true;
    this.#receiver.head(head);
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    if (this.#head === undefined) return this.#receiver.frames(frames);
    this.#frames.push(...frames);
    return true;
  }

  drained(): Promise<void> {
    return this.#receiver.drained();
  }

  end(): void {
    if (this.#head === undefined) this.#receiver.end();
  }

  fail(error: FarthingError): void {
    this.#error = error;
  }

  /** Gives the failure to the client after all. */
  release(): void {
    if (this.#error !== undefined) {
      this.#receiver.fail(this.#error);
    } else if (this.#head !== undefined) {
      this.#receiver.head(this.#head);
      this.#receiver.frames(this.#frames);
      this.#receiver.end();
    }
  }
}
