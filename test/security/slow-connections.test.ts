import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../gateway/gateway-fixture.ts';
import { leastBody, type SecurityStage, STAGE_KEY, startSecurityStage } from '../support/security-stage.ts';

/** Long enough for all good calls on a busy machine, short enough to wait for. */
const TIMEOUT = '6s';
const SLOW = 1000;
const GOOD = 200;

let stage: SecurityStage;

beforeAll(async () => {
  const limits = { headersTimeout: TIMEOUT, requestTimeout: TIMEOUT, drainTimeout: '1s' };
  stage = await startSecurityStage({ limits });
});
afterAll(async () => stage.close());

const HEAD = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${STAGE_KEY}\r\nContent-Type: application/json\r\n`;

/** What a slow client has sent when it falls silent. */
const BEGINNINGS = [
  '',
  'POST /v1/chat/comp',
  HEAD,
  `${HEAD}Content-Length: 5000\r\n\r\n{"model"`,
  `${HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\n{"model"`,
  HEAD.replace('/v1/chat/completions', '/v1/audio/speech').concat('Content-Length: 5000\r\n\r\n{"model"'),
  HEAD.replace('/v1/chat/completions', '/admin/v1/keys').concat('Content-Length: 5000\r\n\r\n{"name"'),
  HEAD.replace(STAGE_KEY, 'wrong').concat('Content-Length: 5000\r\n\r\n{"model"'),
];

interface SlowClient {
  readonly socket: Socket;
  readonly opened: Promise<void>;
  readonly closed: Promise<void>;
}

/** A client that sends a beginning and then now and then a byte of no use. */
function slowClient(index: number): SlowClient {
  const beginning = BEGINNINGS[index % BEGINNINGS.length] ?? '';
  const socket = connect(stage.port, '127.0.0.1').on('error', () => undefined);
  const isDripping = index % 2 === 0 && beginning !== '';
  const drip = setInterval(() => isDripping && socket.writable && socket.write('a'), 500);
  socket.resume();
  return {
    socket,
    opened: new Promise((resolve) => {
      socket.once('connect', () => socket.write(beginning, () => resolve()));
    }),
    closed: new Promise((resolve) => {
      socket.once('close', () => {
        clearInterval(drip);
        resolve();
      });
    }),
  };
}

test(
  `${GOOD} good calls are served while ${SLOW} connections send next to nothing, and those are all closed`,
  { timeout: 60_000 },
  async () => {
    const slow = Array.from({ length: SLOW }, (_, index) => slowClient(index));
    await Promise.all(slow.map(({ opened }) => opened));
    const headers = { authorization: `Bearer ${STAGE_KEY}`, 'content-type': 'application/json' };
    const call = { method: 'POST', path: '/v1/chat/completions', headers, body: leastBody('chat') };
    const statuses: number[] = [];
    const callers = Array.from({ length: 10 }, async () => {
      // oxlint-disable-next-line no-await-in-loop -- each caller makes one call at a time
      for (let made = 0; made < GOOD / 10; made += 1) statuses.push((await ask(stage.url, call)).status);
    });
    await Promise.all(callers);
    expect(statuses).toEqual(Array(GOOD).fill(200));
    expect(stage.upstream.seen).toHaveLength(GOOD);
    await Promise.all(slow.map(({ closed }) => closed));
    expect(stage.upstream.seen).toHaveLength(GOOD);
    await expect.poll(async () => (await ask(stage.url, call)).status).toBe(200);
  },
);
