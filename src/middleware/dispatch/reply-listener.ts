import { FarthingError, isFarthingError } from '../../core/errors.ts';
import { type Endpoint, ENDPOINTS } from '../../core/model/protocol.ts';
import type { ReplyError, ReplyFacts } from '../../core/model/reply.ts';
import { NO_USAGE } from '../../core/model/usage.ts';
import type { Exchange, ProviderListener } from '../../ports/provider.ts';
import { BROKEN_REPLY } from '../../wire/reply-error.ts';
import { wholeReplyFacts } from '../../wire/reply-whole.ts';
import { type SseFrame, SseFramer } from '../../wire/sse-framer.ts';
import { DONE } from '../../wire/stream-chat.ts';
import { type StreamReader, streamReader } from '../../wire/stream-reader.ts';
import type { Outcome, ReplyReceiver, UpstreamHead } from '../compose.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const DONE_FRAME = encoder.encode('data: [DONE]\n\n');

/**
 * For how long a connection may stay open behind the event that ends the answer, in milliseconds. What comes behind a finish reason (usage, `[DONE]`)
 * comes at once; the end is held back until the reply is over, so a provider that never closes would make the client wait for nothing.
 */
const LINGER_MS = 1000;

/** What a reply is called that is JSON and holds no answer: no choice, no content, no data. */
const NO_ANSWER: ReplyError = { type: BROKEN_REPLY.type, message: 'The provider sent a reply without an answer.' };

/** Facts of a reply of which nothing could be read. */
const NO_FACTS: ReplyFacts = {
  ended: false,
  finish: 'unknown',
  terms: {},
  usedHostedTools: false,
  isEmpty: true,
  outputBytes: 0,
};

/** What a {@link ReplyListener} needs. @internal */
export interface ReplyListenerOptions {
  readonly endpoint: Endpoint;
  readonly receiver: ReplyReceiver;
  /** Answers that were asked for at once. */
  readonly samples: number;
  /** Largest whole reply that is held in memory, in bytes. */
  readonly maxReplyBytes: number;
  /** Takes the provider's secrets out of its errors. */
  readonly maskSecrets: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** The reply has begun. Undefined: nobody wants to know. */
  readonly onHead?: ((status: number, headers: UpstreamHead['headers']) => void) | undefined;
  /** The first byte of the reply's body has come. */
  readonly onFirstByte: () => void;
  /** The reply is over; told why, where it did not end by itself. */
  readonly onOver: (error: FarthingError | undefined) => void;
}

/**
 * Takes a provider's reply: frames and reads a stream while its bytes pass, or collects a whole reply and reads it at its end.
 * The promise `outcome` settles once, after the receiver has got its `end` or `fail`.
 * @internal
 */
