import type { FarthingError } from '../../core/errors.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';

/** What {@link ReplyGate} needs. @internal */
export interface ReplyGateOptions {
  /** Whether nothing of a stream is passed on before it is whole. */
  readonly holdsAll: boolean;
  /** Most bytes of a stream that are held back; what is longer is passed on. */
  readonly maxHeldBytes: number;
  /** Asked once, when the reply's first text is about to be passed on; false drops the reply: another one was faster. */
  readonly mayOpen: () => boolean;
}

/**
 * Stands between one attempt and the client. Holds a reply back until it is worth showing (a stream: its first text, reasoning or tool delta; a whole
 * reply: its end), so that until then another attempt can take its place unseen. Once open everything passes, but for errors: what
 * becomes of them is decided elsewhere.
 * @internal
 */
export class ReplyGate implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  readonly #options: ReplyGateOptions;
  #head: UpstreamHead | undefined;
  #held: ReplyFrame[] = [];
  #heldBytes = 0;
  #error: FarthingError | undefined;
  #state: 'held' | 'open' | 'dropped' = 'held';
  #isEnded = false;
  #hasErrorFrame = false;

  constructor(receiver: ReplyReceiver, options: ReplyGateOptions) {
    this.#receiver = receiver;
    this.#options = options;
  }

  /** Whether the client has seen anything of it. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** The head of the reply, undefined when none came. */
  get upstreamHead(): UpstreamHead | undefined {
    return this.#head;
  }

  /** Why the reply broke off, undefined when it came to its end. */
  get error(): FarthingError | undefined {
    return this.#error;
  }

  /** What is held of the reply: of one that was not opened, all of it. */
  heldBytes(): Uint8Array {
    return Buffer.concat(this.#held.map((frame) => frame.bytes));
  }

  head(head: UpstreamHead): void {
    this.#head = head;
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    if (this.#state === 'dropped') return true;
    if (this.#state === 'held') this.#hold(frames);
    else return this.#relay(frames);
    return this.#head?.form === 'stream' && this.#isWorthShowing(frames) ? this.#open() : true;
  }

  drained(): Promise<void> {
    return this.#receiver.drained();
  }

  end(): void {
    this.#isEnded = true;
    if (this.#state === 'open' && !this.#hasErrorFrame) this.#receiver.end();
  }

  fail(error: FarthingError): void {
    this.#error = error;
  }

  /**
   * Passes on what is held, with the reply's end where it has come.
   * @param head - in place of the reply's own.
   */
  pass(head: UpstreamHead): void {
    if (this.#state === 'held') {
      this.#state = 'open';
      this.#receiver.head(head);
    }
    const held = this.#held;
    this.#held = [];
    if (held.length > 0) this.#receiver.frames(held);
    if (this.#isEnded) this.#receiver.end();
  }

  #open(): boolean {
    if (!this.#options.mayOpen()) {
      this.#state = 'dropped';
      this.#held = [];
      return true;
    }
    this.#state = 'open';
    this.#receiver.head(this.#head as UpstreamHead);
    const held = this.#held;
    this.#held = [];
    return this.#relay(held);
  }

  /** An error inside the stream is kept: it may still be hidden from the client. */
  #relay(frames: readonly ReplyFrame[]): boolean {
    const fault = frames.findIndex((frame) => frame.role === 'error');
    if (fault < 0) return this.#receiver.frames(frames);
    this.#hasErrorFrame = true;
    this.#held.push(...frames.slice(fault));
    return fault === 0 ? true : this.#receiver.frames(frames.slice(0, fault));
  }

  #hold(frames: readonly ReplyFrame[]): void {
    for (const frame of frames) {
      this.#held.push(frame);
      this.#heldBytes += frame.bytes.byteLength;
    }
  }

  #isWorthShowing(frames: readonly ReplyFrame[]): boolean {
    if (frames.some((frame) => frame.role === 'error')) return false;
    if (this.#heldBytes > this.#options.maxHeldBytes) return true;
    return !this.#options.holdsAll && frames.some((frame) => frame.role === 'content');
  }
}
