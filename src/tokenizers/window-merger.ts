import type { PairMerger } from './pair-merger.ts';
import { NO_MERGE } from './vocabulary-layout.ts';

/** Ids are below this in either vocabulary. */
const IDS = 2 ** 18;

/**
 * Merges some thousand bytes, in time that grows with their number. A token has a higher id than the two of which it comes about, so that a merge never
 * makes a lower one possible: the merges are done id by id, each kept in a list of its id until its turn comes.
 * @internal
 */
export class WindowMerger {
  readonly merger: PairMerger;
  #size = 0;
  #count = 0;
  /** Token that begins at a place. */
  #ids: Int32Array = new Int32Array(0);
  /** Place where the next token begins. */
  #next: Int32Array = new Int32Array(0);
  #previous: Int32Array = new Int32Array(0);
  /** What the token at a place and the next one become, or `NO_MERGE`. */
  #merged: Int32Array = new Int32Array(0);
  /** First node of the list of an id, plus 1; 0 where there is none. */
  readonly #heads: Int32Array = new Int32Array(IDS);
  /** Ids that have a list, as bits, and words of those bits that are not 0, as bits. */
  readonly #bits: Int32Array = new Int32Array(IDS / 32);
  readonly #bitsOfBits: Int32Array = new Int32Array(IDS / 1024);
  #nodes = 0;
  #nodePlaces: Int32Array = new Int32Array(0);
  #nodeLinks: Int32Array = new Int32Array(0);

  constructor(merger: PairMerger) {
    this.merger = merger;
  }

  /** Merges the bytes; gives the number of tokens, which can then be read with `idAt` and `nextPlace` from place 0 on. */
  merge(bytes: Uint8Array, start: number, end: number): number {
    this.#begin(bytes, start, end - start);
    const words = this.#bitsOfBits;
    for (let high = 0; high < words.length; high += 1) {
      while (words[high] !== 0) this.#mergeAll(this.#lowestId(high));
    }
    return this.#count;
  }

  idAt(place: number): number {
    return this.#ids[place]!;
  }

  nextPlace(place: number): number {
    return this.#next[place]!;
  }

  #begin(bytes: Uint8Array, start: number, size: number): void {
    if (this.#ids.length < size) {
      this.#ids = new Int32Array(size);
      this.#next = new Int32Array(size);
      this.#previous = new Int32Array(size);
      this.#merged = new Int32Array(size);
      // Each byte may wait with the next one, and each merge may list two more.
      this.#nodePlaces = new Int32Array(size * 3);
      this.#nodeLinks = new Int32Array(size * 3);
    }
    this.#size = size;
    this.#count = size;
    this.#nodes = 0;
    const { byteIds, bytePairs } = this.merger;
    for (let at = 0; at < size; at += 1) {
      const byte = bytes[start + at]!;
      this.#ids[at] = byteIds[byte]!;
      this.#next[at] = at + 1;
      this.#previous[at] = at - 1;
      this.#list(at, at + 1 < size ? bytePairs[(byte << 8) | bytes[start + at + 1]!]! : NO_MERGE);
    }
  }

  #list(place: number, id: number): void {
    this.#merged[place] = id;
    if (id === NO_MERGE) return;
    const node = this.#nodes;
    this.#nodes += 1;
    this.#nodePlaces[node] = place;
    this.#nodeLinks[node] = this.#heads[id]!;
    this.#heads[id] = node + 1;
    this.#bits[id >> 5]! |= 1 << (id & 31);
    this.#bitsOfBits[id >> 10]! |= 1 << ((id >> 5) & 31);
  }

  /** The lowest id that has a list, of the 1,024 of which at least one has. */
  #lowestId(high: number): number {
    const word = (high << 5) | lowestBit(this.#bitsOfBits[high]!);
    return (word << 5) | lowestBit(this.#bits[word]!);
  }

  #mergeAll(id: number): void {
    let node = this.#heads[id]!;
    this.#heads[id] = 0;
    const word = id >> 5;
    this.#bits[word]! &= ~(1 << (id & 31));
    if (this.#bits[word] === 0) this.#bitsOfBits[word >> 5]! &= ~(1 << (word & 31));
    const merged = this.#merged;
    const previous = this.#previous;
    while (node !== 0) {
      let place = this.#nodePlaces[node - 1]!;
      node = this.#nodeLinks[node - 1]!;
      // What was merged with another neighbour since it was listed is passed over. In a row of equal tokens the leftmost two go first.
      if (merged[place] !== id) continue;
      while (previous[place]! >= 0 && merged[previous[place]!] === id) place = previous[place]!;
      while (place < this.#size && merged[place] === id) place = this.#mergeAt(place, id);
    }
  }

  /** Merges the token at a place with the next one; gives the place of the one after. */
  #mergeAt(place: number, id: number): number {
    const ids = this.#ids;
    const next = this.#next;
    const right = next[place]!;
    const after = next[right]!;
    ids[place] = id;
    next[place] = after;
    this.#merged[right] = NO_MERGE;
    this.#count -= 1;
    if (after < this.#size) {
      this.#previous[after] = place;
      this.#list(place, this.merger.mergedId(id, ids[after]!));
    } else this.#merged[place] = NO_MERGE;
    const before = this.#previous[place]!;
    if (before >= 0) this.#list(before, this.merger.mergedId(ids[before]!, id));
    return after;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
