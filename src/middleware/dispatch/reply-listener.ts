import { FarthingError, isFarthingError } from '../../core/errors.ts';
import { type Endpoint, ENDPOINTS } from '../../core/model/protocol.ts';
import type { ReplyFacts } from '../../core/model/reply.ts';
import { NO_USAGE } from '../../core/model/usage.ts';
import type { Exchange, ProviderListener } from '../../ports/provider.ts';
import { wholeReplyFacts } from '../../wire/reply-whole.ts';
import { type SseFrame, SseFramer } from '../../wire/sse-framer.ts';
import { type StreamReader, streamReader } from '../../wire/stream-reader.ts';
import type { Outcome, ReplyReceiver, UpstreamHead } from '../compose.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';

const decoder = new TextDecoder();
const DONE_FRAME = new TextEncoder().encode('data: [DONE]\n\n');

/**
 * For how long a connection may stay open behind the event that ends the answer, in milliseconds. That event is held back until the reply
 * is over; clients stop reading at it, so a provider that never closes would make them wait for nothing.
 */
const LINGER_MS = 1000;

/** Facts of a reply of which nothing could be read. */
const NO_FACTS: ReplyFacts = {
  ended: false,
  finish: 'unknown',
  terms: {},
  usedHostedTools: false,
  isEmpty: true,
  outputBytes: 0,
};

/**
 * Takes a provider's reply: frames and reads a stream while its bytes pass, or collects a whole reply and reads it at its end.
 * The promise `outcome` settles once, after the receiver has got its `end` or `fail`.
 * @internal
 */
export class ReplyListener implements ProviderListener {
  readonly outcome: Promise<Outcome>;
  exchange: Exchange | undefined;
  readonly #endpoint: Endpoint;
  readonly #receiver: ReplyReceiver;
  readonly #maxReplyBytes: number;
  readonly #onOver: (error: FarthingError | undefined) => void;
  #settle: (outcome: Outcome) => void = () => undefined;
  #head: UpstreamHead | undefined;
  #framer: SseFramer | undefined;
  #reader: StreamReader | undefined;
  #chunks: Uint8Array[] = [];
  #sizeBytes = 0;
  #sawTerminal = false;
  #sawError = false;
  #linger: NodeJS.Timeout | undefined;
  #isOver = false;

