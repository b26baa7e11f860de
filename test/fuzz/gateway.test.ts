import { connect } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Endpoint, ENDPOINTS } from '../../src/core/model/protocol.ts';
import { type Face, startGatewayFace } from '../support/gateway-stack.ts';
import { mutatedBody, SECRET } from '../support/mutated-bodies.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { refusalFault } from '../support/refusal-fault.ts';
import { WHOLE_REPLIES } from '../support/scripted-provider.ts';

/** A share of the bodies that the engine is tested with: sockets are a hundred times slower. */
const MUTATIONS = 300;
const MAX_BODY_BYTES = 100_000;
const ALL = Object.keys(ENDPOINTS) as Endpoint[];

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly callId: string | undefined;
}

let upstream: RawUpstream;
let face: Face;

async function post(
  endpoint: Endpoint,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`${face.anthropicBaseUrl}${ENDPOINTS[endpoint].clientPath}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${face.apiKey}`, ...headers },
    body: Uint8Array.from(Buffer.from(body)),
  });
  const callId = response.headers.get('x-farthing-request-id') ?? undefined;
  return { status: response.status, body: await response.text(), callId };
}

beforeEach(async () => {
  upstream = await startRawUpstream({ contentType: 'application/json', body: Buffer.from('{}') });
});

test.each(ALL)(
  `%s: ${MUTATIONS} mutated bodies over a socket: served, or refused by name and unforwarded`,
  { timeout: 60_000 },
  async (endpoint) => {
    face = await startGatewayFace({ origin: upstream.origin });
    upstream.reply = { contentType: 'application/json', body: Buffer.from(WHOLE_REPLIES[endpoint]) };
    const faults: string[] = [];
    const refused = new Set<string>();
    let served = 0;
    for (let seed = 1; seed <= MUTATIONS; seed += 1) {
      const before = upstream.received.length;
      const answer = await post(endpoint, mutatedBody(endpoint, seed));
      if (answer.status === 200) {
        served += 1;
        continue;
      }
      const fault = refusalFault(endpoint, answer.status, answer.body);
      if (fault !== undefined) faults.push(`seed ${seed}: ${fault}`);
      if (answer.body.includes(SECRET)) faults.push(`seed ${seed}: quotes content`);
      if (upstream.received.length !== before) faults.push(`seed ${seed}: was forwarded`);
      if (answer.callId !== undefined) refused.add(answer.callId);
    }
    expect(faults).toEqual([]);
    expect(served).toBeGreaterThan(MUTATIONS / 20);
    expect(served + refused.size).toBe(MUTATIONS);
    const records = await face.records(MUTATIONS);
    const wrong = records.filter((record) => refused.has(record.callId) && (record.costNanoUsd ?? 0) !== 0);
    expect(wrong).toEqual([]);
  },
);

function bodyOf(endpoint: Endpoint, member = ''): string {
  const isAnthropic = ENDPOINTS[endpoint].protocol === 'anthropic';
  const input =
    endpoint === 'responses' || endpoint === 'embeddings'
      ? '"input":"x"'
      : '"messages":[{"role":"user","content":"x"}]';
  const limit = endpoint === 'messages' ? ',"max_tokens":9' : '';
  return `{"model":"${isAnthropic ? 'claude-haiku-4-5' : 'gpt-5.4-mini'}",${input}${limit}${member}}`;
}

const NESTED = `${'['.repeat(5000)}${']'.repeat(5000)}`;

