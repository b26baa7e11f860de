import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { cutChunks, isBatchPath } from './batch/batch-exchange.ts';
import { logNormal } from './chance.ts';
import { closeServer, listenOnLoopback } from './loopback-server.ts';
import { drained, wait, writePaced } from './paced-writing.ts';
import {
  ProviderCore,
  scriptedRefusal,
  type LiveAnswer,
  type ProviderBehaviour,
  type ProviderBooks,
} from './provider-core.ts';
import { errorBody, errorEvent, refusalOf } from './provider-error.ts';
import { accountOf, readBodyText, requestHead, type ProviderRequest } from './provider-request.ts';
import type { ScriptedFault } from './scripted-fault.ts';
import { badRequest, ProviderRefusal, type SimulatedReply } from './simulated-reply.ts';

/** How a simulated provider behaves. @public */
export interface SimulatedProviderOptions extends ProviderBehaviour {
  /** Simulated milliseconds in a real one: how fast cached prompts grow old and batches get on. 1440 makes a day of a minute. @defaultValue 1 */
  readonly timeScale?: number;
  /** The share of a realistic latency that is really waited for; 0 answers at once. @defaultValue `1 / timeScale` */
  readonly latencyRatio?: number;
  /** Credentials that are accepted. Undefined accepts any but none. */
  readonly apiKeys?: readonly string[];
  /** Requests that the journal keeps, newest last. @defaultValue 1000 */
  readonly journalSize?: number;
}

/** A request as the journal keeps it. @public */
export interface JournalEntry extends ProviderRequest {
  /** Undefined until the head was sent. */
  status: number | undefined;
  outcome: 'open' | 'complete' | 'client-left' | 'fault';
}

/** What has happened so far. @public */
export interface ProviderCounters {
  readonly connections: number;
  readonly openConnections: number;
  readonly requests: number;
  readonly inFlight: number;
  /** Requests whose client left before the last byte. */
  readonly clientsLeft: number;
}

/** A provider under way. @public */
export interface SimulatedProvider extends ProviderBooks {
  /** `http://127.0.0.1:port`: the base URL for Anthropic clients; OpenAI clients take it with `/v1` behind. */
  readonly origin: string;
  journal(): readonly JournalEntry[];
  counters(): ProviderCounters;
  /** Closes the server and every connection. */
  close(): Promise<void>;
}

const DEFAULT_JOURNAL_SIZE = 1000;
/** Spread of the time to the first token; an assumption. */
const FIRST_TOKEN_SIGMA = 0.35;

/**
 * Starts a provider that speaks OpenAI and Anthropic on a free port of the loopback interface and keeps an exact invoice.
 * @throws RangeError when a price is not a whole number of pico-dollars.
 * @public
 */
export async function startSimulatedProvider(options: SimulatedProviderOptions): Promise<SimulatedProvider> {
  const state = new ProviderState(options);
  const server = createServer((message, response) => {
    void state.serve(message, response);
  });
  server.on('connection', (socket) => {
    state.connections += 1;
    state.openConnections += 1;
    socket.on('close', () => (state.openConnections -= 1));
  });
  const origin = await listenOnLoopback(server);
  state.origin = origin;
  const { core } = state;
  return {
    origin,
    invoice: () => core.invoice(),
    batches: () => core.batches(),
    answeredRows: () => core.answeredRows(),
    timesBilled: (body) => core.timesBilled(body),
    rateLimitUse: () => core.rateLimitUse(),
    failNext: (fault, count) => core.failNext(fault, count),
    failNextBatchRequest: (fault, count) => core.failNextBatchRequest(fault, count),
    journal: () => state.journal,
    counters: () => state.counters(),
    close: () => closeServer(server),
  };
}

class ProviderState {
  readonly core: ProviderCore;
  readonly journal: JournalEntry[] = [];
  origin = '';
  connections = 0;
  openConnections = 0;
  readonly #options: SimulatedProviderOptions;
  #requests = 0;
  #inFlight = 0;
  #clientsLeft = 0;

