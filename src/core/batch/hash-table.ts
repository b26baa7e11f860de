/** Words of a hash that are kept: 128 bits, of which two in a thousand million items share none by chance. */
const HASH_WORDS = 4;

const FIRST_CAPACITY = 1024;

/** Entries beyond this share of the slots make it grow. Ours: probes stay short. */
const LOAD_RATIO = 0.7;

/** Slots hold a value one higher than it is, so that 0 is an empty one. */
const EMPTY = 0;

/**
 * Numbers by 128-bit hash, in 24 bytes a slot: a `Map` takes five times as much for a million of them. Open addressing with linear probing; nothing is ever taken out.
 * @internal
 */
export class HashTable {
  readonly #maxEntries: number;
  #mask: number = FIRST_CAPACITY - 1;
  #hashes: Uint32Array = new Uint32Array(FIRST_CAPACITY * HASH_WORDS);
  #values: Float64Array = new Float64Array(FIRST_CAPACITY);
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
    const value = this.#values[this.#slotOf(hash)] ?? EMPTY;
    return value === EMPTY ? undefined : value - 1;
  }

  /** Sets a whole number from 0. False when it is full, and the hash is not there. */
  set(hash: Uint32Array, value: number): boolean {
    const slot = this.#slotOf(hash);
    if (this.#values[slot] === EMPTY) {
      if (this.#size >= this.#maxEntries) return false;
      this.#size += 1;
      this.#hashes.set(hash, slot * HASH_WORDS);
    }
    this.#values[slot] = value + 1;
    if (this.#size > (this.#mask + 1) * LOAD_RATIO) this.#grow();
    return true;
  }

  #slotOf(hash: Uint32Array): number {
    let slot = (hash[0] ?? 0) & this.#mask;
    while (this.#values[slot] !== EMPTY && !this.#isAt(slot, hash)) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #isAt(slot: number, hash: Uint32Array): boolean {
    const at = slot * HASH_WORDS;
    for (let word = 0; word < HASH_WORDS; word += 1) if (this.#hashes[at + word] !== hash[word]) return false;
    return true;
  }

  #grow(): void {
    const [hashes, values] = [this.#hashes, this.#values];
    const capacity = values.length * 2;
    this.#mask = capacity - 1;
    this.#hashes = new Uint32Array(capacity * HASH_WORDS);
    this.#values = new Float64Array(capacity);
    for (let slot = 0; slot < values.length; slot += 1) {
      if (values[slot] === EMPTY) continue;
      const hash = hashes.subarray(slot * HASH_WORDS, (slot + 1) * HASH_WORDS);
      const next = this.#slotOf(hash);
      this.#hashes.set(hash, next * HASH_WORDS);
      this.#values[next] = values[slot] ?? EMPTY;
    }
  }
}
