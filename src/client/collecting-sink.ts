import type { ReplyHead, ReplySink } from '../ports/reply-sink.ts';

/** Collects a whole reply in memory. @internal */
export class CollectingSink implements ReplySink {
  readonly #chunks: Uint8Array[] = [];
  status = 0;
  headers: Readonly<Record<string, string>> = {};

  /** The body as text. */
  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  head(head: ReplyHead): void {
    this.status = head.status;
    this.headers = head.headers;
  }

  write(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk);
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    // The body is whole: nothing to do.
  }

  abort(): void {
    this.status = 0;
  }
}
