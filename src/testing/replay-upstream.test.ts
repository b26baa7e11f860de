import { once } from 'node:events';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { hasData, sharedData } from '../../test/support/shared-data.ts';
import { replayChunks } from './replay-chunks.ts';
import { startReplayUpstream, type ReplayRecording, type ReplayUpstream } from './replay-upstream.ts';

const RECORDINGS: readonly ReplayRecording[] = [
  {
    id: 'a',
    endpoint: '/v1/chat/completions',
    status: 200,
    request: { model: 'm', messages: [{ role: 'user', content: 'hé' }] },
    response: { ok: 1 },
  },
  {
    id: 'b',
    endpoint: '/v1/responses',
    status: 200,
    request: { model: 'm', messages: [{ role: 'user', content: 'hé' }] },
    response_headers: { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked', 'x-request-id': 'r' },
    response_text: 'data: naïve €\r\n\r\n',
  },
];

function ask(upstream: ReplayUpstream, path: string, body: unknown, id?: string): Promise<Response> {
  const headers: Record<string, string> = id === undefined ? {} : { 'x-replay-id': id };
  return fetch(`${upstream.origin}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

test('an equal body is found whatever the order of its properties, the same path first', async () => {
  const upstream = await startReplayUpstream({ recordings: RECORDINGS });
  const body = { messages: [{ content: 'hé', role: 'user' }], model: 'm' };
  expect(await (await ask(upstream, '/v1/chat/completions', body)).json()).toEqual({ ok: 1 });
  const streamed = await ask(upstream, '/v1/responses', body);
  expect(streamed.headers.get('x-request-id')).toBe('r');
  expect(await streamed.text()).toBe('data: naïve €\r\n\r\n');
  expect((await ask(upstream, '/v1/chat/completions', { ...body, model: 'other' })).status).toBe(404);
  expect(await (await ask(upstream, '/anything', {}, 'a')).json()).toEqual({ ok: 1 });
  expect(upstream.served).toEqual(['a', 'b', undefined, 'a']);
  await upstream.close();
});

test('chunks are cut as asked and lose nothing', () => {
  const bytes = Buffer.from(RECORDINGS[1]?.response_text ?? '');
  const sizes = [...replayChunks(bytes, { kind: 'fixed', sizeBytes: 7 })].map((chunk) => chunk.byteLength);
  expect(sizes).toEqual([7, 7, 6]);
  expect([...replayChunks(bytes, { kind: 'whole' })]).toHaveLength(1);
  const random = [...replayChunks(Buffer.alloc(5000, 7), { kind: 'random', seed: 3 })];
  expect(Buffer.concat(random)).toEqual(Buffer.alloc(5000, 7));
  expect(new Set(random.map((chunk) => chunk.byteLength)).size).toBeGreaterThan(10);
});

test('one-byte chunks arrive one by one over a real socket', async () => {
  const upstream = await startReplayUpstream({ recordings: RECORDINGS, chunking: { kind: 'fixed', sizeBytes: 1 } });
  const reply = await request(upstream.origin, { method: 'POST', headers: { 'x-replay-id': 'b' }, body: '{}' });
  const chunks: Buffer[] = [];
  reply.body.on('data', (chunk: Buffer) => chunks.push(chunk)); // fetch would join what is there already
  await once(reply.body, 'end');
  expect(Buffer.concat(chunks).toString()).toBe('data: naïve €\r\n\r\n');
  expect(chunks).toHaveLength(20);
  await upstream.close();
});

test.skipIf(!hasData('wire'))('every recorded OpenAI and Anthropic reply is replayed byte for byte', async () => {
  for (const name of ['openai.jsonl', 'anthropic.jsonl']) {
    // oxlint-disable-next-line no-await-in-loop -- one server at a time
    const upstream = await startReplayUpstream({
      recordings: sharedData('wire', name) ?? '',
      chunking: { kind: 'random', seed: 1 },
    });
    // oxlint-disable-next-line no-await-in-loop -- one server at a time
    const texts = await Promise.all(
      upstream.recordings.map(async (one) => (await ask(upstream, one.endpoint, {}, one.id)).text()),
    );
    const expected = upstream.recordings.map((one) => one.response_text ?? JSON.stringify(one.response ?? null));
    expect(texts).toEqual(expected);
    expect(texts.length).toBeGreaterThan(50);
    // oxlint-disable-next-line no-await-in-loop -- one server at a time
    await upstream.close();
  }
});
