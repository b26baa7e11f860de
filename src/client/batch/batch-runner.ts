import type { NanoUsd } from '../../core/money.ts';
import type { BatchItem } from './batch-item.ts';
import type { ItemLabel, ItemOrigin, ItemOutcome } from './item-outcome.ts';

/** What came of an item, before it is put into words for the caller. @internal */
export interface ItemEnd {
  readonly label: ItemLabel;
  readonly outcome: ItemOutcome;
  readonly origin: ItemOrigin;
}

/** How a run is ended before its end. @internal */
export interface RunSignals {
  /** Nothing more is begun. */
  readonly stop: AbortSignal;
  /** What is under way is cut. */
  readonly cut: AbortSignal;
}

/** A way of answering the items of one run. @internal */
export interface BatchRunner {
  /** Under which its calls are kept until they are answered; undefined: none is kept. */
  readonly name: string | undefined;
  /** What came of the items, in their order. Throws what `items` throws, once all before it is handed out. */
  ends(items: AsyncIterable<BatchItem> | Iterable<BatchItem>, signals: RunSignals): AsyncGenerator<ItemEnd>;
  /** What the run has spent on items that it has no result of. Known once it has begun. */
  readonly lostNanoUsd: NanoUsd;
  /** What is left of its money; undefined: it has no limit. */
  readonly unspentNanoUsd: NanoUsd | undefined;
}
