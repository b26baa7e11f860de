import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Endpoint, ENDPOINTS } from '../../src/core/model/protocol.ts';
import { closeServer, listenOnLoopback } from '../../src/simulator/loopback-server.ts';

/** An upstream no two answers of which are alike, so that a shared answer shows. */
export interface NumberedUpstream {
  readonly origin: string;
  /** Requests that were answered or failed. */
  requests(): number;
  /** How long each answer takes, in milliseconds. */
  delayMs: number;
  /** Whether requests are answered with a fault. */
  fails: boolean;
  close(): Promise<void>;
}

/** No other number in a reply is as long. */
const FIRST_MARK = 7_000_000;

/** The numbers of the answers that a reply holds. */
export function marksOf(reply: string): readonly string[] {
  return [...new Set(reply.match(/\b7\d{6}\b/g))];
}

/** Starts it on a free port of loopback. */
export async function startNumberedUpstream(): Promise<NumberedUpstream> {
  let requests = 0;
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      requests += 1;
      const mark = FIRST_MARK + requests;
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Readonly<Record<string, unknown>>;
      void delay(upstream.delayMs).then(() => answer(response, message.url ?? '', body, mark, upstream.fails));
    });
  });
  const upstream: NumberedUpstream = {
    origin: await listenOnLoopback(server),
    requests: () => requests,
    delayMs: 0,
    fails: false,
    close: () => closeServer(server),
  };
  return upstream;
}

function answer(
  response: ServerResponse,
  path: string,
  body: Readonly<Record<string, unknown>>,
  mark: number,
  fails: boolean,
): void {
  const names = Object.keys(ENDPOINTS) as Endpoint[];
  const endpoint = names.find((name) => path.endsWith(ENDPOINTS[name].clientPath)) ?? 'chat';
  // What providers tell of the operator's account, as openai and anthropic name it.
  const account = {
    'x-ratelimit-remaining-tokens': String(mark),
    'anthropic-ratelimit-requests-remaining': String(mark),
  };
  if (fails) {
    response.writeHead(503, { ...account, 'content-type': 'application/json' });
    response.end('{"error":{"message":"out of order","type":"server_error"}}');
    return;
  }
  const isStream = body['stream'] === true && ENDPOINTS[endpoint].streams;
  response.writeHead(200, { ...account, 'content-type': isStream ? 'text/event-stream' : 'application/json' });
  response.end(isStream ? STREAMS[endpoint](mark) : WHOLES[endpoint](mark, body));
}

const usage = '{"prompt_tokens":20,"completion_tokens":10,"total_tokens":30}';
const openUsage = '{"input_tokens":20,"output_tokens":10,"total_tokens":30}';

const responsesAnswer = (mark: number): string =>
  `{"id":"resp_1","object":"response","status":"completed","model":"gpt-5.4-mini","output":[{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"answer ${mark}","annotations":[]}]}],"usage":${openUsage}}`;

const WHOLES: Readonly<Record<Endpoint, (mark: number, body: Readonly<Record<string, unknown>>) => string>> = {
  chat: (mark) =>
    `{"id":"c","object":"chat.completion","model":"gpt-5.4-mini","choices":[{"index":0,"message":{"role":"assistant","content":"answer ${mark}"},"finish_reason":"stop"}],"usage":${usage}}`,
  responses: responsesAnswer,
  messages: (mark) =>
    `{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"answer ${mark}"}],"stop_reason":"end_turn","usage":{"input_tokens":20,"output_tokens":10}}`,
  embeddings: (mark, { input }) => {
    const data = [input]
      .flat()
      .map((_, index) => `{"object":"embedding","index":${index},"embedding":[${mark},${index}]}`);
    return `{"object":"list","model":"text-embedding-3-small","data":[${data.join(',')}],"usage":{"prompt_tokens":20,"total_tokens":20}}`;
  },
  'count-tokens': (mark) => `{"input_tokens":${mark}}`,
};

const notStreamed = (): string => '';

const STREAMS: Readonly<Record<Endpoint, (mark: number) => string>> = {
  chat: (mark) =>
    [
      `{"id":"c","object":"chat.completion.chunk","model":"gpt-5.4-mini","choices":[{"index":0,"delta":{"role":"assistant","content":"answer ${mark}"},"finish_reason":null}]}`,
      '{"id":"c","object":"chat.completion.chunk","model":"gpt-5.4-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
      `{"id":"c","object":"chat.completion.chunk","model":"gpt-5.4-mini","choices":[],"usage":${usage}}`,
      '[DONE]',
    ]
      .map((data) => `data: ${data}\n\n`)
      .join(''),
  responses: (mark) =>
    `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":0,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"answer ${mark}"}\n\n` +
    `event: response.completed\ndata: {"type":"response.completed","sequence_number":1,"response":${responsesAnswer(mark)}}\n\n`,
  messages: (mark) =>
    [
      '{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[],"stop_reason":null,"usage":{"input_tokens":20,"output_tokens":1}}}',
      '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
      `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"answer ${mark}"}}`,
      '{"type":"content_block_stop","index":0}',
      '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":10}}',
      '{"type":"message_stop"}',
    ]
      .map((data) => `event: ${/"type":"(\w+)"/.exec(data)?.[1]}\ndata: ${data}\n\n`)
      .join(''),
  embeddings: notStreamed,
  'count-tokens': notStreamed,
};