  constructor(options: SimulatedProviderOptions) {
    this.#options = options;
    const startedAtMs = Date.now();
    const startedMonotonicMs = performance.now();
    const elapsedMs = (): number => performance.now() - startedMonotonicMs;
    this.core = new ProviderCore(options, {
      clock: {
        nowMs: () => Math.floor(startedAtMs + elapsedMs() * this.#timeScale()),
        monotonicMs: () => elapsedMs() * this.#timeScale(),
      },
      limitsClock: { nowMs: () => Math.floor(startedAtMs + elapsedMs()), monotonicMs: elapsedMs },
      latencyScale: this.#latencyRatio() * this.#timeScale(),
    });
  }

  counters(): ProviderCounters {
    return {
      connections: this.connections,
      openConnections: this.openConnections,
      requests: this.#requests,
      inFlight: this.#inFlight,
      clientsLeft: this.#clientsLeft,
    };
  }

  /** Serves one request. Never rejects: a bug in the simulator shows as a 500 whose message says so. */
  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = new AbortController();
    response.on('close', () => left.abort());
    this.#requests += 1;
    this.#inFlight += 1;
    const requestId = `req_${this.core.random.hex(24)}`;
    let entry: JournalEntry | undefined;
    try {
      const head = requestHead(message);
      const isBatch = isBatchPath(head.path);
      entry = this.#note(isBatch ? head : { ...head, bodyText: await readBodyText(message) });
      if (isBatch) await this.#serveBatch(entry, message, response, left.signal);
      else await this.#answer(entry, response, requestId, left.signal);
      if (entry.outcome === 'open') entry.outcome = 'complete';
    } catch (error) {
      if (entry !== undefined && left.signal.aborted) entry.outcome = 'client-left';
      const refusal =
        error instanceof ProviderRefusal
          ? error
          : new ProviderRefusal(500, 'server_error', `simulator: ${String(error)}`);
      message.resume(); // what is still to come must not keep the client from reading the refusal
      refuse(response, entry, refusal, requestId);
    } finally {
      this.#inFlight -= 1;
      if (entry?.outcome === 'client-left') this.#clientsLeft += 1;
    }
  }

  #note(request: ProviderRequest): JournalEntry {
    const entry: JournalEntry = { ...request, status: undefined, outcome: 'open' };
    this.journal.push(entry);
    if (this.journal.length > (this.#options.journalSize ?? DEFAULT_JOURNAL_SIZE)) this.journal.shift();
    return entry;
  }

  async #serveBatch(
    entry: JournalEntry,
    message: IncomingMessage,
    response: ServerResponse,
    left: AbortSignal,
  ): Promise<void> {
    const account = accountOf(entry, this.#options.apiKeys);
    if (entry.path.startsWith('/v1/messages') && entry.headers['anthropic-version'] === undefined) {
      throw badRequest('anthropic-version: header is required');
    }
    const body = message.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
    const contentType = String(entry.headers['content-type'] ?? '');
    const outcome = await this.core.serving.handle({ ...entry, account, origin: this.origin, contentType, body });
    if (outcome.kind === 'reset') {
      entry.outcome = 'fault';
      response.destroy();
      return;
    }
    entry.status = 200;
    response.writeHead(200, { 'content-type': outcome.reply.contentType });
    await writeChunks(response, outcome.reply.chunks, outcome.isCut, left);
    if (left.aborted) entry.outcome = 'client-left';
    else if (outcome.isCut) await this.#breakOff('cut', entry, response);
    else response.end();
  }

  async #answer(entry: JournalEntry, response: ServerResponse, requestId: string, left: AbortSignal): Promise<void> {
    const account = accountOf(entry, this.#options.apiKeys);
    const fault = this.core.faultOf(entry);
    if (fault?.kind === 'slow') await wait(fault.delayMs, left);
    if (fault?.kind === 'reset') {
      entry.outcome = 'fault';
      response.destroy();
      return;
    }
    if (fault?.kind === 'status') throw scriptedRefusal(fault);
    const answer = this.core.answer(entry, account);
    if (fault?.kind === 'in-band-error' && !answer.reply.contentType.startsWith('text/')) throw refusalOf(500);
    await this.#relay(answer, entry, response, { requestId, left, fault });
  }

  async #relay(
    answer: LiveAnswer,
    entry: JournalEntry,
    response: ServerResponse,
    how: { readonly requestId: string; readonly left: AbortSignal; readonly fault: ScriptedFault | undefined },
  ): Promise<void> {
    const { fault, left } = how;
    const { reply } = answer;
    const isBroken = fault?.kind === 'cut' || fault?.kind === 'in-band-error';
    const frames = isBroken ? reply.frames.slice(0, fault.afterFrames) : reply.frames;
    const ratio = this.#latencyRatio();
    const latencyMs =
      reply.usage === undefined ? 0 : logNormal(this.core.random, reply.model.firstTokenMs, FIRST_TOKEN_SIGMA);
    const pace = { firstFrameMs: latencyMs * ratio, msPerToken: (1000 / reply.model.tokensPerSecond) * ratio };
    entry.status = 200;
    response.writeHead(200, { ...replyHeaders(entry, reply, how.requestId), ...answer.headers }); // leaves with the first frame
    const outputTokens = await writePaced(response, frames, pace, left);
    const isComplete = !isBroken && !left.aborted;
    this.core.bill(answer, isComplete ? undefined : outputTokens);
    if (left.aborted) entry.outcome = 'client-left';
    else if (isBroken) await this.#breakOff(fault.kind, entry, response);
    else response.end();
  }

