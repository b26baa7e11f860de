import { FarthingError, retryAfterSeconds } from '../core/errors.ts';
import { formatUsd } from '../core/money.ts';
import { formatTarget } from '../core/model/target.ts';
import { ENDPOINTS, type Endpoint } from '../core/model/protocol.ts';
import { formatDecisions } from '../core/model/decision.ts';
import { formatRouteFacts } from '../core/model/route-facts.ts';
import type { CallState, ReplyReceiver, UpstreamHead } from '../middleware/compose.ts';
import type { ReplyFrame } from '../wire/reply-frame.ts';
import type { Clock } from '../ports/clock.ts';
import type { ReplySink } from '../ports/reply-sink.ts';
import { convertReply } from '../wire/convert-reply.ts';
import { errorBody, errorEvent } from '../wire/error-body.ts';
import type { CallMoney } from './call-money.ts';
import { cacheStatusOf } from './call-cache-status.ts';
import { joinedFrames } from './joined-frames.ts';
import { passedHeaders } from './passed-headers.ts';

/** What a relay knows about the call whose client it serves. @internal */
export interface RelayOptions {
  readonly callId: string;
  readonly endpoint: Endpoint;
  readonly state: CallState;
  readonly sink: ReplySink;
  readonly clock: Clock;
  readonly money: () => CallMoney;
}

const MONEY_TRAILERS = ['x-farthing-cost-usd', 'x-farthing-baseline-usd', 'x-farthing-saved-usd'] as const;
/** What is not known yet when a head is sent early. */
const EARLY_TRAILERS = [...MONEY_TRAILERS, 'x-farthing-model', 'x-farthing-decisions'] as const;
const encoder = new TextEncoder();

/** What a header's value cannot hold: all but visible ASCII and blanks, whole characters at a time. */
const UNCARRIED = /[^\t\x20-\x7e]+/g;

/**
 * The last receiver of a reply: gives one client the form it asked for, without the usage chunk that it did not ask for, and with
 * our headers. Everything else passes byte for byte.
 * @internal
 */
export class ClientRelay implements ReplyReceiver {
  readonly #options: RelayOptions;
  #head: UpstreamHead | undefined;
  /** Frames of a reply that is sent at its end: whole, or to be converted. */
  #kept: ReplyFrame[] | undefined;
  #isOver = false;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  head(head: UpstreamHead): void {
    this.#head = head;
    if (head.form === 'whole' || this.#mustConvert(head)) this.#kept = [];
    else this.#sendHead(head, passedHeaders(head.headers), head.isEarly === true ? EARLY_TRAILERS : MONEY_TRAILERS);
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    if (this.#kept !== undefined) {
      this.#kept.push(...frames);
      return true;
    }
    const { state, endpoint, clock } = this.#options;
    // A sign of life is no first byte of the answer.
    if (frames.some(({ role }) => role !== 'ping')) state.firstByteAt ??= clock.monotonicMs();
    const hidesUsage = endpoint === 'chat' && state.shape?.wantsUsageChunk !== true && this.#clientWants('stream');
    let mayGoOn = true;
    for (const bytes of joinedFrames(frames, hidesUsage)) mayGoOn = this.#options.sink.write(bytes);
    return mayGoOn;
  }

  drained(): Promise<void> {
    return this.#options.sink.drained();
  }

