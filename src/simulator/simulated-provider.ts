import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Random } from '../ports/clock.ts';
import { answerRequest } from './answer-request.ts';
import { logNormal } from './chance.ts';
import { LanguageModels, seedOf } from './language-model.ts';
import { closeServer, listenOnLoopback } from './loopback-server.ts';
import { wait, writePaced } from './paced-writing.ts';
import { errorBody, errorEvent, refusalOf } from './provider-error.ts';
import { ProviderInvoice, type Invoice, type SimulatedPrices } from './provider-invoice.ts';
import { accountOf, readProviderRequest, type ProviderRequest } from './provider-request.ts';
import { FaultScript, type ScriptedFault } from './scripted-fault.ts';
import { seededRandom } from './seeded-random.ts';
import { ProviderRefusal, type SimulatedReply } from './simulated-reply.ts';

/** How a simulated provider behaves. @public */
export interface SimulatedProviderOptions {
  /** What it charges. Its models are the ones named here; any name is possible. */
  readonly prices: SimulatedPrices;
  /** Decides all chance. @defaultValue 1 */
  readonly seed?: number;
  /** Simulated milliseconds in a real one: how fast cached prompts grow old. 1440 makes a day of a minute. @defaultValue 1 */
  readonly timeScale?: number;
  /** The share of a realistic latency that is really waited for; 0 answers at once. @defaultValue `1 / timeScale` */
  readonly latencyRatio?: number;
  /** Credentials that are accepted. Undefined accepts any but none. */
  readonly apiKeys?: readonly string[];
  /** Requests that the journal keeps, newest last. @defaultValue 1000 */
  readonly journalSize?: number;
  /** Share of requests (0..1, chosen by their body) that fail with 500 or 529 the first time they are sent. @defaultValue 0 */
  readonly faultRatio?: number;
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
export interface SimulatedProvider {
  /** `http://127.0.0.1:port`: the base URL for Anthropic clients; OpenAI clients take it with `/v1` behind. */
  readonly origin: string;
  invoice(): Invoice;
  journal(): readonly JournalEntry[];
  counters(): ProviderCounters;
  /** The next `count` (default 1) metered requests show the fault. */
  failNext(fault: ScriptedFault, count?: number): void;
  /** Closes the server and every connection. */
  close(): Promise<void>;
}

/** Bodies remembered as having failed once. */
const MAX_FAILED_BODIES = 10_000;
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
  return {
    origin,
    invoice: () => state.invoice.invoice(),
    journal: () => state.journal,
    counters: () => state.counters(),
    failNext: (fault, count = 1) => state.faults.add(fault, count),
    close: () => closeServer(server),
  };
}

class ProviderState {
  readonly invoice: ProviderInvoice;
  readonly faults: FaultScript = new FaultScript();
  readonly journal: JournalEntry[] = [];
  connections = 0;
  openConnections = 0;
  readonly #options: SimulatedProviderOptions;
  readonly #models: LanguageModels;
  readonly #random: Random;
  readonly #failedOnce: Set<string> = new Set<string>();
  readonly #startedAtMs: number = Date.now();
  readonly #startedMonotonicMs: number = performance.now();
  #requests = 0;
  #inFlight = 0;
  #clientsLeft = 0;

