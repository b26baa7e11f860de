import { expect, test } from 'vitest';
import { type Endpoint, ENDPOINTS } from '../../src/core/model/protocol.ts';
import { type Face, startGatewayFace } from '../support/gateway-stack.ts';
import { type HostileBody, hostileBodies } from '../support/hostile-bodies.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { refusalFault } from '../support/refusal-fault.ts';
import { WHOLE_REPLIES } from '../support/scripted-provider.ts';

// How long each of them holds up others is measured in bench/hostile-body.bench.ts; here only that it is answered, and rightly.

const ROOMY = 1_000_000;

async function startStack(): Promise<{ readonly face: Face; readonly upstream: RawUpstream }> {
  const upstream = await startRawUpstream({ contentType: 'application/json', body: Buffer.from('{}') });
  const budget = { limitUsd: ROOMY, window: 'day', mode: 'hard' };
  const config = {
    budgets: [
      { ...budget, name: 'everything', scope: 'all' },
      { ...budget, name: 'users', scope: 'tag:user' },
    ],
  };
  return { upstream, face: await startGatewayFace({ origin: upstream.origin, mode: 'all', config }) };
}

async function post(face: Face, { endpoint, body, headers }: Omit<HostileBody, 'name' | 'isTaken'>): Promise<Response> {
  return fetch(`${face.anthropicBaseUrl}${ENDPOINTS[endpoint].clientPath}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${face.apiKey}`, ...headers },
    body: Uint8Array.from(body),
  });
}

/** What is wrong with the answer. */
async function faultOf(face: Face, upstream: RawUpstream, hostile: HostileBody): Promise<string | undefined> {
  const { endpoint, isTaken } = hostile;
  upstream.reply = { contentType: 'application/json', body: Buffer.from(WHOLE_REPLIES[endpoint]) };
  const before = upstream.received.length;
  const reply = await post(face, hostile);
  const text = await reply.text();
  if (isTaken) return reply.status === 200 ? undefined : `${reply.status}: ${text.slice(0, 200)}`;
  if (upstream.received.length > before) return 'sent on';
  return text.length > 1000 ? 'quotes what it refuses' : refusalFault(endpoint, reply.status, text);
}

test(
  'bodies of a megabyte made to hold a gateway up are answered, or refused by name',
  { timeout: 120_000 },
  async () => {
    const { face, upstream } = await startStack();
    const faults: string[] = [];
    for (const hostile of hostileBodies()) {
      const fault = await faultOf(face, upstream, hostile);
      if (fault !== undefined) faults.push(`${hostile.endpoint}, ${hostile.name}: ${fault}`);
    }
    expect(faults).toEqual([]);
    const small: Endpoint = 'count-tokens';
    upstream.reply = { contentType: 'application/json', body: Buffer.from(WHOLE_REPLIES[small]) };
    const body = Buffer.from('{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"x"}]}');
    expect((await post(face, { endpoint: small, body })).status).toBe(200);
  },
);