  async #breakOff(kind: 'cut' | 'in-band-error', entry: JournalEntry, response: ServerResponse): Promise<void> {
    entry.outcome = 'fault';
    if (kind === 'in-band-error') {
      response.end(errorEvent(entry.protocol, entry.path));
      return;
    }
    response.flushHeaders();
    // What was written must reach the client before the connection breaks.
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
    response.destroy();
  }

  #latencyRatio(): number {
    return this.#options.latencyRatio ?? 1 / this.#timeScale();
  }

  #timeScale(): number {
    return this.#options.timeScale ?? 1;
  }
}

/** Writes as fast as the client reads; a reply that is cut ends before its last chunk, or in the middle of its only one. */
async function writeChunks(
  response: ServerResponse,
  chunks: Iterable<string | Uint8Array>,
  isCut: boolean,
  left: AbortSignal,
): Promise<void> {
  for (const chunk of isCut ? cutChunks(chunks) : chunks) {
    if (left.aborted) break;
    // oxlint-disable-next-line no-await-in-loop -- never faster than the reader
    if (!response.write(chunk)) await drained(response, left);
  }
}

function replyHeaders(request: ProviderRequest, reply: SimulatedReply, requestId: string): Record<string, string> {
  const common = { 'content-type': reply.contentType, 'cache-control': 'no-cache' };
  if (request.protocol === 'anthropic') {
    return { ...common, 'request-id': requestId, 'anthropic-ratelimit-requests-remaining': '3999' };
  }
  return {
    ...common,
    'x-request-id': requestId,
    'openai-version': '2020-10-01',
    'openai-processing-ms': String(Math.round(reply.model.firstTokenMs)),
    'x-ratelimit-remaining-requests': '9999',
  };
}

function refuse(
  response: ServerResponse,
  entry: JournalEntry | undefined,
  refusal: ProviderRefusal,
  requestId: string,
): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const protocol = entry?.protocol ?? 'openai';
  if (entry !== undefined) {
    entry.status = refusal.status;
    entry.outcome = refusal.status >= 429 ? 'fault' : 'complete';
  }
  const idHeader = protocol === 'anthropic' ? 'request-id' : 'x-request-id';
  const body = errorBody(protocol, refusal, requestId);
  response.writeHead(refusal.status, {
    ...refusal.headers,
    'content-type': 'application/json',
    [idHeader]: requestId,
  });
  response.end(body);
}
