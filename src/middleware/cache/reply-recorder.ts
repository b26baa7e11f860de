import type { FarthingError } from '../../core/errors.ts';
import type { ReplyForm } from '../../core/model/cache-entry.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';

/** Passes a reply on and keeps its bytes, up to a bound. @internal */
export class ReplyRecorder implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  readonly #maxBytes: number;
  #chunks: Uint8Array[] | undefined = [];
  #sizeBytes = 0;
  #form: ReplyForm = 'whole';

  constructor(receiver: ReplyReceiver, maxBytes: number) {
    this.#receiver = receiver;
    this.#maxBytes = maxBytes;
  }

  get form(): ReplyForm {
    return this.#form;
  }

  /** The reply's bytes; undefined when it was longer than the bound. */
  body(): Uint8Array | undefined {
    if (this.#chunks === undefined) return undefined;
    const only = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    // A chunk may be a view of a larger buffer (and so may what `Buffer.concat` makes), which an entry must not keep alive.
    if (only !== undefined && only.byteLength === only.buffer.byteLength) return only;
    const body = new Uint8Array(this.#sizeBytes);
    let end = 0;
    for (const chunk of this.#chunks) {
      body.set(chunk, end);
      end += chunk.byteLength;
    }
    return body;
  }

  head(head: UpstreamHead): void {
    this.#form = head.form;
    this.#receiver.head(head);
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    for (const { bytes } of frames) {
      this.#sizeBytes += bytes.byteLength;
      this.#chunks?.push(bytes);
    }
    if (this.#sizeBytes > this.#maxBytes) this.#chunks = undefined;
    return this.#receiver.frames(frames);
  }

  drained(): Promise<void> {
    return this.#receiver.drained();
  }

  end(): void {
    this.#receiver.end();
  }

  fail(error: FarthingError): void {
    this.#chunks = undefined;
    this.#receiver.fail(error);
  }
}
