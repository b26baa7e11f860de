import {
  type EmbeddedItem,
  type EmbeddingItem,
  mergeEmbeddings,
  readEmbeddings,
  vectorEncodingOf,
} from '../../core/embedding-items.ts';
import { FarthingError } from '../../core/errors.ts';
import type { CacheKey } from '../../core/model/cache-entry.ts';
import { usageOf } from '../../core/model/usage.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';
import type { Call, ReplyReceiver, UpstreamHead } from '../compose.ts';

/** An item that the provider is asked for, and the places of the caller's list it stands in. @internal */
export interface MissingItem {
  readonly item: EmbeddingItem;
  readonly key: CacheKey;
  readonly places: readonly number[];
}

const encoder = new TextEncoder();

/**
 * Takes the provider's reply to the missing items and gives the caller all of them. A reply to the caller's own body passes byte for
 * byte; an error always does.
 * @internal
 */
export class ItemMerger implements ReplyReceiver {
  readonly #call: Call;
  readonly #missing: readonly MissingItem[];
  /** What the cache had, by place; undefined when the provider was asked for everything. */
  readonly #known: readonly (EmbeddedItem | undefined)[] | undefined;
  #head: UpstreamHead | undefined;
  #frames: ReplyFrame[] = [];
  #embedded: readonly EmbeddedItem[] = [];

  constructor(call: Call, missing: readonly MissingItem[], known: readonly (EmbeddedItem | undefined)[] | undefined) {
    this.#call = call;
    this.#missing = missing;
    this.#known = known;
  }

  /** What the provider gave, for the cache; empty when the reply was not good. */
  embedded(): readonly { readonly missing: MissingItem; readonly item: EmbeddedItem }[] {
    return this.#embedded.map((item, index) => ({ missing: this.#missing[index] as MissingItem, item }));
  }

  head(head: UpstreamHead): void {
    this.#head = head;
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    this.#frames.push(...frames);
    return true;
  }

  drained(): Promise<void> {
    return this.#call.receiver.drained();
  }

  fail(error: FarthingError): void {
    this.#call.receiver.fail(error);
  }

  end(): void {
    const head = this.#head as UpstreamHead;
    const reply =
      head.status === 200
        ? readEmbeddings(
            this.#parsed(),
            this.#missing.map(({ item }) => item),
          )
        : undefined;
    this.#embedded = reply?.items ?? [];
    if (this.#known === undefined || head.status !== 200) {
      this.#pass(head, this.#frames);
    } else if (reply === undefined) {
      this.fail(new FarthingError('provider-broken', 'the provider did not answer every input', { retryable: true }));
    } else {
      this.#merge(head, this.#known, reply.model);
    }
  }

  #merge(head: UpstreamHead, known: readonly (EmbeddedItem | undefined)[], model: string | undefined): void {
    const { state } = this.#call;
    const all = [...known];
    for (const [index, { places }] of this.#missing.entries())
      for (const place of places) all[place] = this.#embedded[index];
    const merged = mergeEmbeddings(
      all as EmbeddedItem[],
      vectorEncodingOf(state.request?.body ?? {}),
      model ?? state.shape?.model ?? '',
    );
    const usage = usageOf({ input: merged.tokens });
    if (state.answer !== undefined) state.answer = { ...state.answer, source: 'mixed', baselineUsage: usage, usage };
    this.#pass(head, [{ bytes: encoder.encode(merged.text), role: 'content' }]);
  }

  #pass(head: UpstreamHead, frames: readonly ReplyFrame[]): void {
    this.#call.receiver.head(head);
    this.#call.receiver.frames(frames);
    this.#call.receiver.end();
  }

  #parsed(): unknown {
    try {
      return JSON.parse(Buffer.concat(this.#frames.map((frame) => frame.bytes)).toString('utf8'));
    } catch {
      return undefined; // not JSON: nothing of it is stored
    }
  }
}
