import type { FarthingError } from '../../core/errors.ts';
import type { ReplyForm } from '../../core/model/cache-entry.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';

/** What all replies that are being recorded may hold together, so that many long ones at a time do not fill the memory. @internal */
export class RecordingRoom {
  #leftBytes: number;

  constructor(sizeBytes: number) {
    this.#leftBytes = sizeBytes;
  }

  /** Takes so many bytes; false, and takes none, when there is no room for them. */
  take(sizeBytes: number): boolean {
    if (sizeBytes > this.#leftBytes) return false;
    this.#leftBytes -= sizeBytes;
    return true;
  }

  give(sizeBytes: number): void {
    this.#leftBytes += sizeBytes;
  }
}

/** Passes a reply on and keeps its bytes, up to a bound and while there is room. @internal */
export class ReplyRecorder implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  readonly #maxBytes: number;
  readonly #room: RecordingRoom;
  #chunks: Uint8Array[] | undefined = [];
  #sizeBytes = 0;
  #form: ReplyForm = 'whole';

  constructor(receiver: ReplyReceiver, maxBytes: number, room: RecordingRoom) {
    this.#receiver = receiver;
    this.#maxBytes = maxBytes;
    this.#room = room;
  }

  get form(): ReplyForm {
    return this.#form;
  }

  /** The reply's bytes; undefined when they were too many or have been forgotten. */
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
    for (const { bytes, role } of frames) if (role !== 'ping') this.#keep(bytes);
    return this.#receiver.frames(frames);
  }

  drained(): Promise<void> {
    return this.#receiver.drained();
  }

  end(): void {
    this.#receiver.end();
  }

  fail(error: FarthingError): void {
    this.forget();
    this.#receiver.fail(error);
  }

  /** Lets go of the bytes. To be called when the reply is over. */
  forget(): void {
    if (this.#chunks === undefined) return;
    this.#chunks = undefined;
    this.#room.give(this.#sizeBytes);
    this.#sizeBytes = 0;
  }

  #keep(bytes: Uint8Array): void {
    if (this.#chunks === undefined) return;
    const isTooMuch = this.#sizeBytes + bytes.byteLength > this.#maxBytes || !this.#room.take(bytes.byteLength);
    if (isTooMuch) {
      this.forget();
      return;
    }
    this.#sizeBytes += bytes.byteLength;
    this.#chunks.push(bytes);
  }
}
