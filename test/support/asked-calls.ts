import { type Endpoint, ENDPOINTS } from '../../src/core/model/protocol.ts';
import { readAnswer, type SeenAnswer } from '../../src/testing/upstream/answer-reader.ts';
import type { AnswerShape } from '../../src/testing/upstream/expected-answer.ts';

/** A call whose answer can be checked. */
export interface AskedCall {
  readonly endpoint: Endpoint;
  readonly prompt: string;
  /** @defaultValue false */
  readonly isStream?: boolean;
  /** @defaultValue the cheap model of the protocol */
  readonly model?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** As the upstream was started with. */
  readonly answer?: AnswerShape;
}

/** Every endpoint in every form that it has. */
export const FORMS: readonly { readonly endpoint: Endpoint; readonly isStream: boolean }[] = (
  Object.keys(ENDPOINTS) as Endpoint[]
).flatMap((endpoint) =>
  ENDPOINTS[endpoint].streams
    ? [
        { endpoint, isStream: false },
        { endpoint, isStream: true },
      ]
    : [{ endpoint, isStream: false }],
);

const MODELS: Readonly<Record<Endpoint, string>> = {
  chat: 'gpt-5.4-mini',
  responses: 'gpt-5.4-mini',
  embeddings: 'text-embedding-3-small',
  messages: 'claude-haiku-4-5',
  'count-tokens': 'claude-haiku-4-5',
};

/** The request of a call, for `fetch`. */
export function askedRequest(
  call: AskedCall,
): readonly [path: string, init: Omit<RequestInit, 'body'> & { readonly body: string }] {
  const { endpoint, isStream = false, headers = {}, signal } = call;
  const body = JSON.stringify({
    model: call.model ?? MODELS[endpoint],
    ...(ENDPOINTS[endpoint].streams ? { stream: isStream } : {}),
    ...contentOf(call),
  });
  const own = { 'content-type': 'application/json', authorization: 'Bearer test', ...headers };
  return [ENDPOINTS[endpoint].clientPath, { method: 'POST', headers: own, body, signal: signal ?? null }];
}

function contentOf({ endpoint, prompt }: AskedCall): Readonly<Record<string, unknown>> {
  switch (endpoint) {
    case 'chat':
      return { messages: [{ role: 'user', content: prompt }], max_completion_tokens: 200 };
    case 'responses':
      return { input: prompt, max_output_tokens: 200, store: false };
    case 'embeddings':
      return { input: prompt };
    case 'messages':
      return { messages: [{ role: 'user', content: prompt }], max_tokens: 200 };
    case 'count-tokens':
      return { messages: [{ role: 'user', content: prompt }] };
  }
}

/** How a client saw the reply to a call; `no-reply` when the connection broke before the head. */
export type Seen = SeenAnswer | { readonly kind: 'no-reply' };

/** Makes a call, reads it to its end and says how its client saw it. Rejects only when the client itself leaves. */
export async function ask(
  baseUrl: string,
  call: AskedCall,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<Seen> {
  const [path, init] = askedRequest(call);
  let reply: Response;
  try {
    reply = await fetch(`${baseUrl}${path}`, init);
  } catch (error) {
    if (call.signal?.aborted === true) throw error;
    return { kind: 'no-reply' };
  }
  return readAnswer(reply, call);
}
