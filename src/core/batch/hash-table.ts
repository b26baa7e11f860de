/** Words of a hash that are kept: 128 bits, of which two in a thousand million items share none by chance. */
const HASH_WORDS = 4;

/** Parts by the first bits of a hash. Each grows by itself, so that the old and the new one are never there at once for more than a part of all. */
const PARTS = 256;
const PART_BITS = 8;

const FIRST_CAPACITY = 16;

/** Entries beyond this share of the slots make a part grow. Ours: at 0.8 a look-up sees some 13 slots that lie side by side, and less before. */
const LOAD_RATIO = 0.8;

/** A part grows by this. Doubling would leave half of the room unused on average. */
const GROWTH_RATIO = 1.3;

/** Values are kept in a word and a half: up to 2 to the power of 48, less the empty slot's. */
const WORD_VALUES = 2 ** 32;

/** Slots hold a value one higher than it is, so that 0 is an empty one. */
const EMPTY = 0;

/**
 * Numbers by 128-bit hash, in 22 bytes a slot and some 30 an entry: a `Map` takes five times as much for a million of them. Open addressing with linear probing; nothing is
 * ever taken out.
 * @internal
 */
export class HashTable {
  readonly #maxEntries: number;
  readonly #parts: (Part | undefined)[] = Array.from({ length: PARTS }, () => undefined);
  #size = 0;

  /** @param maxEntries - what comes behind them is not taken in. */
  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#size;
  }

  /** @param hash - four words that are evenly spread. */
  get(hash: Uint32Array): number | undefined {
    return this.#parts[partOf(hash)]?.get(hash);
  }

  /** Sets a whole number from 0 to 2 to the power of 47. False when it is full, and the hash is not there. */
  set(hash: Uint32Array, value: number): boolean {
    const part = (this.#parts[partOf(hash)] ??= new Part());
    if (this.#size >= this.#maxEntries && part.get(hash) === undefined) return false;
    if (part.set(hash, value)) this.#size += 1;
    return true;
  }
}

function partOf(hash: Uint32Array): number {
  return (hash[0] ?? 0) >>> (32 - PART_BITS);
}

class Part {
  #capacity = FIRST_CAPACITY;
  #hashes = new Uint32Array(FIRST_CAPACITY * HASH_WORDS);
  #low = new Uint32Array(FIRST_CAPACITY);
  #high = new Uint16Array(FIRST_CAPACITY);
  #size = 0;

  get(hash: Uint32Array): number | undefined {
    const stored = this.#storedAt(this.#slotOf(hash));
    return stored === EMPTY ? undefined : stored - 1;
  }

  /** Whether the hash is new. */
  set(hash: Uint32Array, value: number): boolean {
    const slot = this.#slotOf(hash);
    const isNew = this.#storedAt(slot) === EMPTY;
    this.#put(slot, hash, value + 1);
    if (!isNew) return false;
    this.#size += 1;
    if (this.#size > this.#capacity * LOAD_RATIO) this.#grow();
    return true;
  }

  #storedAt(slot: number): number {
    return (this.#high[slot] ?? 0) * WORD_VALUES + (this.#low[slot] ?? 0);
  }

  #put(slot: number, hash: Uint32Array, stored: number): void {
    for (let word = 0; word < HASH_WORDS; word += 1) this.#hashes[slot * HASH_WORDS + word] = hash[word] ?? 0;
    this.#low[slot] = stored % WORD_VALUES;
    this.#high[slot] = Math.floor(stored / WORD_VALUES);
  }

  #slotOf(hash: Uint32Array): number {
    // All of a part have the same first bits.
    let slot = (hash[1] ?? 0) % this.#capacity;
    while (this.#storedAt(slot) !== EMPTY && !this.#isAt(slot, hash)) {
      slot += 1;
      if (slot === this.#capacity) slot = 0;
    }
    return slot;
  }

  #isAt(slot: number, hash: Uint32Array): boolean {
    const at = slot * HASH_WORDS;
    for (let word = 0; word < HASH_WORDS; word += 1) if (this.#hashes[at + word] !== hash[word]) return false;
    return true;
  }

  #grow(): void {
    const [hashes, low, high, capacity] = [this.#hashes, this.#low, this.#high, this.#capacity];
    this.#capacity = Math.ceil(capacity * GROWTH_RATIO);
    this.#hashes = new Uint32Array(this.#capacity * HASH_WORDS);
    this.#low = new Uint32Array(this.#capacity);
    this.#high = new Uint16Array(this.#capacity);
    for (let slot = 0; slot < capacity; slot += 1) {
      const stored = (high[slot] ?? 0) * WORD_VALUES + (low[slot] ?? 0);
      if (stored === EMPTY) continue;
      const hash = hashes.subarray(slot * HASH_WORDS, (slot + 1) * HASH_WORDS);
      this.#put(this.#slotOf(hash), hash, stored);
    }
  }
}
