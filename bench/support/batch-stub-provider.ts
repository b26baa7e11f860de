// The provider of the bench of bulk runs: a short valid answer to every chat completion, which names the item that was asked for.
// BENCH_ASKED names a file that gets a record for each request as it comes, so that what a killed run had asked for is known.
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { serveForBench, setting } from './bench-child.ts';
import { answerTo, askedRecord, itemIn } from './batch-items.ts';

const asked = openSync(setting('BENCH_ASKED'), 'a');
const usage = { prompt_tokens: 27, completion_tokens: 14, total_tokens: 41 };

function completion(item: number | undefined): Buffer {
  const message = { role: 'assistant', content: item === undefined ? 'Which item?' : answerTo(item), refusal: null };
  return Buffer.from(
    JSON.stringify({
      id: `chatcmpl-bench-${item ?? 'unknown'}`,
      object: 'chat.completion',
      created: 1_790_000_000,
      model: 'gpt-5.4-mini-2026-03-17',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage,
    }),
  );
}

serveForBench(
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const item = itemIn(Buffer.concat(chunks).toString());
      writeSync(asked, askedRecord(item));
      const body = completion(item);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.byteLength });
      response.end(body);
    });
  }),
);
