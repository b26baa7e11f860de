import { describe, expect, test } from 'vitest';
import type { ReplayChunking } from '../../src/testing/replay-chunks.ts';
import { type Face, FACES } from '../support/gateway-stack.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { hasData } from '../support/shared-data.ts';
import { type WireRecording, wireRecordings } from '../support/wire-recordings.ts';

const CHUNKINGS: readonly ReplayChunking[] = [
  { kind: 'fixed', sizeBytes: 1 },
  { kind: 'fixed', sizeBytes: 7 },
  { kind: 'random', seed: 7 },
  { kind: 'whole' },
];

/** Numbers that doubles cannot hold, escapes, spaces, unknown fields, an order of keys: whatever a rewrite would lose. */
const ODD =
  '{ "unknown" : [1.0, 1e2, 12345678901234567890, "\\u00e9é\\/", {}], "model":"gpt-5.4-mini", "future":{"b":1,"a":2},';

const WHOLE: readonly (readonly [path: string, reply: string])[] = [
  [
    'chat/completions',
    `${ODD} "id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Zoë 👋"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"new":7}}\n`,
  ],
  [
    'responses',
    `${ODD} "id":"resp_1","status":"completed","output":[],"usage":{"input_tokens":1,"output_tokens":1}}  `,
  ],
  [
    'embeddings',
    `${ODD} "object":"list","data":[{"index":0,"embedding":[0.10,-1E-3]}],"usage":{"prompt_tokens":1,"total_tokens":1}}`,
  ],
  [
    'messages',
    `\n${ODD} "id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"hi","x":1}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`,
  ],
  ['messages/count_tokens', `${ODD} "input_tokens":7}`],
];

function addressOf(face: Face, path: string): string {
  return path.startsWith('messages') ? `${face.anthropicBaseUrl}/v1/${path}` : `${face.openaiBaseUrl}/${path}`;
}

