// The least that a cache behind node:http can cost: a Map from the body's SHA-256 to an answer. No auth, no record, no bound.
import { hash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { request as upstreamRequest } from 'undici';
import { serveForBench, setting } from './support/bench-child.ts';

const upstream = setting('BENCH_UPSTREAM');
const answers = new Map<string, Buffer>();

serveForBench(
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [first] = chunks;
      void answer(
        request.url ?? '/',
        chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks),
        response,
      );
    });
  }),
);

async function answer(path: string, body: Buffer, response: ServerResponse): Promise<void> {
  const key = hash('sha256', body);
  let known = answers.get(key);
  if (known === undefined) {
    known = await ask(path, body);
    answers.set(key, known);
  }
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': known.byteLength });
  response.end(known);
}

async function ask(path: string, body: Buffer): Promise<Buffer> {
  const headers = { 'content-type': 'application/json' };
  const reply = await upstreamRequest(`${upstream}${path}`, { method: 'POST', headers, body });
  return Buffer.from(await reply.body.arrayBuffer());
}
