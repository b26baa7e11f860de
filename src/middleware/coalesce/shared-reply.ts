import { FarthingError } from '../../core/errors.ts';
import type { Call, Outcome, ReplyReceiver, UpstreamHead } from '../compose.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';

/** How sharing ended for one caller: with the reply's own outcome, or with the lead. @internal */
export interface ShareResult {
  readonly kind: Outcome['kind'] | 'lead';
}

interface Reader {
  readonly call: Call;
  readonly settle: (result: ShareResult) => void;
  readonly onLeave: () => void;
  /** Number of the next frame that the reader gets. */
  next: number;
  hasHead: boolean;
  isBehind: boolean;
}

/**
 * One reply for many readers: a bounded buffer in which each reader holds an offset. A late joiner gets what has passed, then the
 * rest. The fastest reader paces the provider; one that falls behind the buffer's bound gets an error. When the last
 * reader leaves, `signal` fires.
 * @internal
 */
export class SharedReply implements ReplyReceiver {
  readonly #leader: Call;
  readonly #bufferBytes: number;
  readonly #onClosed: () => void;
  readonly #abandoned = new AbortController();
  readonly #readers = new Set<Reader>();
  readonly #waiting: (() => void)[] = [];
  #head: UpstreamHead | undefined;
  #frames: ReplyFrame[] = [];
  /** Number of the first frame that is still kept. */
  #first = 0;
  #sizeBytes = 0;
  #result: ShareResult | undefined;
  #error: FarthingError | undefined;
  #hasErrorFrame = false;

  /** `onClosed` is called once nobody can join any more. */
  constructor(leader: Call, bufferBytes: number, onClosed: () => void) {
    this.#leader = leader;
    this.#bufferBytes = bufferBytes;
    this.#onClosed = onClosed;
  }

  /** Fires when nobody reads any more. */
  get signal(): AbortSignal {
    return this.#abandoned.signal;
  }

  /** Adds a reader; settles when it has got everything, left, or must lead. */
  attach(call: Call): Promise<ShareResult> {
    return new Promise((settle) => {
      const onLeave = (): void => this.#detach(reader, { kind: 'client-left' });
      const reader: Reader = { call, settle, onLeave, next: 0, hasHead: false, isBehind: false };
      this.#readers.add(reader);
      call.signal.addEventListener('abort', onLeave, { once: true });
      if (call.signal.aborted) onLeave();
      else this.#pump(reader);
    });
  }

  /**
   * The leader was refused: everybody else is told to lead; the first to ask does. Who has begun to read cannot begin again: after a
   * fault of ours in the middle of a reply it gets an error.
   */
  handOver(leader: Call): void {
    this.#onClosed();
    for (const reader of this.#readers) {
      const isLeader = reader.call === leader;
      if (!isLeader && reader.hasHead) {
        reader.call.receiver.fail(new FarthingError('internal', 'the shared reply broke off', { retryable: true }));
        this.#detach(reader, { kind: 'broken' });
      } else {
        this.#detach(reader, { kind: isLeader ? 'refused' : 'lead' });
      }
    }
  }

  head(head: UpstreamHead): void {
    this.#head = head;
    for (const reader of this.#readers) this.#pump(reader);
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    for (const frame of frames) {
      this.#frames.push(frame);
      this.#sizeBytes += frame.bytes.byteLength;
      if (frame.role === 'error') this.#hasErrorFrame = true;
    }
    for (const reader of this.#readers) this.#pump(reader);
    if (this.#sizeBytes > this.#bufferBytes) this.#trim();
    return this.#isKeptUpWith();
  }

  drained(): Promise<void> {
    if (this.#isKeptUpWith()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  end(): void {
    const failed = this.#hasErrorFrame || (this.#head?.status ?? 0) >= 300;
    this.#finish({ kind: failed ? 'provider-error' : 'complete' });
  }

  fail(error: FarthingError): void {
    this.#error = error;
    this.#finish({ kind: error.code === 'client-left' ? 'client-left' : 'broken' });
  }

  #finish(result: ShareResult): void {
    this.#result = result;
    for (const reader of this.#readers) this.#pump(reader);
  }

  #isKeptUpWith(): boolean {
    if (this.#readers.size === 0) return true;
    for (const reader of this.#readers) if (!reader.isBehind) return true;
    return false;
  }

  #pump(reader: Reader): void {
    if (reader.isBehind) return;
    const { receiver } = reader.call;
    if (this.#head !== undefined && !reader.hasHead) {
      reader.hasHead = true;
      const { answer, answering } = this.#leader.state;
      // The head names the target, and no reader but the leader has asked one.
      reader.call.state.answering = answer?.target ?? answering;
      receiver.head(this.#head);
    }
    const end = this.#first + this.#frames.length;
    if (reader.next < end) {
      const batch = this.#frames.slice(reader.next - this.#first);
      reader.next = end;
      if (!receiver.frames(batch)) {
        this.#waitFor(reader);
        return;
      }
    }
    if (this.#result !== undefined) this.#conclude(reader, this.#result);
  }

  #waitFor(reader: Reader): void {
    reader.isBehind = true;
    void this.#resume(reader);
  }

  async #resume(reader: Reader): Promise<void> {
    await reader.call.receiver.drained();
    reader.isBehind = false;
    if (this.#readers.has(reader)) this.#pump(reader);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #conclude(reader: Reader, result: ShareResult): void {
    const { answer } = this.#leader.state;
    if (reader.call !== this.#leader && answer !== undefined) {
      const source = answer.source === 'provider' ? 'shared' : answer.source;
      reader.call.state.answer = { ...answer, source, charge: undefined };
    }
    if (this.#error === undefined) reader.call.receiver.end();
    else reader.call.receiver.fail(this.#error);
    this.#detach(reader, result);
  }

  /** Drops the oldest frames; who still needed them has lost the thread and is told so. */
  #trim(): void {
    this.#onClosed();
    let dropped = 0;
    while (this.#sizeBytes > this.#bufferBytes && dropped < this.#frames.length) {
      this.#sizeBytes -= this.#frames[dropped]?.bytes.byteLength ?? 0;
      dropped += 1;
    }
    this.#frames = this.#frames.slice(dropped);
    this.#first += dropped;
    for (const reader of this.#readers) {
      if (reader.next >= this.#first) continue;
      reader.call.receiver.fail(
        new FarthingError('overloaded', 'the reader fell too far behind a shared reply', { retryable: true }),
      );
      this.#detach(reader, { kind: 'broken' });
    }
  }

  #detach(reader: Reader, result: ShareResult): void {
    if (!this.#readers.delete(reader)) return;
    reader.call.signal.removeEventListener('abort', reader.onLeave);
    reader.settle(result);
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.#readers.size > 0 || this.#result !== undefined || result.kind !== 'client-left') return;
    this.#onClosed();
    this.#abandoned.abort(new FarthingError('client-left', 'nobody waits for the answer'));
  }
}
