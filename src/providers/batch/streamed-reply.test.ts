import { createServer, type RequestListener } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { endpointProvider, shipmentOf } from '../../../test/support/batch-endpoint.ts';
import type { BatchLine } from '../../ports/batch-api.ts';
import type { Provider } from '../../ports/provider.ts';
import { closeServer, listenOnLoopback } from '../../simulator/loopback-server.ts';
import { batchApiOf } from './batch-api-of.ts';
import { StreamedReply } from './streamed-reply.ts';

const GET = { method: 'GET', path: '/files', headers: {}, keyIndex: undefined } as const;

async function providerAt(listener: RequestListener): Promise<Provider> {
  const server = createServer(listener);
  const origin = await listenOnLoopback(server);
  onTestFinished(() => closeServer(server));
  return endpointProvider('openai', origin);
}

test('a slow reader holds the provider up', async () => {
  const whole = 40_000_000;
  let sent = 0;
  const provider = await providerAt((_, response) => {
    const chunk = Buffer.alloc(1_000_000);
    const more = (): void => {
      while (sent < whole) {
        sent += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
  });
  const reply = await StreamedReply.of(provider, GET);
  let read = 0;
  let isFirst = true;
  for await (const chunk of reply) {
    read += chunk.length;
    if (!isFirst) continue;
    isFirst = false;
    await new Promise((resolve) => void setTimeout(resolve, 100));
    // What the sockets of both sides hold is the system's; far below the whole.
    expect(sent).toBeLessThan(whole / 2);
  }
  expect(read).toBe(whole);
});

test('who leaves early closes the connection', async () => {
  let onClosed: (() => void) | undefined;
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve;
  });
  const provider = await providerAt((_, response) => {
    response.on('close', () => onClosed?.());
    response.write('a');
  });
  for await (const chunk of await StreamedReply.of(provider, GET)) {
    expect(Buffer.from(chunk).toString()).toBe('a');
    break;
  }
  await closed;
});

test('a connection that breaks in the middle is no end', async () => {
  const provider = await providerAt((_, response) => {
    response.write('a', () => response.destroy());
  });
  const read = async (): Promise<void> => {
    for await (const chunk of await StreamedReply.of(provider, GET)) expect(chunk).toHaveLength(1);
  };
  await expect(read()).rejects.toMatchObject({ code: 'provider-broken' });
});

test('a provider in this process that answers at once, and goes on when it is told to, is read to its end', async () => {
  let left = 10;
  const provider: Provider = {
    name: 'p',
    protocol: 'openai',
    send(_, listener) {
      const resume = (): void => {
        while (left > 0) {
          left -= 1;
          if (!listener.onData(new Uint8Array(200_000))) return;
        }
        listener.onEnd();
      };
      listener.onHead(200, {});
      resume();
      return { resume };
    },
    close: () => Promise.resolve(),
  };
  let read = 0;
  for await (const chunk of await StreamedReply.of(provider, GET)) read += chunk.length;
  expect(read).toBe(2_000_000);
});

test('a refusal that comes before the file has been sent ends the sending, and is told', async () => {
  const provider = await providerAt((request, response) => {
    request.once('data', () => response.writeHead(413).end('{"error":{"message":"Too large."}}'));
  });
  let given = 0;
  const lines = async function* (): AsyncGenerator<BatchLine> {
    for (; given < 20_000; given += 1) yield { customId: `c${given}`, body: `{"text":"${'x'.repeat(10_000)}"}` };
  };
  const shipment = shipmentOf([], { requests: 20_000, lines });
  await expect(batchApiOf(provider).stage(shipment, false)).rejects.toMatchObject({
    code: 'provider-failed',
    status: 413,
  });
  expect(given).toBeLessThan(20_000);
});
