import { createServer, type ServerResponse } from 'node:http';
import { closeServer, listenOnLoopback } from '../../src/simulator/loopback-server.ts';

/**
 * An upstream that fails each call as its prompt says, and answers all others: `failed` and `limited` with a status, `reset` and `cut` by closing the
 * connection before or within the reply, `silent` by saying nothing at all, `stalled` by saying nothing more after a first event.
 */
export interface TroubledUpstream {
  readonly origin: string;
  /** Calls that have come. */
  readonly requests: () => number;
  /** Calls that wait for an answer which will never come. */
  readonly hanging: () => number;
  close(): Promise<void>;
}

const USAGE = { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 };
const ANSWER = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-5.4-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello there' }, finish_reason: 'stop' }],
  usage: USAGE,
};
const FIRST_CHUNK = {
  ...ANSWER,
  object: 'chat.completion.chunk',
  usage: null,
  choices: [{ index: 0, delta: { role: 'assistant', content: 'Hello' }, finish_reason: null }],
};
const LAST_CHUNKS = [
  { ...FIRST_CHUNK, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { ...FIRST_CHUNK, choices: [], usage: USAGE },
];

/** Starts one. Prompts begin with the trouble that they want. */
export async function startTroubledUpstream(): Promise<TroubledUpstream> {
  const state = { requests: 0, hanging: 0 };
  const server = createServer((message, response) => {
    state.requests += 1;
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const { trouble, isStream } = wishOf(Buffer.concat(chunks).toString());
      const isHanging = trouble === 'silent' || trouble === 'stalled';
      if (isHanging) state.hanging += 1;
      response.on('close', () => {
        if (isHanging) state.hanging -= 1;
      });
      answer(response, trouble, isStream);
    });
  });
  const origin = await listenOnLoopback(server);
  return {
    origin,
    requests: () => state.requests,
    hanging: () => state.hanging,
    close: () => closeServer(server),
  };
}

function wishOf(text: string): { readonly trouble: string; readonly isStream: boolean } {
  const body = JSON.parse(text) as {
    readonly stream?: boolean;
    readonly messages: readonly { readonly content: string }[];
  };
  return { trouble: body.messages[0]?.content.split(' ')[0] ?? '', isStream: body.stream === true };
}

function answer(response: ServerResponse, trouble: string, isStream: boolean): void {
  switch (trouble) {
    case 'failed':
    case 'limited':
      response.writeHead(trouble === 'failed' ? 500 : 429, { 'content-type': 'application/json' });
      response.end('{"error":{"message":"as the prompt wanted","type":"server_error","code":null,"param":null}}');
      return;
    case 'reset':
      response.destroy();
      return;
    case 'silent':
      return;
    default:
      send(response, trouble, isStream);
  }
}

function send(response: ServerResponse, trouble: string, isStream: boolean): void {
  const whole = JSON.stringify(ANSWER);
  const type = isStream ? 'text/event-stream' : 'application/json';
  const length = isStream ? {} : { 'content-length': String(Buffer.byteLength(whole)) };
  response.writeHead(200, { 'content-type': type, ...length });
  response.write(isStream ? eventOf(FIRST_CHUNK) : whole.slice(0, 20));
  if (trouble === 'stalled') return;
  if (trouble === 'cut') {
    // What was written has to arrive before the connection breaks.
    setTimeout(() => response.destroy(), 2);
    return;
  }
  response.end(isStream ? `${LAST_CHUNKS.map(eventOf).join('')}data: [DONE]\n\n` : whole.slice(20));
}

function eventOf(chunk: object): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}
