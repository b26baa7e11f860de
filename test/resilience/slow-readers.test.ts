import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startFaultyUpstream } from '../../src/testing/faulty-upstream.ts';
import { readAnswer } from '../../src/testing/upstream/answer-reader.ts';
import { type AskedCall, askedRequest } from '../support/asked-calls.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { hasProcessFiles, residentBytes } from '../support/process-memory.ts';

const READERS = 10;
const ANSWER = { frames: 24_000, frameBytes: 1000 };
const OFFERED_BYTES = READERS * ANSWER.frames * ANSWER.frameBytes;
const PAUSE_MS = 5000;

/** Makes a call and stops reading behind the head. */
function open(baseUrl: string, call: AskedCall): Promise<IncomingMessage> {
  const [path, { body }] = askedRequest(call);
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const request = httpRequest(`${baseUrl}${path}`, { method: 'POST', headers, agent: false }, resolve);
    request.on('error', reject);
    request.end(body);
  });
}

async function finish(reply: IncomingMessage, call: AskedCall): Promise<string> {
  const headers = { get: (name: string) => String(reply.headers[name]) };
  return (await readAnswer({ status: reply.statusCode ?? 0, headers, body: reply }, call)).kind;
}

async function mostBytes(pid: number | undefined): Promise<number> {
  let most = 0;
  for (const endAtMs = Date.now() + PAUSE_MS; Date.now() < endAtMs; await sleep(50)) {
    most = Math.max(most, residentBytes(pid));
  }
  return most;
}

function callsOf(round: string): readonly AskedCall[] {
  return Array.from({ length: READERS }, (_, reader) => ({
    endpoint: reader % 2 === 0 ? 'chat' : 'messages',
    isStream: true,
    prompt: `${round}, reader ${reader}`,
    answer: ANSWER,
  }));
}

test.skipIf(!hasProcessFiles)(
  `${READERS} readers that pause in streams of 24 MB cost the gateway less than 5 % of the bytes offered, and all get the whole answer`,
  { timeout: 180_000 },
  async () => {
    const upstream = await startFaultyUpstream({ answer: ANSWER });
    const folder = mkdtempSync(join(tmpdir(), 'farthing-slow-'));
    // Answers that may be cached are kept until their end, which is another matter. Ours are longer than was asked for and cost more than
    // was reserved, which the gateway says each time.
    const settings = { cache: { mode: 'deterministic', ttl: '1h' } };
    const gateway = await startGatewayProcess(folder, upstream.origin, { settings, stderr: 'ignore' });
    onTestFinished(async () => {
      await gateway.end('SIGKILL');
      await upstream.close();
      rmSync(folder, { recursive: true, force: true });
    });
    // As much passes as will pass later, so that the process has the memory that it needs for passing it.
    const warmUp = callsOf('warm-up').map(async (call) => finish(await open(gateway.url, call), call));
    expect(await Promise.all(warmUp)).toEqual(Array(READERS).fill('right'));

    const pausedBytes = async (round: string): Promise<number> => {
      const before = residentBytes(gateway.child.pid);
      const answered = upstream.counters().answered;
      const calls = callsOf(round);
      const replies = await Promise.all(calls.map((call) => open(gateway.url, call)));
      const most = await mostBytes(gateway.child.pid);
      expect(upstream.counters()).toMatchObject({ inFlight: READERS, answered });
      const seen = await Promise.all(replies.map((reply, index) => finish(reply, calls[index] as AskedCall)));
      expect(seen).toEqual(Array(READERS).fill('right'));
      return most - before;
    };
    // On a busy machine garbage is collected late. What the readers cost is there each time.
    const limit = OFFERED_BYTES * 0.05;
    const first = await pausedBytes('paused');
    const least = first < limit ? first : Math.min(first, await pausedBytes('paused again'));
    expect(least).toBeLessThan(limit);
  },
);
