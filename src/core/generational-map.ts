/**
 * A bounded map that forgets what was not used for long: two maps, young and old. When the young one is full it becomes the old one and the
 * old one is dropped, so that between half of the bound and the bound is remembered. Deleting the oldest key of a plain `Map`, one by
 * one, costs ever longer walks over its deleted slots; here nothing is ever deleted.
 * @internal
 */
export class GenerationalMap<Key, Value> {
  readonly #maxYoung: number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  /** @throws RangeError for a bound below 2. */
  constructor(maxEntries: number) {
    if (!(maxEntries >= 2)) throw new RangeError(`a bound of at least 2: ${maxEntries}`);
    this.#maxYoung = Math.floor(maxEntries / 2);
  }

  /** The value of a key, which counts as use. */
  get(key: Key): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    if (this.#young.size >= this.#maxYoung && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
