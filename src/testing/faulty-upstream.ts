import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { closeServer, listenOnLoopback } from '../simulator/loopback-server.ts';
import type { AnswerShape } from './upstream/expected-answer.ts';
import { FaultChoice } from './upstream/fault-choice.ts';
import { replyPlan } from './upstream/reply-plan.ts';
import type { FaultShare, UpstreamFault } from './upstream/upstream-fault.ts';
import { type UpstreamRequest, upstreamRequest } from './upstream/upstream-request.ts';
import { writeReply } from './upstream/write-reply.ts';

/** How a faulty upstream behaves. @public */
export interface FaultyUpstreamOptions {
  /** Faults by chance, drawn for one request after the other; the shares are at most 1 together. @defaultValue none */
  readonly mix?: readonly FaultShare[];
  /** Decides the chance: the same seed gives the same faults in the same order. @defaultValue 1 */
  readonly seed?: number;
  /** Faults by what is asked: the fault that a prompt shows whenever it comes; undefined leaves it to the mix. @defaultValue none */
  readonly faultOf?: (prompt: string) => UpstreamFault | undefined;
  /** How long answers are: `{ frames: 24_000, frameBytes: 1000 }` is 24 MB. @defaultValue 12 parts of 24 bytes */
  readonly answer?: AnswerShape;
  /** Before the head of a reply with status 200, in milliseconds. @defaultValue 0 */
  readonly firstFrameMs?: number;
  /** Behind each frame, in milliseconds; 0 sends as fast as the client reads. @defaultValue 0 */
  readonly msPerFrame?: number;
}

/** A request whose client left before the reply was over. @public */
export interface UpstreamDeparture {
  readonly prompt: string;
  /** When it was noticed, in Unix milliseconds. */
  readonly atMs: number;
}

/** What a faulty upstream has seen. @public */
export interface UpstreamCounters {
  /** Requests whose body came to its end. */
  readonly requests: number;
  /** Of these, by the fault that was chosen. */
  readonly faults: Readonly<Partial<Record<UpstreamFault['kind'], number>>>;
  /** Good answers that were written to their end, whatever was wrong with their headers or pace. */
  readonly answered: number;
  readonly inFlight: number;
  /** Most requests at a time so far. */
  readonly mostInFlight: number;
  readonly departures: readonly UpstreamDeparture[];
}

/** A faulty upstream under way. @public */
export interface FaultyUpstream {
  /** `http://127.0.0.1:port`: the base for Anthropic clients; OpenAI clients take it with `/v1` behind. */
  readonly origin: string;
  counters(): UpstreamCounters;
  /** How many requests have asked this prompt. */
  asked(prompt: string): number;
  /** The next `count` (default 1) requests show this fault, or are answered well; first in, first out. Goes before prompts and mix. */
  script(fault: UpstreamFault | undefined, count?: number): void;
  /** All requests show this fault until it is taken back with undefined. Goes before all else. */
  setDown(fault: UpstreamFault | undefined): void;
  /** Closes the server and every connection. */
  close(): Promise<void>;
}

/** Idle connections outlive every test, so that none is closed in the moment in which a client takes it up again. */
const KEEP_ALIVE_MS = 600_000;

/**
 * Starts an upstream that speaks the five metered endpoints of OpenAI and Anthropic on a free port of the loopback interface, answers in a way that
 * can be checked ({@link expectedAnswer}) and shows faults by chance, by script or for as long as it is told to.
 * A text that the caller began in the assistant's name is continued, also where the user's next message asks for that. Output limits are not looked at.
 * @throws RangeError when shares of faults are negative or more than 1 together, or parts of answers too short.
 * @example
 * ```ts
 * const upstream = await startFaultyUpstream({ mix: [{ fault: { kind: 'status', status: 429 }, ratio: 0.1 }] });
 * upstream.script({ kind: 'cut', after: { frames: 3 }, by: 'rst' });
 * // ... calls to `${upstream.origin}/v1` ...
 * await upstream.close();
 * ```
 * @public
 */
export async function startFaultyUpstream(options: FaultyUpstreamOptions = {}): Promise<FaultyUpstream> {
  const state = new UpstreamState(options);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (message, response) => {
    void state.serve(message, response);
  });
  const origin = await listenOnLoopback(server);
  return {
    origin,
    counters: () => state.counters(),
    asked: (prompt) => state.asked.get(prompt) ?? 0,
    script: (fault, count = 1) => state.choice.script(fault, count),
    setDown: (fault) => state.choice.setDown(fault),
    close: () => closeServer(server),
  };
}

class UpstreamState {
  readonly choice: FaultChoice;
  readonly asked: Map<string, number> = new Map<string, number>();
  readonly #options: FaultyUpstreamOptions;
  readonly #faults: Partial<Record<UpstreamFault['kind'], number>> = {};
  readonly #departures: UpstreamDeparture[] = [];
  #requests = 0;
  #answered = 0;
  #inFlight = 0;
  #mostInFlight = 0;

  constructor(options: FaultyUpstreamOptions) {
    this.#options = options;
    this.choice = new FaultChoice(options.mix ?? [], options.seed ?? 1, options.faultOf);
  }

  counters(): UpstreamCounters {
    return {
      requests: this.#requests,
      faults: { ...this.#faults },
      answered: this.#answered,
      inFlight: this.#inFlight,
      mostInFlight: this.#mostInFlight,
      departures: [...this.#departures],
    };
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const bodyText = await bodyOf(message);
    if (bodyText === undefined) return;
    const path = (message.url ?? '').split('?', 1)[0] ?? '';
    const request = upstreamRequest(path, bodyText, this.#options.answer);
    if (request === undefined) {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(
        '{"error":{"message":"no such endpoint or no JSON","type":"invalid_request_error","param":null,"code":null}}',
      );
      return;
    }
    this.#count(request);
    const left = new AbortController();
    const leaving = { isOver: false };
    response.once('close', () => {
      this.#inFlight -= 1;
      if (!leaving.isOver && !response.writableFinished)
        this.#departures.push({ prompt: request.prompt, atMs: Date.now() });
      left.abort();
    });
    await this.#answer(request, response, left.signal, () => {
      leaving.isOver = true;
    });
  }

  #count({ prompt }: UpstreamRequest): void {
    this.#requests += 1;
    this.#inFlight += 1;
    this.#mostInFlight = Math.max(this.#mostInFlight, this.#inFlight);
    this.asked.set(prompt, (this.asked.get(prompt) ?? 0) + 1);
  }

  async #answer(
    request: UpstreamRequest,
    response: ServerResponse,
    left: AbortSignal,
    isOver: () => void,
  ): Promise<void> {
    const fault = this.choice.take(request.prompt);
    if (fault !== undefined) this.#faults[fault.kind] = (this.#faults[fault.kind] ?? 0) + 1;
    const plan = replyPlan(request, fault, this.#options.answer);
    if (plan.kind === 'hang') return;
    if (plan.kind === 'reset') {
      isOver();
      response.socket?.resetAndDestroy();
      return;
    }
    const { firstFrameMs = 0, msPerFrame = 0 } = this.#options;
    const pace = plan.status === 200 ? { firstFrameMs, msPerFrame } : { firstFrameMs: 0, msPerFrame: 0 };
    if (plan.isGood) response.once('finish', () => (this.#answered += 1));
    await writeReply(response, plan, pace, left, isOver);
  }
}

/** The body as text; undefined when the client leaves before its end. */
async function bodyOf(message: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    return undefined; // a request that never came to its end is none
  }
  return Buffer.concat(chunks).toString('utf8');
}
