import type { PairMerger } from './pair-merger.ts';
import type { WindowMerger } from './window-merger.ts';

/** Bytes merged at a time. @internal */
export const WINDOW_BYTES = 4096;

/** How a long piece is taken apart. @internal */
export interface WindowSizes {
  readonly windowBytes: number;
  /** Tokens at the end of a window that are merged again with what follows. */
  readonly overlapTokens: number;
}

const DEFAULT_SIZES: WindowSizes = { windowBytes: WINDOW_BYTES, overlapTokens: 8 };

/** The bytes from `start` to `end`. @internal */
export interface LongPieceBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Where a window begins, and what is settled before it. */
interface Checkpoint {
  readonly start: number;
  readonly count: number;
  /** Start of the last settled token, and the token; -1 where none is. */
  readonly lastStart: number;
  readonly lastId: number;
  /** Size of the window before it. */
  readonly windowBytes: number;
}

/**
 * Merges a piece of any length, window by window. A row of tokens is what merging a text gives if and only if each two neighbours are what merging their
 * own bytes gives: no merge in the text crosses their border first unless one within the two does. So each window is merged by itself, its last tokens
 * are left to the next window, and windows are joined where the tokens on both sides of the border stay as they are. Where they do not, the window before
 * is taken again at double length.
 * @internal
 */
export class LongPiece {
  readonly #merger: PairMerger;
  readonly #windows: WindowMerger;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #out: number[] | undefined;
  readonly #outStart: number;
  readonly #checkpoints: Checkpoint[];
  readonly #sizes: WindowSizes;
  #windowBytes: number;

  /** `out` is where the tokens go, if anywhere. */
  constructor(
    windows: WindowMerger,
    { bytes, start, end }: LongPieceBytes,
    out?: number[],
    sizes: WindowSizes = DEFAULT_SIZES,
  ) {
    this.#windows = windows;
    this.#merger = windows.merger;
    this.#bytes = bytes;
    this.#end = end;
    this.#sizes = sizes;
    this.#windowBytes = sizes.windowBytes;
    this.#out = out;
    this.#outStart = out?.length ?? 0;
    this.#checkpoints = [{ start, count: 0, lastStart: -1, lastId: -1, windowBytes: 0 }];
  }

  /** Tokens settled so far; all of them when `step` gave false. */
  get count(): number {
    return this.#last.count;
  }

  /** Merges one window; whether there is more to do. */
  step(): boolean {
    const from = this.#last;
    const to = Math.min(from.start + this.#windowBytes, this.#end);
    const count = this.#windows.merge(this.#bytes, from.start, to);
    const isLast = to === this.#end;
    const kept = isLast ? count : count - this.#sizes.overlapTokens;
    if (!this.#joins(from)) {
      this.#checkpoints.pop();
      this.#windowBytes = from.windowBytes * 2;
      if (this.#out !== undefined) this.#out.length = this.#outStart + this.count;
      return true;
    }
    if (kept < 1) {
      this.#windowBytes *= 2;
      return true;
    }
    this.#keep(from, kept);
    this.#windowBytes = this.#sizes.windowBytes;
    return !isLast;
  }

  get #last(): Checkpoint {
    return this.#checkpoints.at(-1)!;
  }

  #joins({ start, lastStart, lastId }: Checkpoint): boolean {
    if (lastId < 0) return true;
    const firstEnd = start + this.#windows.nextPlace(0);
    const { ids } = this.#merger;
    const isPair = this.#merger.mergeSmall(this.#bytes, lastStart, firstEnd) === 2;
    return isPair && ids[0] === lastId && ids[1] === this.#windows.idAt(0);
  }

  #keep(from: Checkpoint, kept: number): void {
    const windows = this.#windows;
    let place = 0;
    for (let left = kept; left > 1; left -= 1) {
      this.#out?.push(windows.idAt(place));
      place = windows.nextPlace(place);
    }
    const lastId = windows.idAt(place);
    this.#out?.push(lastId);
    this.#checkpoints.push({
      start: from.start + windows.nextPlace(place),
      count: from.count + kept,
      lastStart: from.start + place,
      lastId,
      windowBytes: this.#windowBytes,
    });
  }
}
