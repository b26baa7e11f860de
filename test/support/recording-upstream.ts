import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ENDPOINTS, type Endpoint } from '../../src/core/model/protocol.ts';
import { closeServer, listenOnLoopback } from '../../src/simulator/loopback-server.ts';
import { WHOLE_REPLIES } from './scripted-provider.ts';

/** A request as an upstream saw it. */
interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Answers a request of which all has come. */
export type UpstreamAnswer = (request: SeenRequest, response: ServerResponse) => void;

/** An upstream with both protocols under `/openai/v1` and `/anthropic` that keeps all that came. */
export interface RecordingUpstream {
  readonly origin: string;
  readonly seen: SeenRequest[];
  /** What was no HTTP request: half of one that was smuggled, for example. */
  readonly malformed: string[];
  answer: UpstreamAnswer;
  close(): Promise<void>;
}

/** Good replies to metered endpoints, `{}` to everything else. */
export const goodAnswer: UpstreamAnswer = ({ target }, response) => {
  const path = target.split('?')[0] ?? '';
  const endpoint = (Object.keys(ENDPOINTS) as Endpoint[]).find((name) => path.endsWith(ENDPOINTS[name].clientPath));
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(endpoint === undefined ? '{}' : WHOLE_REPLIES[endpoint]);
};

/** Starts it on a free port of loopback. */
export async function startRecordingUpstream(): Promise<RecordingUpstream> {
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const { method = '', url = '', headers } = message;
      const request = { method, target: url, headers, body: Buffer.concat(chunks) };
      upstream.seen.push(request);
      upstream.answer(request, response);
    });
  });
  server.on('clientError', (error: Error, socket) => {
    upstream.malformed.push(error.message);
    socket.destroy();
  });
  const origin = await listenOnLoopback(server);
  const upstream: RecordingUpstream = {
    origin,
    seen: [],
    malformed: [],
    answer: goodAnswer,
    close: () => closeServer(server),
  };
  return upstream;
}
