import { FarthingError } from '../../core/errors.ts';
import { retryAfterMs } from '../../core/resilience/retry-after.ts';
import type { Provider } from '../../ports/provider.ts';
import { isObject, type JsonObject } from '../../wire/request-guards.ts';
import { type BatchAsk, StreamedReply } from './streamed-reply.ts';

/** Bytes of an answer that is read whole. Ours: a page of a thousand files takes 300 KB, a batch with a fault in each of 50,000 lines some 10 MB. */
const MAX_ANSWER_BYTES = 16_000_000;

/** Bytes of a refusal that are read, and characters of its message that are told. */
const MAX_REFUSAL_BYTES = 65_536;
const MAX_TOLD_CHARS = 500;

/**
 * Sends a request and gives its reply, to be iterated, when the provider took it.
 * @param what - The request, to stand behind "refused".
 * @throws FarthingError `provider-failed` with the provider's status and its reason when it refused; else as of `ProviderListener.onError`.
 * @internal
 */
export async function askProvider(provider: Provider, ask: BatchAsk, what: string): Promise<StreamedReply> {
  const reply = await StreamedReply.of(provider, ask);
  if (reply.status >= 200 && reply.status < 300) return reply;
  throw await refusal(provider, reply, what);
}

/**
 * Sends a request whose answer is a JSON object.
 * @throws FarthingError as {@link askProvider}; `provider-broken` for an answer that is no JSON object, or too long: whatever was asked may have been done.
 * @internal
 */
export async function askJson(provider: Provider, ask: BatchAsk, what: string): Promise<JsonObject> {
  const bytes = await readUpTo(await askProvider(provider, ask, what), MAX_ANSWER_BYTES);
  if (bytes.byteLength > MAX_ANSWER_BYTES) throw unreadable(provider, what, `is longer than ${MAX_ANSWER_BYTES} bytes`);
  const value = parsed(bytes);
  if (!isObject(value)) throw unreadable(provider, what, 'is not a JSON object');
  return value;
}

/** The id in the answer to a request that made something. @throws FarthingError `provider-broken` @internal */
export function madeId(provider: Provider, answer: JsonObject, what: string): string {
  const { id } = answer;
  if (typeof id !== 'string' || id === '') throw unreadable(provider, what, 'has no id');
  return id;
}

/** @internal */
export function unreadable({ name }: Provider, what: string, fault: string): FarthingError {
  return new FarthingError('provider-broken', `the answer of ${name} to ${what} ${fault}`, { retryable: true });
}

/** What a provider says is wrong, without its own keys: some quote them. Good answers are not masked: an id may look like a piece of a key. @internal */
export function maskedText(provider: Provider, text: string): string {
  if (provider.maskSecrets === undefined) return text;
  return Buffer.from(provider.maskSecrets(Buffer.from(text))).toString();
}

async function refusal(provider: Provider, reply: StreamedReply, what: string): Promise<FarthingError> {
  const { status, headers } = reply;
  const bytes = await readUpTo(reply, MAX_REFUSAL_BYTES).catch(() => new Uint8Array()); // the status says enough
  const reason = maskedText(provider, reasonOf(parsed(bytes.subarray(0, MAX_REFUSAL_BYTES))));
  const date = headers['date'];
  // A date to come back at is meant by the provider's own clock.
  const pauseMs = retryAfterMs(headers, typeof date === 'string' ? Date.parse(date) : Number.NaN);
  return new FarthingError(
    'provider-failed',
    `${provider.name} refused ${what} with status ${status}${reason.slice(0, MAX_TOLD_CHARS)}`,
    {
      status,
      retryable: status === 429 || status >= 500,
      ...(pauseMs !== undefined && Number.isFinite(pauseMs) ? { retryAfterMs: pauseMs } : {}),
    },
  );
}

/** Both protocols have the message at the same place. */
function reasonOf(value: unknown): string {
  const error = isObject(value) ? value['error'] : undefined;
  const message = isObject(error) ? error['message'] : error;
  return typeof message === 'string' && message !== '' ? `: ${message}` : '';
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

/** The first bytes of a reply: some more than asked for where there are more. */
async function readUpTo(reply: StreamedReply, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of reply) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) break;
  }
  return Buffer.concat(chunks);
}
