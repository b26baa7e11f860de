import type { ReplyHead, ReplySink } from '../../ports/reply-sink.ts';

/** Collects the reply to a call that nobody waits for. @internal */
export class CollectedReply implements ReplySink {
  readonly #chunks: Uint8Array[] = [];
  /** 0: it broke off. */
  status = 0;
  callId = '';

  /** The body as text. */
  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  head(head: ReplyHead): void {
    this.status = head.status;
    this.callId = head.headers['x-farthing-request-id'] ?? '';
  }

  write(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk);
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    // The body is whole.
  }

  abort(): void {
    this.status = 0;
  }
}
