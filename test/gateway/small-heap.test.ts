import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { closeServer, listenOnLoopback } from '../../src/simulator/loopback-server.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { ask, type Reply } from './gateway-fixture.ts';

const REPLY = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-5.4-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
});

/** Many small messages: each weighs more on the heap than on the wire. */
const MESSAGES = Array.from({ length: 2000 }, (_, index) => ({
  role: 'user',
  content: `Message ${index} of a long conversation that is kept until the answer comes`,
}));

/** So many refusals are enough; a gateway that refuses none is dead long before so many calls. */
const [REFUSALS, MOST_CALLS] = [20, 2000];

/** A provider that holds every call until it is told to answer. */
interface HoldingProvider {
  readonly origin: string;
  held(): number;
  /** Resolves with the next call that comes. */
  next(): Promise<void>;
  answer(): void;
}

async function startHoldingProvider(): Promise<HoldingProvider> {
  const answers: (() => void)[] = [];
  let isOpen = false;
  let onCall: () => void = () => undefined;
  const server = createServer((request, response) => {
    request.resume();
    const answer = (): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(REPLY);
    request.on('end', () => {
      if (isOpen) answer();
      else answers.push(answer);
      onCall();
    });
  });
  const origin = await listenOnLoopback(server);
  onTestFinished(() => {
    server.closeAllConnections();
    return closeServer(server);
  });
  return {
    origin,
    held: () => answers.length,
    next: () =>
      new Promise((resolve) => {
        onCall = resolve;
      }),
    answer: () => {
      isOpen = true;
      for (const one of answers) one();
    },
  };
}

async function startSmallGateway(origin: string): Promise<GatewayProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-small-heap-'));
  const gateway = await startGatewayProcess(folder, origin, {
    settings: { cache: { mode: 'off' }, resilience: { retries: 0, totalTimeout: '10m' } },
    nodeOptions: ['--max-old-space-size=72'],
    stderr: 'ignore',
  });
  onTestFinished(async () => {
    await gateway.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  return gateway;
}

function call(url: string, number: number): Promise<Reply> {
  const body = JSON.stringify({
    model: 'gpt-5.4-mini',
    messages: [...MESSAGES, { role: 'user', content: `${number}?` }],
  });
  const headers = { 'content-type': 'application/json' };
  return ask(url, { method: 'POST', path: '/v1/chat/completions', headers, body });
}

test('a gateway with a small heap outlives a flood of large calls: it refuses what it cannot hold, answers the rest and is ready again', async () => {
  const provider = await startHoldingProvider();
  const { url, child } = await startSmallGateway(provider.origin);
  const calls: Promise<Reply>[] = [];
  const refused: Reply[] = [];
  while (refused.length < REFUSALS && calls.length < MOST_CALLS) {
    const arrives = provider.next();
    const one = call(url, calls.length);
    calls.push(one);
    const reply = await Promise.race([one, arrives]);
    if (reply !== undefined) refused.push(reply);
  }
  expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: REFUSALS }, () => 503));
  expect(refused[0]?.body).toContain('short of memory');
  const heldCalls = provider.held();
  provider.answer();
  const statuses = (await Promise.all(calls)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(heldCalls);
  // V8 collects what nobody needs any more some ten seconds after the last call.
  const ready = async (): Promise<number> => (await ask(url, { path: '/readyz' })).status;
  await expect.poll(ready, { timeout: 60_000, interval: 250 }).toBe(200);
  expect([(await call(url, MOST_CALLS)).status, child.exitCode]).toEqual([200, null]);
}, 180_000);
