import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';

/** A request that a receiver got. */
interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers the request that is the `count`th. */
export type ReceiverAnswer = (response: ServerResponse, count: number) => void;

/** A receiver of webhooks, as an operator has one. */
export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  close(): void;
}

/** Starts one on loopback. To be closed, as far as no test ends with it. */
export async function webhookReceiver(answer: ReceiverAnswer): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      answer(response, received.length);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The same for one test: closed when that ends. */
export async function testReceiver(answer: ReceiverAnswer): Promise<Receiver> {
  const receiver = await webhookReceiver(answer);
  onTestFinished(() => receiver.close());
  return receiver;
}

/** Answers with a status; where to would be told, were redirects followed. */
export function answering(code: number): ReceiverAnswer {
  return (response) => void response.writeHead(code, { location: '/elsewhere' }).end('ok');
}
