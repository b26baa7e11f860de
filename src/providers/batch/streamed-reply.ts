import { FarthingError } from '../../core/errors.ts';
import type { Exchange, Provider, ProviderListener, ProviderRequest } from '../../ports/provider.ts';

/** A request about batches. @internal */
export interface BatchAsk {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Beside the content type. */
  readonly headers: Readonly<Record<string, string>>;
  readonly keyIndex: number | undefined;
  readonly contentType?: string;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
}

/** Bytes that wait for a slow reader before the provider is paused. Ours: some reads of a socket. */
const HELD_BYTES = 256 * 1024;

/**
 * How long a provider may take to answer, in milliseconds; of an upload, once it is through. Ours: what makes or lists things takes seconds, and a large
 * file is looked through first.
 */
const HEAD_TIMEOUT_MS = 120_000;

/** How long a reply may stand still, in milliseconds. Ours. */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * A provider's reply as it comes: iterated once, it goes no faster than its reader, who closes the connection by leaving early.
 * @internal
 */
export class StreamedReply implements ProviderListener, AsyncIterable<Uint8Array> {
  status = 0;
  headers: Readonly<Record<string, string | readonly string[]>> = {};
  readonly #chunks: Uint8Array[] = [];
  readonly #giveUp = new AbortController();
  #heldBytes = 0;
  #isPaused = false;
  #isOver = false;
  #fault: Error | undefined;
  #exchange: Exchange | undefined;
  #wake: (() => void) | undefined;

  /**
   * Sends a request; resolves when the reply's head is there, and the reply has to be iterated then.
   * @throws FarthingError as of `ProviderListener.onError`.
   */
  static async of(provider: Provider, ask: BatchAsk): Promise<StreamedReply> {
    const reply = new StreamedReply();
    reply.#exchange = provider.send(
      {
        path: ask.path,
        method: ask.method,
        headers: ask.contentType === undefined ? ask.headers : { ...ask.headers, 'content-type': ask.contentType },
        body: ask.body,
        signal: reply.#giveUp.signal,
        headTimeoutMs: HEAD_TIMEOUT_MS,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        keyIndex: ask.keyIndex,
      } satisfies ProviderRequest,
      reply,
    );
    if (reply.status === 0 && !reply.#isOver) await reply.#change();
    if (reply.status !== 0) return reply;
    throw reply.#fault ?? new FarthingError('provider-broken', 'the provider sent no reply', { retryable: true });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        // oxlint-disable-next-line no-await-in-loop -- a stream goes chunk by chunk
        const chunk = await this.#next();
        if (chunk === undefined) return;
        yield chunk;
      }
    } finally {
      this.#chunks.length = 0;
      if (!this.#isOver) this.#giveUp.abort();
    }
  }

  onHead(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void {
    this.status = status;
    this.headers = headers;
    this.#wake?.();
  }

  onData(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.byteLength;
    this.#isPaused ||= this.#heldBytes >= HELD_BYTES;
    this.#wake?.();
    return !this.#isPaused;
  }

  onEnd(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  onError(error: Error): void {
    this.#isOver = true;
    this.#fault = error;
    this.#wake?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#heldBytes -= chunk.byteLength;
      return chunk;
    }
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#isOver) return undefined;
    const changed = this.#change();
    this.#goOn(); // a provider in this process may go on at once
    await changed;
    return this.#next();
  }

  #goOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#exchange?.resume();
  }

  /** Resolves when something came. One waits at a time. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