  end(): void {
    if (this.#isOver) return;
    const head = this.#head;
    if (head === undefined) {
      this.fail(new FarthingError('internal', 'a reply ended before it began'));
      return;
    }
    const kept = this.#kept;
    if (kept === undefined) this.#endStream();
    else if (this.#mustConvert(head)) this.#endConverted(head, kept);
    else this.#endWhole(head, kept);
  }

  /** Ends the reply with an error in the protocol's shape: as the reply itself, or as an event where a stream has begun. */
  fail(error: FarthingError): void {
    if (this.#isOver) return;
    const { sink, endpoint, callId, state } = this.#options;
    if (state.status === 0) {
      const body = encoder.encode(errorBody(ENDPOINTS[endpoint].protocol, error, callId));
      const headers: Record<string, string> = {
        'content-type': 'application/json',
        'content-length': String(body.byteLength),
        ...error.headers,
      };
      if (error.retryable) headers['retry-after'] = String(retryAfterSeconds(error));
      else headers['x-should-retry'] = 'false';
      this.#sendHead({ status: error.status, headers: {}, form: 'whole' }, headers);
      this.#isOver = true;
      sink.write(body);
    } else {
      this.#isOver = true;
      sink.write(encoder.encode(errorEvent(endpoint, error, callId)));
    }
    sink.end();
  }

  #clientWants(form: UpstreamHead['form']): boolean {
    return this.#options.state.shape?.isStream === (form === 'stream');
  }

  /** Only shared answers are converted here: what a provider sent to this very call passes as it is, and the cache converts its own. */
  #mustConvert(head: UpstreamHead): boolean {
    const isShared = this.#options.state.cacheStatus === 'collapsed';
    return isShared && head.status < 300 && ENDPOINTS[this.#options.endpoint].streams && !this.#clientWants(head.form);
  }

  #endStream(): void {
    this.#isOver = true;
    const late = this.#head?.isEarly === true ? this.#answerHeaders() : {};
    this.#options.sink.end({ ...this.#moneyHeaders(), ...late });
  }

  #endWhole(head: UpstreamHead, kept: readonly ReplyFrame[]): void {
    const [body, ...others] = joinedFrames(kept, false);
    const sizeBytes = others.reduce((sum, part) => sum + part.byteLength, body?.byteLength ?? 0);
    // The head of a call that is answered later is ours: it says where its answer will be.
    const headers = passedHeaders(head.headers);
    const { location } = this.#options.state.isDeferred ? head.headers : {};
    if (typeof location === 'string') headers['location'] = location;
    headers['content-length'] = String(sizeBytes);
    // What a call costs that is answered later is not known yet.
    const money = this.#options.state.isDeferred ? {} : this.#moneyHeaders();
    this.#sendHead(head, Object.assign(headers, money));
    this.#isOver = true;
    if (body !== undefined) this.#write(body);
    for (const part of others) this.#write(part);
    this.#options.sink.end();
  }

  #endConverted(head: UpstreamHead, kept: readonly ReplyFrame[]): void {
    const converted = convertReply(this.#options.endpoint, head.form, Buffer.concat(kept.map((frame) => frame.bytes)));
    if (converted === undefined) {
      this.fail(
        new FarthingError('overloaded', 'the shared reply cannot be given in the form asked for', { retryable: true }),
      );
      return;
    }
    this.#kept = undefined;
    const form = head.form === 'whole' ? 'stream' : 'whole';
    const headers = { 'content-type': form === 'stream' ? 'text/event-stream' : 'application/json' };
    const next: UpstreamHead = { status: head.status, headers, form };
    this.#head = next;
    if (form === 'whole') {
      this.#endWhole(next, converted);
      return;
    }
    this.#sendHead(next, headers, MONEY_TRAILERS);
    this.frames(converted);
    this.#endStream();
  }

  #write(bytes: Uint8Array): boolean {
    const { state, clock, sink } = this.#options;
    state.firstByteAt ??= clock.monotonicMs();
    return sink.write(bytes);
  }

  #sendHead(head: UpstreamHead, headers: Record<string, string>, trailerNames?: readonly string[]): void {
    const { state, callId, sink } = this.#options;
    headers['x-farthing-request-id'] = callId;
    const route = state.plan?.route;
    if (route !== undefined) headers['x-farthing-route'] = formatRouteFacts(route);
    if (head.isEarly !== true) Object.assign(headers, this.#answerHeaders());
    headers['cache-status'] = cacheStatusOf(state, this.#options.clock.nowMs());
    const left = state.budgetLeft?.();
    if (left !== undefined) headers['x-farthing-budget-remaining-usd'] = formatUsd(left);
    sink.head(
      trailerNames === undefined ? { status: head.status, headers } : { status: head.status, headers, trailerNames },
    );
    // Only now: a head that the sink refused was not sent, and the error that follows needs one.
    state.status = head.status;
  }

  /** Who answers, and how that came about. */
  #answerHeaders(): Record<string, string> {
    const { answer, answering, plan, decisions } = this.#options.state;
    const target = answer?.target ?? answering ?? plan?.targets[0];
    const headers: Record<string, string> = {};
    // A model's name is the caller's text: what HTTP cannot carry is percent-encoded.
    if (target !== undefined) headers['x-farthing-model'] = formatTarget(target).replace(UNCARRIED, encodeURIComponent);
    if (decisions.length > 0) headers['x-farthing-decisions'] = formatDecisions(decisions);
    return headers;
  }

  #moneyHeaders(): Record<string, string> {
    const { costNanoUsd, savings } = this.#options.money();
    return {
      'x-farthing-cost-usd': costNanoUsd === undefined ? 'unknown' : formatUsd(costNanoUsd),
      'x-farthing-baseline-usd': savings === undefined ? 'unknown' : formatUsd(savings.baselineNanoUsd),
      'x-farthing-saved-usd': savings === undefined ? 'unknown' : formatUsd(savings.savedNanoUsd),
    };
  }
}
