import type { ReplyHead, ReplySink } from '../ports/reply-sink.ts';

/** Passes a reply on and keeps its bytes, for the call log. @internal */
export class TeeSink implements ReplySink {
  readonly #sink: ReplySink;
  readonly #chunks: Uint8Array[] = [];

  constructor(sink: ReplySink) {
    this.#sink = sink;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  head(head: ReplyHead): void {
    this.#sink.head(head);
  }

  write(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk);
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
