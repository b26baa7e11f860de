import type { FarthingError } from '../../core/errors.ts';
import type { ContinuedStream } from '../../wire/continued-stream.ts';
import type { PartialAnswer } from '../../wire/partial-answer.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';

/** Passes a stream on and remembers what the client has of it. @internal */
export class RememberingReceiver implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  readonly #answer: PartialAnswer;

  constructor(receiver: ReplyReceiver, answer: PartialAnswer) {
    this.#receiver = receiver;
    this.#answer = answer;
  }

  head(head: UpstreamHead): void {
    this.#receiver.head(head);
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    for (const frame of frames) this.#answer.take(frame);
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

/** Takes the stream of the target that goes on, and gives the client the rest of the first one. @internal */
export class ContinuingReceiver implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  readonly #continued: ContinuedStream;
  #isStream = false;

  constructor(receiver: ReplyReceiver, continued: ContinuedStream) {
    this.#receiver = receiver;
    this.#continued = continued;
  }

  /** Whether what came was a stream: a whole reply cannot be put behind a part of one. */
  get isStream(): boolean {
    return this.#isStream;
  }

  head(head: UpstreamHead): void {
    this.#isStream = head.form === 'stream';
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    return this.#isStream ? this.#receiver.frames(this.#continued.take(frames)) : true;
  }

  drained(): Promise<void> {
    return this.#receiver.drained();
  }

  end(): void {
    if (this.#isStream) this.#receiver.end();
  }

  fail(error: FarthingError): void {
    this.#receiver.fail(error);
  }
}
