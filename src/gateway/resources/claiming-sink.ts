import type { ReplyHead, ReplySink } from '../../ports/reply-sink.ts';
import type { CallMadeIds, MadeId } from '../../wire/made-ids.ts';
import { SseFramer } from '../../wire/sse-framer.ts';

/** What a {@link ClaimingSink} works with. @internal */
export interface ClaimingSinkOptions {
  readonly sink: ReplySink;
  readonly ids: CallMadeIds;
  /** Registers ids; resolves when they may be shown. */
  readonly claim: (made: readonly MadeId[], provider: string) => Promise<void>;
}

/** The engine has bounded events and replies already. */
const UNBOUNDED = { maxFrameBytes: Number.MAX_SAFE_INTEGER };

const LINE_FEED = 10;
const decoder = new TextDecoder();

/**
 * Holds back what names a new id until the id is registered: an event of a stream and what follows it, or a whole reply. Everything else passes at
 * once, unchanged.
 * @internal
 */
export class ClaimingSink implements ReplySink {
  readonly #options: ClaimingSinkOptions;
  readonly #claimed = new Set<string>();
  /** How the reply is read; `through` passes unread. */
  #mode: 'through' | 'whole' | 'stream' = 'through';
  #provider = '';
  #head: ReplyHead | undefined;
  #held: Uint8Array[] = [];
  readonly #framer = new SseFramer(UNBOUNDED);
  /** Bytes of an event whose end has not come yet. */
  #openBytes = 0;
  /** Settles when what waits for a registration has been passed on. */
  #waiting: Promise<void> | undefined;
  #waitingCount = 0;
  #fault: unknown;

  constructor(options: ClaimingSinkOptions) {
    this.#options = options;
  }

  head(head: ReplyHead): void {
    const type = head.headers['content-type']?.toLowerCase() ?? '';
    const provider = providerOf(head);
    // 202 is ours: the call is answered later, and what it names is the call.
    if (provider !== undefined && head.status >= 200 && head.status < 300 && head.status !== 202) {
      this.#provider = provider;
      if (type.startsWith('text/event-stream')) this.#mode = 'stream';
      else if (type.startsWith('application/json')) this.#mode = 'whole';
    }
    if (this.#mode === 'whole') this.#head = head;
    else this.#options.sink.head(head);
  }

  write(chunk: Uint8Array): boolean {
    switch (this.#mode) {
      case 'through':
        return this.#options.sink.write(chunk);
      case 'whole':
        this.#held.push(chunk);
        return true;
      case 'stream':
        return this.#isPlain(chunk) ? this.#pass([], () => this.#options.sink.write(chunk)) : this.#writeFrames(chunk);
    }
  }

  async drained(): Promise<void> {
    await this.#waiting;
    await this.#options.sink.drained();
  }

  end(trailers?: Readonly<Record<string, string>>): void {
    const { sink, ids } = this.#options;
    const rest = this.#mode === 'stream' ? this.#framer.finish() : undefined;
    const made = rest === undefined ? [] : ids.ofFrame(rest);
    this.#pass([...made, ...this.#idsHeld()], () => {
      this.#release();
      if (rest !== undefined) sink.write(rest.bytes);
      sink.end(trailers);
      return true;
    });
  }

  abort(error: Error): void {
    this.#pass([], () => {
      this.#release();
      this.#options.sink.abort(error);
      return true;
    });
  }

  /** Resolves when nothing is held back any more. Rejects with what the sink threw meanwhile. */
  async settled(): Promise<void> {
    await this.#waiting;
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Whether a chunk is whole events without a trace of an id: the bulk of a stream, which is neither framed nor parsed. */
  #isPlain(chunk: Uint8Array): boolean {
    if (this.#openBytes > 0 || chunk.at(-1) !== LINE_FEED || chunk.at(-2) !== LINE_FEED) return false;
    return !this.#options.ids.mayBeIn(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  #writeFrames(chunk: Uint8Array): boolean {
    const { ids, sink } = this.#options;
    const frames = this.#framer.push(chunk);
    this.#openBytes += chunk.byteLength;
    for (const { bytes } of frames) this.#openBytes -= bytes.byteLength;
    return this.#pass(
      frames.flatMap((frame) => ids.ofFrame(frame)),
      () => {
        let mayGoOn = true;
        for (const { bytes } of frames) mayGoOn = sink.write(bytes);
        return mayGoOn;
      },
    );
  }

  /** Passes something on, after all that came before it and after the new ids in it are registered. */
  #pass(made: readonly MadeId[], action: () => boolean): boolean {
    const fresh = made.filter(({ id }) => !this.#claimed.has(id));
    if (fresh.length === 0 && this.#waiting === undefined) return action();
    for (const { id } of fresh) this.#claimed.add(id);
    const claimed = fresh.length === 0 ? undefined : this.#options.claim(fresh, this.#provider);
    this.#waitingCount += 1;
    this.#waiting = this.#passLater(this.#waiting, claimed, action);
    return false;
  }

  async #passLater(
    earlier: Promise<void> | undefined,
    claimed: Promise<void> | undefined,
    action: () => boolean,
  ): Promise<void> {
    await earlier;
    try {
      await claimed;
      action();
    } catch (error) {
      this.#fault ??= error;
    }
    this.#waitingCount -= 1;
    if (this.#waitingCount === 0) this.#waiting = undefined;
  }

  #idsHeld(): readonly MadeId[] {
    if (this.#head === undefined) return [];
    try {
      return this.#options.ids.ofReply(JSON.parse(decoder.decode(Buffer.concat(this.#held))));
    } catch {
      return []; // no JSON, whatever its type says: it names no id that a client could read
    }
  }

  #release(): void {
    if (this.#head === undefined) return;
    this.#options.sink.head(this.#head);
    this.#head = undefined;
    for (const chunk of this.#held.splice(0)) this.#options.sink.write(chunk);
  }
}

/** The provider of the model that answered, as the head tells it. */
function providerOf(head: ReplyHead): string | undefined {
  const model = head.headers['x-farthing-model'];
  const slash = model?.indexOf('/') ?? -1;
  return slash <= 0 ? undefined : model?.slice(0, slash);
}
