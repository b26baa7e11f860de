import { setImmediate as nextTurn } from 'node:timers/promises';
import { FarthingError } from '../core/errors.ts';
import type { Protocol } from '../core/model/protocol.ts';
import type { Clock } from '../ports/clock.ts';
import type { Exchange, Provider, ProviderListener, ProviderRequest as SentRequest } from '../ports/provider.ts';
import { cutChunks, isBatchPath } from '../simulator/batch/batch-exchange.ts';
import {
  ProviderCore,
  scriptedRefusal,
  type ProviderBehaviour,
  type ProviderBooks,
} from '../simulator/provider-core.ts';
import { errorBody, errorEvent, refusalOf } from '../simulator/provider-error.ts';
import type { ProviderRequest } from '../simulator/provider-request.ts';
import { ProviderRefusal } from '../simulator/simulated-reply.ts';
import { InProcessExchange } from './in-process-exchange.ts';

/** How a simulated provider without sockets behaves. @public */
export interface SimulatedBatchProviderOptions extends ProviderBehaviour {
  /** The dialect that it speaks. */
  readonly protocol: Protocol;
  /** The time that it lives in: batches get on, and limits refill, as the clock says. */
  readonly clock: Clock;
  /** @defaultValue the protocol */
  readonly name?: string;
  /** How many keys it has; each is an account of its own, whose files and batches no other sees. @defaultValue 1 */
  readonly keys?: number;
}

/** A simulated provider in this process. @public */
export interface SimulatedBatchProvider {
  readonly provider: Provider;
  readonly books: ProviderBooks;
}

/** Of the addresses in its replies; nobody is asked there. */
const ORIGIN = 'http://simulated.invalid';

/**
 * A provider with Batch API and live calls in this process: no sockets, no latency, in the time of a clock.
 * @example
 * ```ts
 * const clock = new FakeClock();
 * const prices = { 'gpt-5.4-mini': { input: 750_000, output: 4_500_000 } };
 * const { provider, books } = simulatedBatchProvider({ protocol: 'openai', prices, clock, batches: { neverRatio: 0.2 } });
 * // ... batches are sent through `provider`
 * clock.advance(86_400_000);
 * console.log(books.batches(), books.invoice());
 * ```
 * @throws RangeError on prices, shares or limits that are none.
 * @public
 */
export function simulatedBatchProvider(options: SimulatedBatchProviderOptions): SimulatedBatchProvider {
  const { protocol, clock } = options;
  const core = new ProviderCore(options, { clock, limitsClock: clock, latencyScale: 0 });
  const keyWeights = Array.from({ length: options.keys ?? 1 }, () => 1);
  const provider: Provider = {
    name: options.name ?? protocol,
    protocol,
    ...(keyWeights.length > 1 ? { keyWeights } : {}),
    send(request: SentRequest, listener: ProviderListener): Exchange {
      const exchange = new InProcessExchange(listener, request.signal);
      void serve(core, protocol, request, exchange);
      return exchange;
    },
    close: () => Promise.resolve(),
  };
  return { provider, books: core };
}

async function serve(
  core: ProviderCore,
  protocol: Protocol,
  sent: SentRequest,
  exchange: InProcessExchange,
): Promise<void> {
  await nextTurn();
  if (exchange.isOver) return;
  try {
    const request = headOf(protocol, sent);
    const account = `key-${sent.keyIndex ?? 0}`;
    if (isBatchPath(request.path)) await serveBatch(core, { request, account, body: bodyChunks(sent.body) }, exchange);
    else await serveLive(core, request, { sent, account }, exchange);
  } catch (error) {
    refuse(core, protocol, error, exchange);
  }
}

async function serveBatch(
  core: ProviderCore,
  { request, account, body }: { request: ProviderRequest; account: string; body: AsyncIterable<Uint8Array> },
  exchange: InProcessExchange,
): Promise<void> {
  const contentType = String(request.headers['content-type'] ?? '');
  const outcome = await core.serving.handle({ ...request, account, origin: ORIGIN, contentType, body });
  if (outcome.kind === 'reset') {
    exchange.breakOff();
    return;
  }
  exchange.head(200, { 'content-type': outcome.reply.contentType });
  const { chunks } = outcome.reply;
  for (const chunk of outcome.isCut ? cutChunks(chunks) : chunks) {
    // oxlint-disable-next-line no-await-in-loop -- never faster than the reader
    if (!(await exchange.write(chunk))) return;
  }
  if (outcome.isCut) exchange.breakOff();
  else exchange.end();
}

async function serveLive(
  core: ProviderCore,
  head: ProviderRequest,
  { sent, account }: { readonly sent: SentRequest; readonly account: string },
  exchange: InProcessExchange,
): Promise<void> {
  const request = { ...head, bodyText: await textOf(sent.body) };
  const fault = core.faultOf(request);
  if (fault?.kind === 'reset') {
    exchange.breakOff();
    return;
  }
  if (fault?.kind === 'status') throw scriptedRefusal(fault);
  const answer = core.answer(request, account);
  const { frames, contentType } = answer.reply;
  if (fault?.kind === 'in-band-error' && !contentType.startsWith('text/')) throw refusalOf(500);
  const isBroken = fault?.kind === 'cut' || fault?.kind === 'in-band-error';
  exchange.head(200, { 'content-type': contentType, ...answer.headers });
  let generated = 0;
  for (const frame of isBroken ? frames.slice(0, fault.afterFrames) : frames) {
    // oxlint-disable-next-line no-await-in-loop
    if (!(await exchange.write(frame.text))) break;
    generated = frame.outputTokens;
  }
  core.bill(answer, isBroken || exchange.isOver ? generated : undefined);
  if (fault?.kind === 'cut') exchange.breakOff();
  else if (fault?.kind === 'in-band-error') await exchange.write(errorEvent(request.protocol, request.path));
  exchange.end();
}

function refuse(core: ProviderCore, protocol: Protocol, error: unknown, exchange: InProcessExchange): void {
  if (error instanceof FarthingError) {
    exchange.fail(error); // what the body threw
    return;
  }
  const refusal =
    error instanceof ProviderRefusal ? error : new ProviderRefusal(500, 'server_error', `simulator: ${String(error)}`);
  exchange.refuse(refusal, errorBody(protocol, refusal, `req_${core.random.hex(24)}`));
}

/** An OpenAI base URL ends in `/v1`, an Anthropic one does not. */
function headOf(protocol: Protocol, { method, path, headers }: SentRequest): ProviderRequest {
  const [below = '/', query = ''] = path.split('?', 2);
  const named = protocol === 'anthropic' ? { 'anthropic-version': '2023-06-01', ...headers } : headers;
  return {
    method,
    path: protocol === 'openai' ? `/v1${below}` : below,
    query,
    protocol,
    headers: named,
    bodyText: '',
  };
}

async function* bodyChunks(body: SentRequest['body']): AsyncIterable<Uint8Array> {
  if (body === undefined) return;
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

async function textOf(body: SentRequest['body']): Promise<string> {
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const chunks: Uint8Array[] = [];
  for await (const chunk of bodyChunks(body)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
