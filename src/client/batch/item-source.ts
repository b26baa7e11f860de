import type { BatchItem } from './batch-item.ts';

/** Reads items one by one, from whatever brings them, and does not wait for one any more once `stop` has fired. @internal */
export class ItemSource {
  readonly #iterator: AsyncIterator<BatchItem> | Iterator<BatchItem>;
  readonly #stop: AbortSignal;
  readonly #isAsync: boolean;
  /** Ends the wait for the item that is being read. */
  #leave: (() => void) | undefined;

  constructor(items: AsyncIterable<BatchItem> | Iterable<BatchItem>, stop: AbortSignal) {
    this.#isAsync = Symbol.asyncIterator in items;
    this.#iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
    this.#stop = stop;
    stop.addEventListener('abort', () => this.#leave?.(), { once: true });
  }

  /** The next item; undefined at the end, and once it is to stop. */
  async next(): Promise<{ readonly item: BatchItem } | undefined> {
    if (this.#stop.aborted) return undefined;
    const step = this.#iterator.next();
    const result = await (this.#isAsync ? this.#unlessStopped(Promise.resolve(step)) : step);
    if (result === undefined) return undefined;
    return result.done === true ? undefined : { item: result.value };
  }

  /** No race with a promise of the stop: what races with one that lasts is held by it, a million items as well. */
  #unlessStopped(step: Promise<IteratorResult<BatchItem>>): Promise<IteratorResult<BatchItem> | undefined> {
    return new Promise((resolve, reject) => {
      this.#leave = () => resolve(undefined);
      step.then(resolve, reject);
    });
  }

  /** Lets go of what brings the items. */
  async close(): Promise<void> {
    // One that hangs in `next` would hang here, too.
    if (this.#stop.aborted && this.#isAsync) void Promise.resolve(this.#iterator.return?.()).catch(() => undefined);
    else await this.#iterator.return?.();
  }
}
