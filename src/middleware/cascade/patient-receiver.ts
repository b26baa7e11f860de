import { FarthingError } from '../../core/errors.ts';
import type { Endpoint } from '../../core/model/protocol.ts';
import { convertReply } from '../../wire/convert-reply.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';
import { wholeReplyFacts } from '../../wire/reply-whole.ts';
import type { ReplyReceiver, UpstreamHead } from '../compose.ts';

/** For how long the client of a stream waits for a head, from the call's arrival, in milliseconds. As issue 6 says: proxies give up at 30 s and more. */
const HEAD_WAIT_MS = 10_000;

/** Between signs of life to a client that waits behind its head, in milliseconds. As issue 6 says. */
const PING_EVERY_MS = 10_000;

const EARLY_HEAD: UpstreamHead = {
  status: 200,
  headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
  form: 'stream',
  isEarly: true,
};

/** Clients read past comments (HTML, 9.2.6); Anthropic's know its own event. */
const COMMENT = new TextEncoder().encode(': ping\n\n');
const PING_EVENT = new TextEncoder().encode('event: ping\ndata: {"type": "ping"}\n\n');

/**
 * Keeps the client of a stream from giving up while answers are checked: where no reply has come in time it gets a head and then pings, and the reply
 * follows behind them. A reply that comes later is told in the stream whatever it is: a whole one as events, an error as the error's event.
 * @internal
 */
export class PatientReceiver implements ReplyReceiver {
  readonly #receiver: ReplyReceiver;
  readonly #endpoint: Endpoint;
  #timer: NodeJS.Timeout;
  #isEarly = false;
  /** The head of a reply that is no stream, which comes when the client has a head. */
  #late: UpstreamHead | undefined;
  #kept: ReplyFrame[] = [];

  /** @param waitedMs - how long the client has waited by now. */
  constructor(receiver: ReplyReceiver, endpoint: Endpoint, waitedMs: number) {
    this.#receiver = receiver;
    this.#endpoint = endpoint;
    this.#timer = setTimeout(() => this.#soothe(), Math.max(0, HEAD_WAIT_MS - waitedMs)).unref();
  }

  /** To be called when the call is over, however it ended. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  head(head: UpstreamHead): void {
    this.stop();
    if (!this.#isEarly) this.#receiver.head(head);
    else if (head.form === 'whole') this.#late = head;
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    if (this.#late === undefined) return this.#receiver.frames(frames);
    this.#kept.push(...frames);
    return true;
  }

  drained(): Promise<void> {
    return this.#receiver.drained();
  }

  end(): void {
    if (this.#late === undefined) this.#receiver.end();
    else this.#endLate(this.#late);
  }

  fail(error: FarthingError): void {
    this.stop();
    this.#receiver.fail(error);
  }

  #soothe(): void {
    if (!this.#isEarly) this.#receiver.head(EARLY_HEAD);
    this.#isEarly = true;
    // Also behind the head: it leaves with the first bytes.
    this.#receiver.frames([{ bytes: this.#endpoint === 'messages' ? PING_EVENT : COMMENT, role: 'ping' }]);
    this.#timer = setTimeout(() => this.#soothe(), PING_EVERY_MS).unref();
  }

  #endLate({ status }: UpstreamHead): void {
    const body = Buffer.concat(this.#kept.map(({ bytes }) => bytes));
    if (status >= 300) {
      this.#receiver.fail(toldError(this.#endpoint, status, body));
      return;
    }
    const frames = convertReply(this.#endpoint, 'whole', body);
    if (frames === undefined) {
      this.#receiver.fail(
        new FarthingError('provider-broken', 'the provider sent no stream, and its answer cannot be made one'),
      );
      return;
    }
    this.#receiver.frames(frames);
    this.#receiver.end();
  }
}

/** An error that came with its own status, for a client who has one already. */
function toldError(endpoint: Endpoint, status: number, body: Uint8Array): FarthingError {
  const message = statedMessage(endpoint, body) ?? `it answered with status ${status}`;
  return new FarthingError('provider-failed', `the provider failed: ${message}`, { status });
}

function statedMessage(endpoint: Endpoint, body: Uint8Array): string | undefined {
  try {
    return wholeReplyFacts(endpoint, JSON.parse(new TextDecoder().decode(body))).error?.message;
  } catch {
    return undefined; // not JSON: a page of some gateway
  }
}