  constructor(options: SimulatedProviderOptions) {
    this.#options = options;
    this.invoice = new ProviderInvoice(options.prices);
    this.#models = new LanguageModels(options.seed ?? 1);
    this.#random = seededRandom(options.seed ?? 1);
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
    const requestId = `req_${this.#random.hex(24)}`;
    let entry: JournalEntry | undefined;
    try {
      entry = this.#note(await readProviderRequest(message));
      await this.#answer(entry, response, requestId, left.signal);
      if (entry.outcome === 'open') entry.outcome = 'complete';
    } catch (error) {
      if (entry !== undefined && left.signal.aborted) entry.outcome = 'client-left';
      const refusal =
        error instanceof ProviderRefusal
          ? error
          : new ProviderRefusal(500, 'server_error', `simulator: ${String(error)}`);
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

  async #answer(entry: JournalEntry, response: ServerResponse, requestId: string, left: AbortSignal): Promise<void> {
    const account = accountOf(entry, this.#options.apiKeys);
    const isMetered = entry.method === 'POST' && !entry.path.endsWith('/count_tokens');
    const fault = isMetered ? (this.faults.take() ?? this.#hiccup(entry)) : undefined;
    if (fault?.kind === 'slow') await wait(fault.delayMs, left);
    if (fault?.kind === 'reset') {
      entry.outcome = 'fault';
      response.destroy();
      return;
    }
    if (fault?.kind === 'status') {
      if (fault.retryAfterSeconds !== undefined) response.setHeader('retry-after', String(fault.retryAfterSeconds));
      throw refusalOf(fault.status);
    }
    const elapsedMs = (performance.now() - this.#startedMonotonicMs) * this.#timeScale();
    const answering = { models: this.#models, names: Object.keys(this.#options.prices) };
    const reply = answerRequest(answering, entry, {
      account,
      uniqueHex: this.#random.hex(24),
      nowMs: Math.floor(this.#startedAtMs + elapsedMs),
      latencyScale: this.#latencyRatio() * this.#timeScale(),
    });
    if (fault?.kind === 'in-band-error' && !reply.contentType.startsWith('text/')) throw refusalOf(500);
    await this.#relay(reply, entry, response, { requestId, left, fault });
  }

  async #relay(
    reply: SimulatedReply,
    entry: JournalEntry,
    response: ServerResponse,
    how: { readonly requestId: string; readonly left: AbortSignal; readonly fault: ScriptedFault | undefined },
  ): Promise<void> {
    const { fault, left } = how;
    const isBroken = fault?.kind === 'cut' || fault?.kind === 'in-band-error';
    const frames = isBroken ? reply.frames.slice(0, fault.afterFrames) : reply.frames;
    const ratio = this.#latencyRatio();
    const latencyMs =
      reply.usage === undefined ? 0 : logNormal(this.#random, reply.model.firstTokenMs, FIRST_TOKEN_SIGMA);
    const pace = { firstFrameMs: latencyMs * ratio, msPerToken: (1000 / reply.model.tokensPerSecond) * ratio };
    entry.status = 200;
    response.writeHead(200, replyHeaders(entry, reply, how.requestId)); // leaves with the first frame
    const outputTokens = await writePaced(response, frames, pace, left);
    const isComplete = !isBroken && !left.aborted;
    this.#bill(reply, isComplete ? undefined : outputTokens);
    if (left.aborted) entry.outcome = 'client-left';
    else if (isBroken) await this.#breakOff(fault.kind, entry, response);
    else response.end();
  }

  /** Bills the whole reply, or only `generatedTokens` of it when it did not come to its end. */
  #bill(reply: SimulatedReply, generatedTokens: number | undefined): void {
    if (reply.usage === undefined) return;
    const { usage, model } = reply;
    if (generatedTokens === undefined) {
      this.invoice.bill(model.name, usage, reply.statesUsage);
      return;
    }
    const output = Math.min(usage.output, generatedTokens);
    this.invoice.bill(model.name, { ...usage, output, reasoning: Math.min(usage.reasoning, output) }, false);
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

  #hiccup(request: ProviderRequest): ScriptedFault | undefined {
    const ratio = this.#options.faultRatio ?? 0;
    if (ratio === 0 || this.#failedOnce.has(request.bodyText)) return undefined;
    const draw = seededRandom(seedOf(`fault\n${request.bodyText}`)).fraction();
    if (draw >= ratio) return undefined;
    if (this.#failedOnce.size < MAX_FAILED_BODIES) this.#failedOnce.add(request.bodyText);
    return { kind: 'status', status: request.protocol === 'anthropic' ? 529 : 500 };
  }

  #latencyRatio(): number {
    return this.#options.latencyRatio ?? 1 / this.#timeScale();
  }

  #timeScale(): number {
    return this.#options.timeScale ?? 1;
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
  response.writeHead(refusal.status, { 'content-type': 'application/json', [idHeader]: requestId });
  response.end(body);
}