export class ReplyListener implements ProviderListener {
  readonly outcome: Promise<Outcome>;
  exchange: Exchange | undefined;
  readonly #options: ReplyListenerOptions;
  readonly #endpoint: Endpoint;
  readonly #receiver: ReplyReceiver;
  #settle: (outcome: Outcome) => void = () => undefined;
  #head: UpstreamHead | undefined;
  #framer: SseFramer | undefined;
  #reader: StreamReader | undefined;
  #chunks: Uint8Array[] = [];
  #sizeBytes = 0;
  #sawTerminal = false;
  #hasBytes = false;
  #linger: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: ReplyListenerOptions) {
    this.#options = options;
    this.#endpoint = options.endpoint;
    this.#receiver = options.receiver;
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  onHead(status: number, headers: UpstreamHead['headers']): void {
    this.#options.onHead?.(status, headers);
    const fault = headFault(status, headers);
    const passed = status >= 400 ? this.#maskedHeaders(headers) : headers;
    if (fault !== undefined) {
      this.#receiver.head({ status, headers, form: 'whole' });
      this.#giveUp(fault);
      return;
    }
    const contentType = headers['content-type'];
    const saysStream = typeof contentType === 'string' && contentType.toLowerCase().startsWith('text/event-stream');
    const isStream = status < 300 && saysStream && ENDPOINTS[this.#endpoint].streams;
    this.#head = { status, headers: passed, form: isStream ? 'stream' : 'whole' };
    if (!isStream) return;
    this.#framer = new SseFramer();
    this.#reader = streamReader(this.#endpoint, this.#options.samples);
    this.#receiver.head(this.#head);
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#isOver) return true;
    if (!this.#hasBytes) {
      this.#hasBytes = true;
      this.#options.onFirstByte();
    }
    if (this.#framer !== undefined) return this.#relay(this.#framer, chunk);
    this.#sizeBytes += chunk.byteLength;
    const { maxReplyBytes } = this.#options;
    if (this.#sizeBytes > maxReplyBytes) {
      this.#giveUp(new FarthingError('provider-broken', `the provider's reply is longer than ${maxReplyBytes} bytes`));
      return true;
    }
    this.#chunks.push(chunk);
    return true;
  }

  onEnd(): void {
    if (this.#isOver) return;
    if (this.#framer === undefined) this.#endWhole();
    else this.#endStream(this.#framer.finish());
  }

  onError(error: Error, wasSent: boolean): void {
    if (this.#isOver) return;
    // Some servers drop the connection behind the last event: the answer is whole all the same.
    if (this.#reader?.hasEnded() === true && !isLeaving(error)) this.#endStream();
    else this.#giveUp(error, wasSent);
  }

  #giveUp(error: Error, wasSent = true): void {
    const named = isFarthingError(error)
      ? error
      : new FarthingError('provider-broken', 'the exchange failed', { retryable: true, cause: error });
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
    const mayGoOn = relayed.length === 0 || this.#receiver.frames(relayed);
    if (relayed.at(-1)?.role === 'error') this.#endAtError();
    if (mayGoOn) return true;
    void this.#receiver.drained().then(() => this.exchange?.resume());
    return false;
  }

  /** Reads frames up to an error, which is the last one given; behind it the stream is worth nothing. */
  #read(frames: readonly SseFrame[]): ReplyFrame[] {
    const relayed: ReplyFrame[] = [];
    const reader = this.#reader as StreamReader;
    for (const frame of frames) {
      // Behind the end nothing counts: comments and a `[DONE]` that some send there pass, all else is dropped.
      if (this.#sawTerminal && frame.data !== undefined && frame.data.trim() !== DONE) continue;
      const role = roleIn(reader, frame);
      if (role === 'terminal') this.#sawTerminal = true;
      relayed.push({ bytes: role === 'error' ? this.#masked(frame.bytes) : frame.bytes, role });
      if (role === 'error') break;
    }
    if (reader.hasEnded()) this.#startLinger();
    return relayed;
  }

  #startLinger(): void {
    this.#linger ??= setTimeout(() => {
      if (this.#isOver) return;
      this.#endStream();
      this.#options.onOver(new FarthingError('provider-broken', 'the provider did not close its stream'));
    }, LINGER_MS).unref();
  }

  /** An error of the provider's is the end of its stream; so is an event that is not JSON, of which nothing is passed on. */
  #endAtError(): void {
    if (this.#isOver) return;
    this.#over({ kind: 'provider-error', facts: this.#maskedFacts(this.#reader?.facts() ?? NO_FACTS) });
    this.#options.onOver(new FarthingError('provider-broken', 'the stream is over'));
  }

  /** @param rest - what came behind the last blank line, where the stream ended by itself. */
  #endStream(rest?: SseFrame): void {
    const relayed = rest === undefined ? [] : this.#read([rest]);
    if (relayed.at(-1)?.role === 'error') {
      this.#receiver.frames(relayed);
      this.#endAtError();
      return;
    }
    const facts = this.#reader?.facts() ?? NO_FACTS;
    if (!facts.ended) {
      this.#over(
        { kind: 'broken', facts },
        new FarthingError('provider-broken', 'the stream ended before the answer did', { retryable: true }),
      );
      return;
    }
    if (facts.finish === 'error') {
      this.#over(
        { kind: 'provider-error', facts },
        new FarthingError('provider-failed', 'the provider failed within its answer', { retryable: true }),
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
    const [only = new Uint8Array()] = this.#chunks;
    const sent = this.#chunks.length <= 1 ? only : Buffer.concat(this.#chunks);
    const facts = readWhole(this.#endpoint, head.status, sent);
    const body = facts.finish === 'error' ? this.#masked(sent) : sent;
    this.#receiver.head(head);
    if (body.byteLength > 0) this.#receiver.frames([{ bytes: body, role: 'content' }]);
    this.#over({ kind: head.status < 300 && facts.finish !== 'error' ? 'complete' : 'provider-error', facts });
  }

  #maskedHeaders(headers: UpstreamHead['headers']): UpstreamHead['headers'] {
    const text = JSON.stringify(headers);
    const masked = this.#maskedText(text);
    return masked === text ? headers : (JSON.parse(masked) as UpstreamHead['headers']);
  }

  /** The provider's words may be told in an error of ours. */
  #maskedFacts(facts: ReplyFacts): ReplyFacts {
    const { error } = facts;
    return error === undefined ? facts : { ...facts, error: { ...error, message: this.#maskedText(error.message) } };
  }

  #maskedText(text: string): string {
    return decoder.decode(this.#masked(encoder.encode(text)));
  }

  #masked(bytes: Uint8Array): Uint8Array {
    return this.#options.maskSecrets?.(bytes) ?? bytes;
  }

  #over(outcome: Outcome, error?: FarthingError): void {
    this.#isOver = true;
    clearTimeout(this.#linger);
    this.#chunks = [];
    this.#options.onOver(error);
    if (error === undefined) this.#receiver.end();
    else this.#receiver.fail(error);
    this.#settle(outcome);
  }
}

function roleIn(reader: StreamReader, frame: SseFrame): ReplyFrame['role'] {
  const role = reader.read(frame);
  if (role === 'content') return reader.hasContent() ? 'content' : 'opening';
  // `response.failed` is both an end and an error.
  return role === 'terminal' && reader.facts().error !== undefined ? 'error' : role;
}

/** Why a reply with this head cannot be passed on. */
function headFault(status: number, headers: UpstreamHead['headers']): FarthingError | undefined {
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== '' && coding !== 'identity')
    return new FarthingError('provider-failed', 'the provider compressed its reply, which was not asked for');
  // Passed on, a redirect would send the client, and its prompt, to an address that nobody configured.
  if (status >= 300 && status < 400)
    return new FarthingError(
      'provider-failed',
      `the provider redirects (${status}): configure the address that answers`,
    );
  return undefined;
}

function isLeaving(error: Error): boolean {
  return isFarthingError(error) && (error.code === 'client-left' || error.code === 'attempt-dropped');
}

function readWhole(endpoint: Endpoint, status: number, body: Uint8Array): ReplyFacts {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(body));
  } catch {
    // Vectors are no tokens: what embeddings put out is not charged.
    const outputBytes = endpoint === 'embeddings' ? 0 : body.byteLength;
    return { ...NO_FACTS, finish: 'error', error: BROKEN_REPLY, outputBytes };
  }
  const facts = wholeReplyFacts(endpoint, parsed);
  if (status >= 300) return { ...facts, finish: 'error', usage: facts.usage ?? NO_USAGE };
  // A response that is made in the background is queued, and has nothing yet.
  const isAnswer = facts.ended || !facts.isEmpty || endpoint === 'responses' || facts.error !== undefined;
  return isAnswer ? facts : { ...facts, finish: 'error', error: NO_ANSWER };
}
