import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ResponseSink } from './response-sink.ts';

let server: Server;
let answer: (sink: ResponseSink, response: ServerResponse) => void | Promise<void>;

beforeEach(async () => {
  server = createServer((_request, response) => void answer(new ResponseSink(response), response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function port(): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function reply(): Promise<{ response: IncomingMessage; body: string; isCut: boolean }> {
  return new Promise((resolve, reject) => {
    get({ port: port(), host: '127.0.0.1', agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('error', () => undefined);
      response.on('close', () => resolve({ response, body, isCut: !response.complete }));
    }).on('error', reject);
  });
}

function rawReply(version: string): Promise<{ text: string; wasReset: boolean }> {
  return new Promise((resolve) => {
    let text = '';
    let wasReset = false;
    const socket = connect(port(), '127.0.0.1', () => socket.write(`GET / HTTP/${version}\r\nHost: x\r\n\r\n`));
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => (wasReset = true));
    socket.on('close', () => resolve({ text, wasReset }));
  });
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

test('a stream has its head, its chunks in order and its trailers', async () => {
  answer = (sink) => {
    sink.head({ status: 201, headers: { 'content-type': 'text/event-stream' }, trailerNames: ['x-cost'] });
    sink.write(bytes('one '));
    sink.write(bytes('two '));
    setTimeout(() => {
      sink.write(bytes('three'));
      sink.end({ 'x-cost': '0.01' });
    }, 5);
  };
  const { response, body, isCut } = await reply();
  expect([response.statusCode, body, isCut]).toEqual([201, 'one two three', false]);
  expect(response.headers['trailer']).toBe('x-cost');
  expect(response.trailers).toEqual({ 'x-cost': '0.01' });
});

test('chunks of one tick go out as one, those of later ticks on their own', async () => {
  answer = (sink, response) => {
    response.socket?.on('close', () => undefined);
    sink.head({ status: 200, headers: {} });
    for (const text of ['a', 'b', 'c']) sink.write(bytes(text));
    setTimeout(() => {
      sink.write(bytes('d'));
      setTimeout(() => {
        sink.end();
        response.socket?.end();
      }, 20);
    }, 20);
  };
  const { text } = await rawReply('1.1');
  expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe('3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n');
});

test('an aborted stream is visibly cut, with what had come before', async () => {
  answer = (sink) => {
    sink.head({ status: 200, headers: {} });
    sink.write(bytes('half'));
    sink.abort(new Error('the provider broke off'));
  };
  expect(await reply()).toMatchObject({ body: 'half', isCut: true });
});

test('an aborted reply of stated length is visibly cut', async () => {
  answer = (sink) => {
    sink.head({ status: 200, headers: { 'content-length': '10' } });
    sink.write(bytes('half'));
    sink.abort(new Error('x'));
  };
  expect(await reply()).toMatchObject({ body: 'half', isCut: true });
});

test('an aborted stream to an HTTP/1.0 client, which ends by closing, is reset', async () => {
  answer = (sink) => {
    sink.head({ status: 200, headers: {}, trailerNames: ['x-cost'] });
    sink.write(bytes('half'));
    setTimeout(() => sink.abort(new Error('x')), 20);
  };
  const { wasReset, text } = await rawReply('1.0');
  expect(wasReset).toBe(true);
  expect(text.toLowerCase()).not.toContain('trailer');
});

test('a reader that is behind holds the writer back, and draining lets it on', async () => {
  let heldBack = 0;
  const total = 32;
  const send = (sink: ResponseSink, left: number): void => {
    if (left === 0) {
      sink.end();
    } else if (sink.write(new Uint8Array(1024 * 1024))) {
      send(sink, left - 1);
    } else {
      heldBack += 1;
      void sink.drained().then(() => send(sink, left - 1));
    }
  };
  answer = (sink) => {
    sink.head({ status: 200, headers: {} });
    send(sink, total);
  };
  const { body } = await reply();
  expect(body.length).toBe(total * 1024 * 1024);
  expect(heldBack).toBeGreaterThan(0);
});

test('once the client is gone everything is accepted, nothing waits and nothing fails', async () => {
  const fillUntilGone = async (sink: ResponseSink, response: ServerResponse): Promise<void> => {
    if (response.destroyed) return;
    if (sink.write(new Uint8Array(1024 * 1024))) await new Promise(setImmediate);
    else await sink.drained(); // in the end because the client leaves
    await fillUntilGone(sink, response);
  };
  const finished = new Promise<void>((resolve, reject) => {
    answer = async (sink, response) => {
      sink.head({ status: 200, headers: {} });
      await fillUntilGone(sink, response);
      const isAccepted = sink.write(bytes('x'));
      await new Promise(setImmediate);
      sink.end({ a: 'b' });
      sink.abort(new Error('x'));
      if (isAccepted) resolve();
      else reject(new Error('a write to nobody was held back'));
    };
  });
  const socket = connect(port(), '127.0.0.1', () => {
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.pause();
    setTimeout(() => socket.resetAndDestroy(), 100);
  });
  await finished;
});

test('a reader that caught up before anybody asked holds nothing back', async () => {
  const finished = new Promise<void>((resolve) => {
    answer = async (sink, response) => {
      sink.head({ status: 200, headers: {} });
      // Small enough to be merged, so that only the flush behind this tick learns that the reader is behind.
      for (let count = 0; count < 200; count += 1) {
        sink.write(new Uint8Array(60_000));
        // oxlint-disable-next-line no-await-in-loop -- one flush after the other
        await new Promise(process.nextTick);
      }
      client.resume();
      while (response.writableNeedDrain) {
        // oxlint-disable-next-line no-await-in-loop -- until the socket is empty
        await new Promise((go) => void setTimeout(go, 5));
      }
      if (!sink.write(bytes('late'))) await sink.drained();
      sink.end();
      resolve();
    };
  });
  const client = connect(port(), '127.0.0.1', () => {
    client.pause();
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  });
  await finished;
  client.destroy();
});
