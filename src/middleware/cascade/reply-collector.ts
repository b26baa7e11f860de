import type { FarthingError } from '../../core/errors.ts';
import type { ReplyForm } from '../../core/model/cache-entry.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';

/** Keeps a reply until it is known whether the client may have it. @internal */
export class ReplyCollector implements ReplyReceiver {
  readonly #maxBytes: number;
  readonly #onTooLong: () => void;
  #head: UpstreamHead | undefined;
  #frames: ReplyFrame[] = [];
  #sizeBytes = 0;
  #error: FarthingError | undefined;
  #isTooLong = false;

  /** @param onTooLong - called once, when it is longer than `maxBytes`: nothing of it is kept then. */
  constructor(maxBytes: number, onTooLong: () => void) {
    this.#maxBytes = maxBytes;
    this.#onTooLong = onTooLong;
  }

  /** Undefined where no head came. */
  get form(): ReplyForm | undefined {
    return this.#head?.form;
  }

  get isTooLong(): boolean {
    return this.#isTooLong;
  }

  /** Why there is no answer, as a reason code; undefined where nothing says that there is none. */
  get failure(): string | undefined {
    if (this.#isTooLong) return 'too-long';
    if (this.#error !== undefined) return this.#error.code;
    const status = this.#head?.status ?? 0;
    return status >= 300 ? `status-${status}` : undefined;
  }

  body(): Uint8Array {
    return Buffer.concat(this.#frames.map(({ bytes }) => bytes));
  }

  head(head: UpstreamHead): void {
    this.#head = head;
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    if (this.#isTooLong) return true;
    for (const { bytes } of frames) this.#sizeBytes += bytes.byteLength;
    if (this.#sizeBytes <= this.#maxBytes) {
      this.#frames.push(...frames);
    } else {
      this.#isTooLong = true;
      this.#frames = [];
      this.#onTooLong();
    }
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    // What is kept is all there is.
  }

  fail(error: FarthingError): void {
    this.#error = error;
  }

  /** Gives the client what was kept, to its end. */
  giveTo(receiver: ReplyReceiver): void {
    receiver.head(this.#head as UpstreamHead);
    receiver.frames(this.#frames);
    receiver.end();
  }
}
