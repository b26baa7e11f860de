import { createHmac } from 'node:crypto';
import { Agent, request } from 'undici';
import type { Clock } from '../ports/clock.ts';

/** What is posted. @internal */
export interface SignedMessage {
  /** The same at every try. */
  readonly id: string;
  /** JSON text. */
  readonly body: string;
}

/** Where it is posted. @public */
export interface SignedReceiver {
  readonly url: string;
  /** The key of the signatures. */
  readonly secret: string;
}

/** What came of a try. `retry`: it may arrive another time. `refused`: it will not. @internal */
export type PostOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry' | 'refused'; readonly problem: string | Error };

/** How long {@link SignedPost} waits, and with what it stops. @internal */
export interface SignedPostOptions {
  readonly clock: Clock;
  /** For how long an answer is waited for, in milliseconds. @defaultValue 10_000 */
  readonly timeoutMs?: number | undefined;
  /** Connections to one receiver. */
  readonly maxConnections: number;
}

const TIMEOUT_MS = 10_000;

/** How much of an answer is read: nothing in it matters, but a connection can be used again when it was read. */
const MAX_ANSWER_BYTES = 16_384;

/** Posts messages so that their receivers can tell that they come from here. Follows no redirects. @internal */
export class SignedPost {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #agent: Agent;

  constructor({ clock, timeoutMs = TIMEOUT_MS, maxConnections }: SignedPostOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#agent = new Agent({ connections: maxConnections, connect: { timeout: timeoutMs } });
  }

  /** Tries once. Never rejects. */
  async send({ url, secret }: SignedReceiver, { id, body }: SignedMessage, signal: AbortSignal): Promise<PostOutcome> {
    try {
      const { statusCode, body: answer } = await request(url, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'farthing',
          'x-farthing-delivery': id,
          'x-farthing-signature': signature(body, secret, Math.floor(this.#clock.nowMs() / 1000)),
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]),
      });
      await answer.dump({ limit: MAX_ANSWER_BYTES });
      return outcomeOf(statusCode);
    } catch (error) {
      return { kind: 'retry', problem: error instanceof Error ? error : String(error) };
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** A redirect is not followed, and asking again would get it again. */
function outcomeOf(status: number): PostOutcome {
  if (status >= 200 && status < 300) return { kind: 'done' };
  const isPassing = status >= 500 || status === 408 || status === 429;
  return { kind: isPassing ? 'retry' : 'refused', problem: `answered ${status}` };
}

/** `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`: the time is signed too, so that an old request cannot be sent again. */
function signature(body: string, secret: string, atSeconds: number): string {
  return `t=${atSeconds},v1=${createHmac('sha256', secret).update(`${atSeconds}.${body}`).digest('hex')}`;
}
