import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import type { PlannedCall } from '../../simulator/traffic/planned-call.ts';

/** Where traffic is sent and how fast. @internal */
export interface SendOptions {
  readonly gatewayUrl: string;
  /** By project index. */
  readonly keys: readonly string[];
  /** Simulated milliseconds in a real one. */
  readonly timeScale: number;
  readonly latencyRatio: number;
  /** Told after each call that is over. */
  readonly onDone: (done: number) => void;
}

/** How the calls ended, as their clients saw it. @internal */
export interface SendOutcome {
  readonly answered: number;
  /** Taken, to be answered later. */
  readonly taken: number;
  /** Refused with 4xx, as mistakes should be. */
  readonly refused: number;
  /** Refused with 402: a budget is spent. */
  readonly overBudget: number;
  /** Still refused with 429 after the client's retries: calls in flight held what was left of a budget. */
  readonly held: number;
  /** Still failed after the client's retries. */
  readonly failed: number;
  /** The client left on purpose. */
  readonly abandoned: number;
  /** Requests beyond the first of a call, which the gateway counts as calls: it had tried in vain itself. */
  readonly sentAgain: number;
}

type CallOutcome = Exclude<keyof SendOutcome, 'sentAgain'>;

/** A call whose answer is to be asked for. @internal */
export interface TakenCall {
  /** Where it is asked for, below the gateway. */
  readonly path: string;
  /** The headers that its client sends as credentials. */
  readonly credentials: Readonly<Record<string, string>>;
}

/** What came of the traffic. @internal */
export interface SentTraffic {
  readonly outcome: SendOutcome;
  readonly taken: readonly TakenCall[];
}

/** Connections to the gateway: more than calls are ever under way. */
const CONNECTIONS = 256;
/** Official clients retry twice on 429 and 5xx. */
const CLIENT_RETRIES = 2;
const RETRY_PAUSE_MS = 20;
const DONE_WITHIN_MS = 60_000;

/**
 * Sends a day of calls over real sockets, each at its time; the calls of a session wait for each other.
 * @throws the socket's error when the gateway cannot be reached.
 * @internal
 */
export async function sendTraffic(plan: readonly PlannedCall[], options: SendOptions): Promise<SentTraffic> {
  const pool = new Pool(options.gatewayUrl, { connections: CONNECTIONS });
  const outcome = { answered: 0, taken: 0, refused: 0, overBudget: 0, held: 0, failed: 0, abandoned: 0, sentAgain: 0 };
  const taken: TakenCall[] = [];
  const sessions = new Map<string, Promise<void>>();
  const startMs = performance.now();
  let done = 0;
  const run = async (call: PlannedCall, before: Promise<void> | undefined): Promise<void> => {
    await sleep(Math.max(0, startMs + call.atMs / options.timeScale - performance.now()));
    await before;
    const listener = { onRetry: () => (outcome.sentAgain += 1), onTaken: (later: TakenCall) => taken.push(later) };
    outcome[await sendCall(pool, call, options, listener)] += 1;
    done += 1;
    options.onDone(done);
  };
  const running = plan.map((call) => {
    const { session } = call;
    const ended = run(call, session === undefined ? undefined : sessions.get(session));
    if (session !== undefined) sessions.set(session, ended);
    return ended;
  });
  try {
    await Promise.all(running);
  } finally {
    await pool.destroy();
  }
  return { outcome, taken };
}

interface SendListener {
  readonly onRetry: () => void;
  readonly onTaken: (call: TakenCall) => void;
}

async function sendCall(
  pool: Pool,
  call: PlannedCall,
  options: SendOptions,
  { onRetry, onTaken }: SendListener,
): Promise<CallOutcome> {
  for (let retries = 0; ; retries += 1) {
    // oxlint-disable-next-line no-await-in-loop -- a retry comes after the failure
    const attempt = await attemptCall(pool, call, options);
    if (attempt === 'left') return 'abandoned';
    const { status, pauseMs, location } = attempt;
    if (status === 202 && location !== undefined) {
      onTaken({ path: location, credentials: credentialHeaders(call, options.keys) });
      return 'taken';
    }
    if (status < 400) return 'answered';
    if (status === 402) return 'overBudget';
    if (status < 500 && status !== 429) return 'refused';
    if (retries === CLIENT_RETRIES) return status === 429 ? 'held' : 'failed';
    await sleep(pauseMs); // oxlint-disable-line no-await-in-loop -- the pause before it
    onRetry();
  }
}

interface Attempt {
  readonly status: number;
  /** How long the client waits before it tries again. */
  readonly pauseMs: number;
  /** Where the answer of a call that was taken will be. */
  readonly location: string | undefined;
}

async function attemptCall(pool: Pool, call: PlannedCall, options: SendOptions): Promise<Attempt | 'left'> {
  const leaving =
    call.abandonAfterMs === undefined
      ? undefined
      : AbortSignal.timeout(Math.ceil(call.abandonAfterMs * options.latencyRatio));
  const path = ENDPOINTS[call.endpoint].clientPath;
  const headers = { ...call.headers, ...credentialHeaders(call, options.keys), 'content-type': 'application/json' };
  try {
    const signal = leaving ?? AbortSignal.timeout(DONE_WITHIN_MS);
    const reply = await pool.request({ method: 'POST', path, headers, body: call.body, signal });
    await reply.body.arrayBuffer();
    const { location } = reply.headers;
    return {
      status: reply.statusCode,
      pauseMs: pauseOf(reply.headers['retry-after']),
      location: typeof location === 'string' ? location : undefined,
    };
  } catch (error) {
    if (leaving?.aborted === true) return 'left';
    throw error;
  }
}

/** As official clients do: what the server asks for, in seconds, else a pause of their own. */
function pauseOf(retryAfter: string | readonly string[] | undefined): number {
  const seconds = Number(retryAfter);
  return seconds > 0 ? seconds * 1000 : RETRY_PAUSE_MS;
}

/** The key as the client of that protocol sends it. */
function credentialHeaders(call: PlannedCall, keys: readonly string[]): Record<string, string> {
  const key = keys[call.projectIndex] ?? '';
  const isAnthropic = ENDPOINTS[call.endpoint].protocol === 'anthropic';
  return isAnthropic ? { 'x-api-key': key, 'anthropic-version': '2023-06-01' } : { authorization: `Bearer ${key}` };
}
