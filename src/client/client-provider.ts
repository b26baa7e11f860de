import { FarthingError } from '../core/errors.ts';
import type { Protocol } from '../core/model/protocol.ts';
import type { Provider, ProviderListener, ProviderRequest } from '../ports/provider.ts';

/** What a wrapped client gets beside the body. @public */
export interface ClientCallOptions {
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** The part of the official `openai` client that is called. @public */
export interface OpenAIChatClient {
  readonly baseURL: string;
  readonly chat: {
    readonly completions: { create(body: never, options?: ClientCallOptions): PromiseLike<unknown> };
  };
}

/** The part of the official `@anthropic-ai/sdk` client that is called. @public */
export interface AnthropicMessagesClient {
  readonly baseURL: string;
  readonly messages: { create(body: never, options?: ClientCallOptions): PromiseLike<unknown> };
}

/** Any function that sends a whole request and resolves with the whole reply. @public */
export interface FunctionClient {
  /** The shape of body and reply: Chat Completions or Messages. */
  readonly protocol: Protocol;
  /** Names what answers, as a base URL does: answers of one identity are never served for another. */
  readonly identity: string;
  /** May reject with an error that has a numeric `status`. */
  readonly send: (body: Readonly<Record<string, unknown>>, options: ClientCallOptions) => PromiseLike<unknown>;
}

/** What can be wrapped. @public */
export type LLMClient = OpenAIChatClient | AnthropicMessagesClient | FunctionClient;

/** A client as a function, whatever it was. @internal */
export function functionClient(client: LLMClient): FunctionClient {
  if ('send' in client) return client;
  const identity = client.baseURL;
  if ('chat' in client) {
    const { completions } = client.chat;
    return { protocol: 'openai', identity, send: (body, options) => completions.create(body as never, options) };
  }
  const { messages } = client;
  return { protocol: 'anthropic', identity, send: (body, options) => messages.create(body as never, options) };
}

const JSON_HEADERS = { 'content-type': 'application/json' } as const;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A client as a provider of the engine. Whole replies only; an error with a status becomes a reply with that status. @internal */
export function clientProvider(name: string, client: FunctionClient): Provider {
  return {
    name,
    protocol: client.protocol,
    send(request, listener) {
      void relay(client, request, listener);
      return { resume: () => undefined };
    },
    close: () => Promise.resolve(),
  };
}

type ClientReply =
  | { readonly kind: 'reply'; readonly status: number; readonly body: Uint8Array }
  | { readonly kind: 'failed'; readonly error: Error };

async function relay(client: FunctionClient, request: ProviderRequest, listener: ProviderListener): Promise<void> {
  const reply = await Promise.race([ask(client, request), leaving(request.signal)]);
  if (reply.kind === 'failed') {
    listener.onError(reply.error, true);
    return;
  }
  listener.onHead(reply.status, JSON_HEADERS);
  listener.onData(reply.body);
  listener.onEnd();
}

async function ask(client: FunctionClient, { body, signal }: ProviderRequest): Promise<ClientReply> {
  try {
    if (body !== undefined && !(body instanceof Uint8Array)) throw new TypeError('a wrapped client takes whole bodies');
    const fields = JSON.parse(decoder.decode(body)) as Readonly<Record<string, unknown>>;
    return { kind: 'reply', status: 200, body: jsonBytes(await client.send(fields, { signal })) };
  } catch (error) {
    return failed(client.protocol, error);
  }
}

/** @throws TypeError when the value is no JSON: a cycle, a bigint. */
function jsonBytes(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value) ?? 'null');
}

/** A function may not listen to its signal: nobody waits for it then. */
function leaving(signal: AbortSignal): Promise<ClientReply> {
  return new Promise((resolve) => {
    const leave = (): void => {
      const { reason } = signal as { readonly reason: unknown };
      const error = reason instanceof Error ? reason : new FarthingError('client-left', 'nobody waits for the answer');
      resolve({ kind: 'failed', error });
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}

function failed(protocol: Protocol, error: unknown): ClientReply {
  const status = fieldOf(error, 'status');
  if (typeof status === 'number' && status >= 400 && status <= 599) {
    const stated = fieldOf(error, 'error');
    // The OpenAI client unpacks the body's `error`, the Anthropic client keeps the body.
    const body = protocol === 'anthropic' && stated !== undefined ? stated : { error: stated ?? {} };
    return { kind: 'reply', status, body: jsonBytes(body) };
  }
  return { kind: 'failed', error: new FarthingError('provider-broken', 'the wrapped client failed', { cause: error }) };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
