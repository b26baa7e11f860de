// A provider that costs as little as possible: one fixed JSON answer, or a stream of 100 chunks, one every 4 ms.
import { createServer, type ServerResponse } from 'node:http';
import { serveForBench } from './bench-child.ts';

const CHUNKS = 100;
const CHUNK_INTERVAL_MS = 4;
const ANSWER_BYTES = 2000;

const usage = { prompt_tokens: 250, completion_tokens: 400, total_tokens: 650 };
const head = { id: 'chatcmpl-bench', created: 1_790_000_000, model: 'gpt-5.4-mini-2026-03-17' };

const whole = Buffer.from(
  JSON.stringify({
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'an answer of some words '.repeat(100).slice(0, ANSWER_BYTES - 350) },
        finish_reason: 'stop',
      },
    ],
    usage,
  }),
);

function event(fields: object): string {
  return `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...fields })}\n\n`;
}

const middle = Buffer.from(event({ choices: [{ index: 0, delta: { content: ' some words' }, finish_reason: null }] }));
const last = Buffer.from(
  `${event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}${event({ choices: [], usage })}data: [DONE]\n\n`,
);

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    if (sent < CHUNKS) {
      response.write(middle);
      return;
    }
    clearInterval(timer);
    response.end(last);
  }, CHUNK_INTERVAL_MS);
  response.on('close', () => clearInterval(timer));
}

serveForBench(
  createServer((request, response) => {
    let isStream: boolean | undefined;
    request.on('data', (chunk: Buffer) => {
      isStream ??= chunk.subarray(0, 100).includes('"stream":true');
    });
    request.on('end', () => {
      if (isStream === true) {
        stream(response);
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.byteLength });
      response.end(whole);
    });
  }),
);
