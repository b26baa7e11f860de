import { FarthingError } from '../../src/core/errors.ts';
import { ENDPOINTS, type Endpoint, type Protocol } from '../../src/core/model/protocol.ts';
import type { Provider, ProviderListener, ProviderRequest } from '../../src/ports/provider.ts';
import { streamFromWhole } from '../../src/wire/replay-stream-from-whole.ts';
import { replyThatSays } from './scripted-targets.ts';

/** What a model says to a prompt. */
export interface Speech {
  readonly text?: string;
  /** In the words of chat completions. @defaultValue 'stop' */
  readonly finish?: string;
  /** Answers with this status and an error. */
  readonly status?: number;
  /** With a status: how long it wants to be left alone. */
  readonly retryAfterSeconds?: number;
  /** Sends so many bytes of its answer and no more. */
  readonly breaksAfter?: number;
  /** Says nothing before this. */
  readonly until?: Promise<unknown>;
}

interface Asked {
  readonly model: string;
  readonly prompt: string;
  readonly isStream: boolean;
}

/** A provider in this process whose models say what they are told to. */
export function sayingProvider(protocol: Protocol, says: (model: string, prompt: string) => Speech): Provider {
  return {
    name: protocol,
    protocol,
    send(request, listener) {
      void answer(request, listener, says);
      return { resume: () => undefined };
    },
    close: () => Promise.resolve(),
  };
}

async function answer(
  { path, body, signal }: ProviderRequest,
  listener: ProviderListener,
  says: (model: string, prompt: string) => Speech,
): Promise<void> {
  const endpoint = (Object.keys(ENDPOINTS) as Endpoint[]).find((name) => ENDPOINTS[name].providerPath === path);
  if (endpoint === undefined) throw new Error(`no endpoint at ${path}`);
  const asked = askedOf(body instanceof Uint8Array ? body : new Uint8Array());
  const speech = says(asked.model, asked.prompt);
  let isOver = false;
  signal.addEventListener('abort', () => {
    if (isOver) return;
    isOver = true;
    listener.onError(signal.reason as Error, true);
  });
  await (speech.until ?? Promise.resolve());
  if (isOver || signal.aborted) return;
  isOver = true;
  say(endpoint, asked, speech, listener);
}

function say(endpoint: Endpoint, { model, isStream }: Asked, speech: Speech, listener: ProviderListener): void {
  if (speech.status !== undefined) {
    const pause = speech.retryAfterSeconds;
    listener.onHead(speech.status, {
      'content-type': 'application/json',
      ...(pause === undefined ? {} : { 'retry-after': String(pause) }),
    });
    listener.onData(Buffer.from('{"type":"error","error":{"type":"server_error","message":"it is ill"}}'));
    listener.onEnd();
    return;
  }
  const whole = replyThatSays(endpoint, speech.text ?? '', speech.finish, model);
  const bytes = isStream ? streamFromWhole(endpoint, whole) : whole;
  if (bytes === undefined) throw new Error('no stream can be made of it');
  listener.onHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' });
  listener.onData(bytes.subarray(0, speech.breaksAfter));
  if (speech.breaksAfter === undefined) listener.onEnd();
  else listener.onError(new FarthingError('provider-broken', 'the connection broke', { retryable: true }), true);
}

function askedOf(body: Uint8Array): Asked {
  const fields = JSON.parse(Buffer.from(body).toString()) as Readonly<Record<string, unknown>>;
  const { model, input, messages, stream } = fields;
  const last = Array.isArray(messages) ? (messages as { readonly content: unknown }[]).at(-1)?.content : input;
  return {
    model: String(model),
    prompt: typeof last === 'string' ? last : JSON.stringify(last),
    isStream: stream === true,
  };
}
