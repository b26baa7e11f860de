import { createServer, type IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';
import { type ReplayChunking, replayChunks } from '../../src/testing/replay-chunks.ts';
import { closeServer, listenOnLoopback } from '../../src/simulator/loopback-server.ts';

/** A reply that is sent as it stands. */
export interface RawReply {
  readonly status?: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** An upstream without opinions: keeps what came and sends what it is told to, byte for byte. */
export interface RawUpstream {
  readonly origin: string;
  readonly received: { readonly path: string; readonly body: Buffer; readonly headers: IncomingMessage['headers'] }[];
  /** What the next requests are answered with. */
  reply: RawReply;
  chunking: ReplayChunking;
}

/** Starts it; closed when the test ends. */
export async function startRawUpstream(reply: RawReply): Promise<RawUpstream> {
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      upstream.received.push({ path: message.url ?? '', body: Buffer.concat(chunks), headers: message.headers });
      const { status = 200, contentType, body } = upstream.reply;
      response.writeHead(status, { 'content-type': contentType });
      for (const chunk of replayChunks(body, upstream.chunking)) response.write(chunk);
      response.end();
    });
  });
  const upstream: RawUpstream = {
    origin: await listenOnLoopback(server),
    received: [],
    reply,
    chunking: { kind: 'whole' },
  };
  onTestFinished(() => closeServer(server));
  return upstream;
}
