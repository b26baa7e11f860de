// The measure of all others: a proxy of node:http and undici's dispatch that reads a body, sends it on, and gives the answer back. It
// looks at nothing.
import { createServer, type ServerResponse } from 'node:http';
import { type Dispatcher, Pool } from 'undici';
import { serveForBench, setting } from './support/bench-child.ts';

const pool = new Pool(setting('BENCH_UPSTREAM'), { connections: 128, pipelining: 1 });

class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  #contentType = '';
  #isStream = false;
  #chunks: Buffer[] = [];

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(): void {
    // undici demands the method
  }

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    this.#contentType = String(headers['content-type']);
    this.#isStream = this.#contentType.startsWith('text/event-stream');
    if (this.#isStream) this.#response.writeHead(status, { 'content-type': this.#contentType });
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#isStream) this.#response.write(chunk);
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#isStream) {
      this.#response.end();
      return;
    }
    const body = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#response.writeHead(200, { 'content-type': this.#contentType, 'content-length': body?.byteLength ?? 0 });
    this.#response.end(body);
  }

  onResponseError(): void {
    this.#response.destroy();
  }
}

serveForBench(
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' };
      const body = chunks.length === 1 ? (chunks[0] ?? null) : Buffer.concat(chunks);
      pool.dispatch({ path: request.url ?? '/', method: 'POST', headers, body }, new Relay(response));
    });
  }),
);
