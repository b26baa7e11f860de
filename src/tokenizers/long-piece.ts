import { NO_MERGE, type PairMerger } from './pair-merger.ts';

/** Bytes merged at a time. */
const WINDOW_BYTES = 4096;
/** Tokens at the end of a window that are merged again with what follows. */
const OVERLAP_TOKENS = 8;

/** Where a window begins: what came before it is settled unless its last token does not go with the first of the window. */
interface Checkpoint {
  readonly start: number;
  readonly count: number;
  /** Start of the last settled token and its id; -1 where none is. */
  readonly lastStart: number;
  readonly lastId: number;
}

/**
 * Merges a piece of any length, window by window. A row of tokens is what merging a text gives if and only if each two neighbours are what merging their
 * own bytes gives: no merge within the text can cross their border before one does within the two. So each window is merged by itself, its last tokens
 * are left to the next one, and windows are joined where the tokens on both sides of the border stay as they are. Where they do not, the window before is
 * taken again at double length.
 * @internal
 */
export class LongPiece {
  readonly #merger: PairMerger;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #out: number[] | undefined;
  readonly #outStart: number;
  #checkpoints: Checkpoint[];
  #windowBytes = WINDOW_BYTES;
  /** Tokens settled so far. */
  count = 0;

  constructor(merger: PairMerger, bytes: Uint8Array, start: number, end: number, out: number[] | undefined) {
    this.#merger = merger;
    this.#bytes = bytes;
    this.#end = end;
    this.#out = out;
    this.#outStart = out?.length ?? 0;
    this.#checkpoints = [{ start, count: 0, lastStart: -1, lastId: -1 }];
  }

  /** Merges one window; whether there is more to do. */
  step(): boolean {
    const from = this.#checkpoints.at(-1)!;
    const to = Math.min(from.start + this.#windowBytes, this.#end);
    const window = new Window(this.#merger, this.#bytes, from.start, to);
    if (from.lastId >= 0 && !this.#joins(from, window)) {
      this.#checkpoints.pop();
      this.#windowBytes *= 2;
      this.#settle(this.#checkpoints.at(-1)!.count);
      return true;
    }
    const isLast = to === this.#end;
    const kept = isLast ? window.count : window.count - OVERLAP_TOKENS;
    if (kept < 1) {
      this.#windowBytes *= 2;
      return true;
    }
    const last = window.keep(kept, this.#out);
    this.count = from.count + kept;
    this.#checkpoints.push({ start: last.end, count: this.count, lastStart: last.start, lastId: last.id });
    this.#windowBytes = WINDOW_BYTES;
    return !isLast;
  }

  #settle(count: number): void {
    this.count = count;
    if (this.#out !== undefined) this.#out.length = this.#outStart + count;
  }

  #joins(from: Checkpoint, window: Window): boolean {
    const merger = this.#merger;
    const firstEnd = window.endOf(0);
    const isPair = merger.mergeSmall(this.#bytes, from.lastStart, firstEnd) === 2;
    return isPair && merger.ids[0] === from.lastId && merger.ends[0] === from.start;
  }
}

/** Some bytes, merged with a heap. */
class Window {
  readonly #start: number;
  readonly #ids: Int32Array;
  /** Places after a token's first byte: the start of the next one, counted from the window's start. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  count: number;

  constructor(merger: PairMerger, bytes: Uint8Array, start: number, end: number) {
    const size = end - start;
    this.#start = start;
    this.#ids = merger.byteIdsOf(bytes, start, end);
    this.#next = Int32Array.from({ length: size }, (_, at) => at + 1);
    this.#previous = Int32Array.from({ length: size }, (_, at) => at - 1);
    this.count = size;
    this.#merge(merger, size);
  }

  #merge(merger: PairMerger, size: number): void {
    const ids = this.#ids;
    const next = this.#next;
    const previous = this.#previous;
    const heap = new MergeHeap(size * 3);
    for (let at = 0; at + 1 < size; at += 1) heap.push(merger.mergedId(ids[at]!, ids[at + 1]!), at);
    while (heap.size > 0) {
      const { place, id } = heap.pop();
      const right = ids[place]! < 0 ? size : next[place]!;
      if (right >= size || merger.mergedId(ids[place]!, ids[right]!) !== id) continue;
      const after = next[right]!;
      ids[place] = id;
      ids[right] = -1;
      next[place] = after;
      this.count -= 1;
      if (after < size) {
        previous[after] = place;
        heap.push(merger.mergedId(id, ids[after]!), place);
      }
      const before = previous[place]!;
      if (before >= 0) heap.push(merger.mergedId(ids[before]!, id), before);
    }
  }

  endOf(token: number): number {
    let at = 0;
    for (let left = token; left >= 0; left -= 1) at = this.#next[at]!;
    return this.#start + at;
  }

  /** Appends the first `count` tokens; gives the last of them. */
  keep(
    count: number,
    out: number[] | undefined,
  ): { readonly start: number; readonly end: number; readonly id: number } {
    let at = 0;
    for (let left = count; left > 1; left -= 1) {
      out?.push(this.#ids[at]!);
      at = this.#next[at]!;
    }
    out?.push(this.#ids[at]!);
    return { start: this.#start + at, end: this.#start + this.#next[at]!, id: this.#ids[at]! };
  }
}

const PLACES = 2 ** 31;

/** Merges by id, then by place. */
class MergeHeap {
  readonly #keys: Float64Array;
  size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
  }

  push(id: number, place: number): void {
    if (id === NO_MERGE) return;
    const keys = this.#keys;
    const key = id * PLACES + place;
    let at = this.size;
    this.size += 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      at = parent;
    }
    keys[at] = key;
  }

  pop(): { readonly id: number; readonly place: number } {
    const keys = this.#keys;
    const least = keys[0]!;
    this.size -= 1;
    const key = keys[this.size]!;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && keys[child + 1]! < keys[child]!) child += 1;
      if (keys[child]! >= key) break;
      keys[at] = keys[child]!;
      at = child;
    }
    keys[at] = key;
    const id = Math.floor(least / PLACES);
    return { id, place: least - id * PLACES };
  }
}