async function post(face: Face, path: string, body: string): Promise<{ status: number; bytes: Buffer }> {
  const response = await face.fetch(addressOf(face, path), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${face.apiKey}` },
    body,
  });
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
}

function requestOf(path: string, more = ''): string {
  const input =
    path === 'responses' || path === 'embeddings'
      ? '"input":"é 😀"'
      : '"messages":[{"role":"user","content":"\\u00e9 😀"}]';
  return `{ "model" : "gpt-5.4-mini",\t"max_tokens":9, ${input}, "unknown":{"z":1.50,"a":12345678901234567890}${more} }\n`;
}

describe.each(FACES)('byte truth through %s', (_name, startFace) => {
  test('a request arrives as it was sent, and a whole reply comes back as it was sent, however it is cut', async () => {
    const upstream = await startRawUpstream({ contentType: 'application/json', body: Buffer.alloc(0) });
    const face = await startFace({ origin: upstream.origin });
    for (const [path, reply] of WHOLE) {
      upstream.reply = { contentType: 'application/json', body: Buffer.from(reply) };
      const request = requestOf(path).replace(
        'gpt-5.4-mini',
        path.startsWith('messages') ? 'claude-haiku-4-5' : 'gpt-5.4-mini',
      );
      for (const chunking of CHUNKINGS) {
        upstream.chunking = chunking;
        const { bytes } = await post(face, path, request);
        expect(bytes.toString()).toBe(reply);
        expect(upstream.received.at(-1)).toMatchObject({ path: `/v1/${path}`, body: Buffer.from(request) });
      }
    }
  });

  test('an error of the provider comes back as it was sent, also when it is no JSON', async () => {
    const upstream = await startRawUpstream({ contentType: 'application/json', body: Buffer.alloc(0) });
    const face = await startFace({ origin: upstream.origin });
    for (const [status, contentType, body] of [
      [400, 'application/json', '{"error" : {"message":"no","type":"x","extra":[1.0]}}'],
      [503, 'text/html', '<html>busy</html>'],
    ] as const) {
      upstream.reply = { status, contentType, body: Buffer.from(body) };
      const reply = await post(face, 'chat/completions', requestOf('chat/completions'));
      expect([reply.status, reply.bytes.toString()]).toEqual([status, body]);
    }
  });

  test('only the model differs when it was named with its provider, only stream_options when usage must be asked for', async () => {
    const stream = chatStream('\n');
    const upstream = await startRawUpstream({ contentType: 'text/event-stream', body: Buffer.from(stream.all) });
    const face = await startFace({ origin: upstream.origin });
    const request = requestOf('chat/completions', ',"stream" : true');
    await post(face, 'chat/completions', request);
    const asked = upstream.received.at(-1)?.body.toString() ?? '';
    const added = /,\s*"stream_options"\s*:\s*\{\s*"include_usage"\s*:\s*true\s*\}/;
    expect(asked).toMatch(added);
    expect(asked.replace(added, '')).toBe(request);
    const own = requestOf('chat/completions', ',"stream":true,"stream_options":{ "include_usage":true }');
    await post(face, 'chat/completions', own);
    expect(upstream.received.at(-1)?.body.toString()).toBe(own);
    if (face.fetch !== globalThis.fetch) return; // in process the address names the provider
    await post(face, 'chat/completions', own.replace('gpt-5.4-mini', 'openai/gpt-5.4-mini'));
    expect(upstream.received.at(-1)?.body.toString()).toBe(own);
  });

  test('a chat stream comes back as it was sent but for the usage that the client did not ask for', async () => {
    for (const end of ['\n', '\r\n']) {
      const stream = chatStream(end);
      const upstream = await startRawUpstream({ contentType: 'text/event-stream', body: Buffer.from(stream.all) });
      const face = await startFace({ origin: upstream.origin });
      for (const chunking of CHUNKINGS) {
        upstream.chunking = chunking;
        const hidden = await post(face, 'chat/completions', requestOf('chat/completions', ',"stream":true'));
        expect(hidden.bytes.toString()).toBe(stream.withoutUsage);
        const wanted = ',"stream":true,"stream_options":{"include_usage":true}';
        const shown = await post(face, 'chat/completions', requestOf('chat/completions', wanted));
        expect(shown.bytes.toString()).toBe(stream.all);
      }
      const records = await face.records(CHUNKINGS.length * 2);
      expect(records.every(({ usage }) => usage.input === 11 && usage.output === 3)).toBe(true);
    }
  });

  test.skipIf(!hasData('wire'))(
    'recorded streams of live providers come back byte for byte',
    { timeout: 60_000 },
    async () => {
      const upstream = await startRawUpstream({ contentType: 'text/event-stream', body: Buffer.alloc(0) });
      const face = await startFace({ origin: upstream.origin });
      const recordings = wireRecordings().filter(isWholeStream);
      expect(recordings.length).toBeGreaterThan(20);
      for (const [index, { name, endpoint, stream = '' }] of recordings.entries()) {
        upstream.reply = { contentType: 'text/event-stream', body: Buffer.from(stream) };
        upstream.chunking = chunkingOf(stream, index);
        const path = endpoint === 'chat' ? 'chat/completions' : endpoint;
        const options = endpoint === 'chat' ? ',"stream_options":{"include_usage":true}' : '';
        const model = endpoint === 'messages' ? 'claude-haiku-4-5' : 'gpt-5.4-mini';
        const request = requestOf(path, `,"stream":true${options}`).replace('gpt-5.4-mini', model);
        const { bytes } = await post(face, path, request);
        const text = bytes.toString();
        // A chat stream without its `[DONE]` gets the end that the protocol promises.
        const isSame = text === stream || (endpoint === 'chat' && text === `${stream}data: [DONE]\n\n`);
        expect(isSame, `${name}: ${firstDifference(text, stream)}`).toBe(true);
      }
    },
  );
});

/** A byte at a time for short ones: a hundred thousand writes to a socket take seconds. */
function chunkingOf(stream: string, index: number): ReplayChunking {
  const choices = stream.length < 6000 ? CHUNKINGS : CHUNKINGS.slice(stream.length < 30_000 ? 2 : 3);
  return choices[index % choices.length] ?? { kind: 'whole' };
}

/** Recordings that end: a provider's error or a cut one is followed by an error event of ours. */
function isWholeStream({ stream, status }: WireRecording): boolean {
  return (
    status === 200 &&
    stream !== undefined &&
    /^(?:data|event|:)/.test(stream) &&
    !/"type":\s*"error"|"error":\s*\{/.test(stream)
  );
}

function firstDifference(left: string, right: string): string {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at += 1;
  return `at ${at}: ${JSON.stringify(left.slice(at, at + 80))} and ${JSON.stringify(right.slice(at, at + 80))}`;
}

function chatStream(end: string): { readonly all: string; readonly withoutUsage: string } {
  const chunk = (more: string): string =>
    `data: {"id":"c1", "object":"chat.completion.chunk","model":"gpt-5.4-mini","novel":[1.0],${more}}${end}${end}`;
  const head =
    `: padding${end}${end}` +
    chunk('"choices":[{"index":0,"delta":{"role":"assistant","content":"Zo"},"finish_reason":null}]');
  const body = chunk('"choices":[{"index":0,"delta":{"content":"ë 👋","x":{}},"finish_reason":null}]');
  const last = chunk('"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]');
  const usage = chunk('"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14}');
  const done = `data: [DONE]${end}${end}`;
  return { all: head + body + last + usage + done, withoutUsage: head + body + last + done };
}