  /** `onOver` is told why, where the reply did not end by itself. */
  constructor(
    endpoint: Endpoint,
    receiver: ReplyReceiver,
    maxReplyBytes: number,
    onOver: (error: FarthingError | undefined) => void,
  ) {
    this.#endpoint = endpoint;
    this.#receiver = receiver;
    this.#maxReplyBytes = maxReplyBytes;
    this.#onOver = onOver;
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  onHead(status: number, headers: UpstreamHead['headers']): void {
    const fault = headFault(status, headers);
    if (fault !== undefined) {
      this.#receiver.head({ status, headers, form: 'whole' });
      this.#giveUp(fault);
      return;
    }
    const contentType = headers['content-type'];
    const saysStream = typeof contentType === 'string' && contentType.toLowerCase().startsWith('text/event-stream');
    const isStream = status < 300 && saysStream && ENDPOINTS[this.#endpoint].streams;
    this.#head = { status, headers, form: isStream ? 'stream' : 'whole' };
    if (!isStream) return;
    this.#framer = new SseFramer();
    this.#reader = streamReader(this.#endpoint);
    this.#receiver.head(this.#head);
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#isOver) return true;
    if (this.#framer !== undefined) return this.#relay(this.#framer, chunk);
    this.#sizeBytes += chunk.byteLength;
    if (this.#sizeBytes > this.#maxReplyBytes) {
      this.#giveUp(
        new FarthingError('provider-broken', `the provider's reply is longer than ${this.#maxReplyBytes} bytes`),
      );
      return true;
    }
    this.#chunks.push(chunk);
    return true;
  }

  onEnd(): void {
    if (this.#isOver) return;
    if (this.#framer === undefined) this.#endWhole();
    else this.#endStream(this.#framer);
  }

  onError(error: Error, wasSent: boolean): void {
    if (this.#isOver) return;
    const isWhole = this.#sawTerminal && this.#reader?.facts().ended === true;
    // Some servers drop the connection behind the last event: the answer is whole all the same.
    if (this.#framer !== undefined && isWhole && !isLeaving(error)) this.#endStream(this.#framer);
    else this.#giveUp(error, wasSent);
  }

  #giveUp(error: Error, wasSent = true): void {
    const named = isFarthingError(error)
      ? error
      : new FarthingError('provider-broken', 'the exchange failed', { cause: error });
    const kind = isLeaving(error) ? 'client-left' : 'broken';
    this.#over({ kind, facts: this.#reader?.facts(), ...(wasSent ? {} : { neverSent: true }) }, named);
  }

  #relay(framer: SseFramer, chunk: Uint8Array): boolean {
    let frames: readonly SseFrame[];
    try {
      frames = framer.push(chunk);
    } catch (error) {
      this.#giveUp(error as Error);
      return true;
    }
    const relayed = this.#read(frames);
    if (relayed.length === 0 || this.#receiver.frames(relayed)) return true;
    void this.#receiver.drained().then(() => this.exchange?.resume());
    return false;
  }

  #read(frames: readonly SseFrame[]): ReplyFrame[] {
    const relayed: ReplyFrame[] = [];
    for (const frame of frames) {
      const role = this.#reader?.read(frame) ?? 'other';
      if (role === 'terminal') this.#noteTerminal();
      if (role === 'error') this.#sawError = true;
      relayed.push({ bytes: frame.bytes, role });
    }
    return relayed;
  }

  #noteTerminal(): void {
    this.#sawTerminal = true;
    this.#linger ??= setTimeout(() => {
      if (this.#isOver || this.#framer === undefined) return;
      this.#endStream(this.#framer);
      this.#onOver(new FarthingError('provider-broken', 'the provider did not close its stream'));
    }, LINGER_MS).unref();
  }

  #endStream(framer: SseFramer): void {
    const rest = framer.finish();
    const relayed = rest === undefined ? [] : this.#read([rest]);
    const facts = this.#reader?.facts() ?? NO_FACTS;
    if (this.#sawError) {
      if (relayed.length > 0) this.#receiver.frames(relayed);
      this.#over({ kind: 'provider-error', facts });
      return;
    }
    if (!facts.ended) {
      this.#over(
        { kind: 'broken', facts },
        new FarthingError('provider-broken', 'the stream ended before the answer did', { retryable: true }),
      );
      return;
    }
    // Some providers stop after the finish reason: the client is owed the end that the protocol promises.
    if (this.#endpoint === 'chat' && !this.#sawTerminal) relayed.push({ bytes: DONE_FRAME, role: 'terminal' });
    if (relayed.length > 0) this.#receiver.frames(relayed);
    this.#over({ kind: 'complete', facts });
  }

  #endWhole(): void {
    const head = this.#head;
    if (head === undefined) {
      this.#giveUp(new FarthingError('provider-broken', 'the provider closed without an answer', { retryable: true }));
      return;
    }
    const body = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    const facts = readWhole(this.#endpoint, head.status, body ?? new Uint8Array());
    this.#receiver.head(head);
    if (body !== undefined && body.byteLength > 0) this.#receiver.frames([{ bytes: body, role: 'content' }]);
    this.#over({ kind: head.status < 300 && facts.finish !== 'error' ? 'complete' : 'provider-error', facts });
  }

  #over(outcome: Outcome, error?: FarthingError): void {
    this.#isOver = true;
    clearTimeout(this.#linger);
    this.#chunks = [];
    this.#onOver(error);
    if (error === undefined) this.#receiver.end();
    else this.#receiver.fail(error);
    this.#settle(outcome);
  }
}

/** Why a reply with this head cannot be passed on. */
function headFault(status: number, headers: UpstreamHead['headers']): FarthingError | undefined {
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== '' && coding !== 'identity')
    return new FarthingError('provider-broken', 'the provider compressed its reply, which was not asked for');
  // Passed on, a redirect would send the client, and its prompt, to an address that nobody configured.
  if (status >= 300 && status < 400)
    return new FarthingError(
      'provider-failed',
      `the provider redirects (${status}): configure the address that answers`,
    );
  return undefined;
}

function isLeaving(error: Error): boolean {
  return isFarthingError(error) && error.code === 'client-left';
}

function readWhole(endpoint: Endpoint, status: number, body: Uint8Array): ReplyFacts {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(body));
  } catch {
    return { ...NO_FACTS, finish: 'error', outputBytes: body.byteLength };
  }
  const facts = wholeReplyFacts(endpoint, parsed);
  return status < 300 ? facts : { ...facts, finish: 'error', usage: facts.usage ?? NO_USAGE };
}
