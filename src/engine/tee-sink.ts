import type { ReplyHead, ReplySink } from '../ports/reply-sink.ts';

/** Passes a reply on and keeps its bytes, for the call log and for the guard of routes. @internal */
export class TeeSink implements ReplySink {
  readonly #sink: ReplySink;
  readonly #isKept: () => boolean;
  #chunks: Uint8Array[] | undefined;

  /** @param isKept - asked once, when the reply begins: whether anybody will want its bytes. */
  constructor(sink: ReplySink, isKept: () => boolean) {
    this.#sink = sink;
    this.#isKept = isKept;
  }

  /** What the caller got; empty where nobody wanted it. */
  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks ?? []);
  }

  head(head: ReplyHead): void {
    if (this.#isKept()) this.#chunks = [];
    this.#sink.head(head);
  }

  write(chunk: Uint8Array): boolean {
    this.#chunks?.push(chunk);
    return this.#sink.write(chunk);
  }

  drained(): Promise<void> {
    return this.#sink.drained();
  }

  end(trailers?: Readonly<Record<string, string>>): void {
    this.#sink.end(trailers);
  }

  abort(error: Error): void {
    this.#sink.abort(error);
  }
}
