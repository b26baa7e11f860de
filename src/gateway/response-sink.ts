import type { ServerResponse } from 'node:http';
import type { ReplyHead, ReplySink } from '../ports/reply-sink.ts';

/**
 * Chunks that come within one tick are merged up to this many bytes: one HTTP chunk of 64 KB costs as much as one of 200 bytes
 * (40-50 µs), and more would only delay the first byte.
 */
const MERGE_BYTES = 65_536;

/** Writes a reply to an HTTP response. Once the client is gone everything is accepted and dropped. @internal */
export class ResponseSink implements ReplySink {
  readonly #response: ServerResponse;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isWhole = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  head(head: ReplyHead): void {
    if (this.#response.destroyed) return;
    const flat: string[] = [];
    for (const name in head.headers) {
      const value = head.headers[name];
      if (value !== undefined) flat.push(name, value);
    }
    // Trailers exist only in chunked replies, so not for HTTP/1.0 clients.
    if (head.trailerNames !== undefined && this.#response.req.httpVersionMinor > 0) {
      flat.push('trailer', head.trailerNames.join(', '));
    }
    this.#isWhole = head.headers['content-length'] !== undefined;
    this.#response.writeHead(head.status, flat);
  }

  write(chunk: Uint8Array): boolean {
    if (chunk.byteLength === 0) return !this.#response.writableNeedDrain;
    if (this.#heldBytes === 0) process.nextTick(flushHeld, this);
    this.#held.push(chunk);
    this.#heldBytes += chunk.byteLength;
    if (this.#heldBytes >= MERGE_BYTES) this.flush();
    return !this.#response.writableNeedDrain;
  }

  drained(): Promise<void> {
    const response = this.#response;
    // Asked of the response itself: the reader may have caught up, and its `drain` passed, before anybody waited for it.
    if (!response.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        response.off('drain', settle);
        response.off('close', settle);
        resolve();
      };
      response.on('drain', settle);
      response.on('close', settle);
    });
  }

  end(trailers?: Readonly<Record<string, string>>): void {
    if (this.#response.destroyed) return;
    if (trailers !== undefined && this.#response.req.httpVersionMinor > 0) {
      this.#response.addTrailers({ ...trailers });
    }
    const rest = this.#take();
    if (rest === undefined) this.#response.end();
    else this.#response.end(rest);
  }

  abort(_error: Error): void {
    const { socket, req: request } = this.#response;
    if (this.#response.destroyed || socket === null) return;
    this.flush();
    // A chunked or counted reply that just stops is visibly cut. One that is ended by closing (HTTP/1.0) needs a reset.
    const needsReset = request.httpVersionMinor === 0 && !this.#isWhole;
    // Node holds writes back until the tick ends; what was written before the cut should still arrive.
    setImmediate(() => {
      if (needsReset) socket.resetAndDestroy();
      else socket.destroy();
    });
  }

  /** Hands what was held back to the socket. @internal */
  flush(): void {
    const rest = this.#take();
    if (rest === undefined || this.#response.destroyed || this.#response.writableEnded) return;
    this.#response.write(rest);
  }

  #take(): Uint8Array | undefined {
    if (this.#heldBytes === 0) return undefined;
    const held = this.#held;
    const rest = held.length === 1 ? held[0] : Buffer.concat(held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    return rest;
  }
}

function flushHeld(sink: ResponseSink): void {
  sink.flush();
}
