/** How much of each hash and number a table keeps: its room is the sum of both, for each slot. @internal */
export interface HashTableShape {
  /**
   * Words that tell hashes apart. Of a million hashes two share 2 words by chance in one of forty million tables, and whoever wants that can find such two; nobody finds two
   * that share 4.
   */
  readonly hashWords: 2 | 4;
  /** Bytes of a number: 1 for up to 254, 4 for up to 2 to the power of 32 less 2, 6 for up to 2 to the power of 47. */
  readonly valueBytes: 1 | 4 | 6;
}

/**
 * Parts by the first bits of a hash. Each grows by itself, so that the old and the new one are never there at once for more than a part of all. Few, so that in large tables
 * the parts of a part are blocks of their own for the system, and go back to it: small ones would leave holes behind that the next, larger ones do not fit into.
 */
const PART_BITS = 4;

const FIRST_CAPACITY = 16;

/** Entries beyond this share of the slots make a part grow. Ours: at 0.8 a look-up sees some 13 slots that lie side by side, and less before. */
const LOAD_RATIO = 0.8;

/** A part grows by this. Doubling would leave half of the room unused on average. */
const GROWTH_RATIO = 1.3;

const WORD_VALUES = 2 ** 32;

/** Slots hold a value one higher than it is, so that 0 is an empty one. */
const EMPTY = 0;

/**
 * Numbers by hash, in 9 to 22 bytes a slot and a third more an entry: a `Map` takes 150 for one of a million. Open addressing with linear probing; nothing is ever taken out.
 * @internal
 */
export class HashTable {
  readonly #shape: HashTableShape;
  readonly #maxEntries: number;
  /** By their numbers. */
  readonly #parts: (Part | undefined)[] = [];
  #size = 0;

  /** @param maxEntries - what comes behind them is not taken in. */
  constructor(shape: HashTableShape, maxEntries: number = Number.POSITIVE_INFINITY) {
    this.#shape = shape;
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#size;
  }

  /** @param hash - four words that are evenly spread. */
  get(hash: Uint32Array): number | undefined {
    return this.#parts[partOf(hash)]?.get(hash);
  }

  /** Sets a whole number from 0 to what the shape allows. False when it is full, and the hash is not there. */
  set(hash: Uint32Array, value: number): boolean {
    const part = (this.#parts[partOf(hash)] ??= new Part(this.#shape));
    if (this.#size >= this.#maxEntries && part.get(hash) === undefined) return false;
    if (part.set(hash, value)) this.#size += 1;
    return true;
  }

  /** Forgets all, and gives back the room at once. */
  clear(): void {
    for (const part of this.#parts.splice(0)) part?.release();
    this.#size = 0;
  }
}

function partOf(hash: Uint32Array): number {
  return (hash[0] ?? 0) >>> (32 - PART_BITS);
}

/** Slots side by side. */
interface Slots {
  readonly capacity: number;
  readonly hashes: Uint32Array;
  /** Values by their lower bits, or as a whole. */
  readonly low: Uint8Array | Uint32Array;
  /** Bits beyond a word. */
  readonly high: Uint16Array | undefined;
}

function emptySlots(capacity: number, { hashWords, valueBytes }: HashTableShape): Slots {
  return {
    capacity,
    hashes: new Uint32Array(capacity * hashWords),
    low: valueBytes === 1 ? new Uint8Array(capacity) : new Uint32Array(capacity),
    high: valueBytes === 6 ? new Uint16Array(capacity) : undefined,
  };
}

class Part {
  readonly #shape: HashTableShape;
  readonly #words: number;
  #slots: Slots;
  #size = 0;

  constructor(shape: HashTableShape) {
    this.#shape = shape;
    this.#words = shape.hashWords;
    this.#slots = emptySlots(FIRST_CAPACITY, shape);
  }

  get(hash: Uint32Array): number | undefined {
    const stored = storedAt(this.#slots, this.#slotOf(hash));
    return stored === EMPTY ? undefined : stored - 1;
  }

  /** Nothing is asked of it any more. */
  release(): void {
    release(this.#slots);
  }

  /** Whether the hash is new. */
  set(hash: Uint32Array, value: number): boolean {
    const slot = this.#slotOf(hash);
    const isNew = storedAt(this.#slots, slot) === EMPTY;
    this.#put(slot, hash, value + 1);
    if (!isNew) return false;
    this.#size += 1;
    if (this.#size > this.#slots.capacity * LOAD_RATIO) this.#grow();
    return true;
  }

  #put(slot: number, hash: Uint32Array, stored: number): void {
    const { hashes, low, high } = this.#slots;
    const at = slot * this.#words;
    for (let word = 0; word < this.#words; word += 1) hashes[at + word] = hash[word] ?? 0;
    low[slot] = stored % WORD_VALUES;
    if (high !== undefined) high[slot] = Math.floor(stored / WORD_VALUES);
  }

  #slotOf(hash: Uint32Array): number {
    const { capacity } = this.#slots;
    // All of a part have the same first bits.
    let slot = (hash[1] ?? 0) % capacity;
    while (storedAt(this.#slots, slot) !== EMPTY && !this.#isAt(slot, hash)) {
      slot += 1;
      if (slot === capacity) slot = 0;
    }
    return slot;
  }

  #isAt(slot: number, hash: Uint32Array): boolean {
    const { hashes } = this.#slots;
    const at = slot * this.#words;
    for (let word = 0; word < this.#words; word += 1) if (hashes[at + word] !== hash[word]) return false;
    return true;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = emptySlots(Math.ceil(before.capacity * GROWTH_RATIO), this.#shape);
    for (let slot = 0; slot < before.capacity; slot += 1) {
      const stored = storedAt(before, slot);
      if (stored === EMPTY) continue;
      const hash = before.hashes.subarray(slot * this.#words, (slot + 1) * this.#words);
      this.#put(this.#slotOf(hash), hash, stored);
    }
    release(before);
  }
}

/** Gives back memory at once. It would lie there until old objects are collected, which is seldom; in a table of a million, 20 MB did. */
function release({ hashes, low, high }: Slots): void {
  for (const { buffer } of high === undefined ? [hashes, low] : [hashes, low, high]) {
    if (buffer instanceof ArrayBuffer) buffer.transfer(0);
  }
}

function storedAt({ low, high }: Slots, slot: number): number {
  const lower = low[slot] ?? 0;
  return high === undefined ? lower : (high[slot] ?? 0) * WORD_VALUES + lower;
}