/** What is sent, the status, and what the refusal must say. */
const CASES: readonly (readonly [
  name: string,
  make: (endpoint: Endpoint) => { readonly body: string | Uint8Array; readonly headers?: Record<string, string> },
  status: number,
  says: RegExp,
])[] = [
  ['malformed JSON', (endpoint) => ({ body: bodyOf(endpoint).slice(0, -1) }), 400, /JSON/],
  ['an empty body', () => ({ body: '' }), 400, /empty/],
  ['a body that is no object', () => ({ body: '[1]' }), 400, /object/],
  ['bytes that are no UTF-8', () => ({ body: Uint8Array.of(0x7b, 0xff, 0x7d) }), 400, /UTF-8/],
  ['a model of the wrong type', () => ({ body: '{"model":7,"input":"x","messages":[]}' }), 400, /model/],
  ['no model', () => ({ body: '{"input":"x","messages":[]}' }), 400, /model/],
  ['deep nesting', (endpoint) => ({ body: bodyOf(endpoint, `,"deep":${NESTED}`) }), 400, /deep|nest/],
  ['a duplicate key', (endpoint) => ({ body: bodyOf(endpoint, ',"model":"x"') }), 400, /model.*twice/],
  ['__proto__', (endpoint) => ({ body: bodyOf(endpoint, ',"a":{"__proto__":{}}') }), 400, /__proto__/],
  ['a lone surrogate', (endpoint) => ({ body: bodyOf(endpoint, String.raw`,"a":"\ud800"`) }), 400, /surrogate/],
  ['an address', (endpoint) => ({ body: bodyOf(endpoint, ',"base_url":"http://evil"') }), 400, /base_url/],
  [
    'the wrong content type',
    (endpoint) => ({ body: bodyOf(endpoint), headers: { 'content-type': 'text/plain' } }),
    415,
    /json/i,
  ],
  ['too many bytes', (endpoint) => ({ body: bodyOf(endpoint, `,"a":"${'x'.repeat(MAX_BODY_BYTES)}"`) }), 413, /larger/],
  [
    'an unknown key',
    (endpoint) => ({ body: bodyOf(endpoint), headers: { authorization: 'Bearer fk-nobody' } }),
    401,
    /key/,
  ],
  [
    'an unknown model',
    (endpoint) => ({ body: bodyOf(endpoint).replace(/"model":"[^"]+"/, '"model":"nobody-7"') }),
    404,
    /nobody-7/,
  ],
];

describe('bad input', () => {
  beforeEach(async () => {
    // Two providers of each protocol: a name that no catalogue has could be anybody's.
    const provider = { baseUrl: `${upstream.origin}/v1`, apiKey: 'sk-simulated' };
    face = await startGatewayFace({
      origin: upstream.origin,
      config: {
        limits: { maxBody: '100KB', requestTimeout: '1s', headersTimeout: '500ms' },
        budgets: [{ name: 'everything', scope: 'all', limitUsd: 50, window: 'day', mode: 'hard' }],
        providers: {
          openai: { ...provider, protocol: 'openai', vendor: 'openai' },
          house: { ...provider, protocol: 'openai' },
          anthropic: { ...provider, protocol: 'anthropic', vendor: 'anthropic', baseUrl: upstream.origin },
          cottage: { ...provider, protocol: 'anthropic', baseUrl: upstream.origin },
        },
      },
    });
  });

  test.each(CASES)('%s is refused by name on every endpoint, unforwarded', async (_name, make, status, says) => {
    for (const endpoint of ALL) {
      const { body, headers } = make(endpoint);
      const answer = await post(endpoint, body, headers);
      expect([endpoint, answer.status]).toEqual([endpoint, status]);
      expect(refusalFault(endpoint, answer.status, answer.body)).toBeUndefined();
      expect(answer.body).toMatch(says);
    }
    expect(upstream.received).toEqual([]);
  });

  test('a model without a price is refused under a hard budget; what costs nothing is not', async () => {
    for (const endpoint of ALL) {
      const provider = ENDPOINTS[endpoint].protocol === 'anthropic' ? 'cottage' : 'house';
      const answer = await post(endpoint, bodyOf(endpoint).replace(/"model":"[^"]+"/, `"model":"${provider}/best"`));
      if (endpoint === 'count-tokens') continue;
      expect(refusalFault(endpoint, answer.status, answer.body)).toBeUndefined();
      expect(answer.body).toMatch(/has no price/);
    }
    expect(upstream.received.map(({ path }) => path)).toEqual([ENDPOINTS['count-tokens'].clientPath]);
  });

  test('a body that does not come is given up, and the gateway goes on', { timeout: 20_000 }, async () => {
    const { hostname, port } = new URL(face.anthropicBaseUrl);
    const text = await new Promise<string>((resolve, reject) => {
      let received = '';
      const socket = connect(Number(port), hostname, () => {
        const head = `POST /v1/messages HTTP/1.1\r\nHost: ${hostname}\r\nx-api-key: ${face.apiKey}\r\n`;
        socket.write(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"model":`);
      });
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString();
      });
      socket.on('close', () => resolve(received));
      socket.on('error', reject);
    });
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(upstream.received).toEqual([]);
    upstream.reply = { contentType: 'application/json', body: Buffer.from(WHOLE_REPLIES.chat) };
    expect((await post('chat', bodyOf('chat'))).status).toBe(200);
  });
});
