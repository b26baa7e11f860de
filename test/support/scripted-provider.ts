import { ENDPOINTS, type Endpoint, type Protocol } from '../../src/core/model/protocol.ts';
import type { Provider } from '../../src/ports/provider.ts';

const STREAMS: Readonly<Partial<Record<Endpoint, string>>> = {
  chat: `data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}

data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}

data: [DONE]

`,
  responses: `event: response.completed
data: {"type":"response.completed","sequence_number":0,"response":{"id":"resp_1","status":"completed","model":"m","output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":2,"output_tokens":1,"total_tokens":3}}}

`,
  messages: `event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":2,"output_tokens":1}}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}

event: message_stop
data: {"type":"message_stop"}

`,
};

/** A good whole reply of each endpoint. */
export const WHOLE_REPLIES: Readonly<Record<Endpoint, string>> = {
  chat: '{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}',
  responses:
    '{"id":"resp_1","status":"completed","model":"m","output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":2,"output_tokens":1,"total_tokens":3}}',
  embeddings:
    '{"object":"list","model":"m","data":[{"index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":1,"total_tokens":1}}',
  messages:
    '{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":2,"output_tokens":1}}',
  'count-tokens': '{"input_tokens":2}',
};

/** A provider in this process that answers everything well and keeps what it was sent. */
export function scriptedProvider(name: string, protocol: Protocol, sent: Uint8Array[]): Provider {
  return {
    name,
    protocol,
    send(request, listener) {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
      sent.push(body);
      const endpoint = endpointAt(request.path);
      const stream = asksForStream(body) ? STREAMS[endpoint] : undefined;
      const contentType = stream === undefined ? 'application/json' : 'text/event-stream';
      queueMicrotask(() => {
        listener.onHead(200, { 'content-type': contentType });
        listener.onData(Buffer.from(stream ?? WHOLE_REPLIES[endpoint]));
        listener.onEnd();
      });
      return { resume: () => undefined };
    },
    close: () => Promise.resolve(),
  };
}

function asksForStream(body: Uint8Array): boolean {
  const fields: unknown = JSON.parse(Buffer.from(body).toString());
  return typeof fields === 'object' && fields !== null && 'stream' in fields && fields.stream === true;
}

function endpointAt(path: string): Endpoint {
  const endpoints = Object.keys(ENDPOINTS) as Endpoint[];
  const found = endpoints.find((endpoint) => ENDPOINTS[endpoint].providerPath === path);
  if (found === undefined) throw new Error(`no endpoint at ${path}`);
  return found;
}
