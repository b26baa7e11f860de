import { hash } from 'node:crypto';

const FIRST_CAPACITY = 1024;
/** Of the places: beyond it searches grow long. */
const MAX_FILL_RATIO = 0.6;

/**
 * Remembers names and the lines that they stood in, in some 20 bytes each, however long they are: a million of them take about 25 MB. Names are told apart by
 * 64 bits of their hash: two of a million are taken for one by chance once in 30 million runs.
 * @internal
 */
export class SeenNames {
  #capacity = FIRST_CAPACITY;
  #high = new Uint32Array(FIRST_CAPACITY);
  #low = new Uint32Array(FIRST_CAPACITY);
  /** 0: the place is free. */
  #lines = new Uint32Array(FIRST_CAPACITY);
  #count = 0;

  /**
   * Takes note of a name.
   * @returns the line where it stood before; undefined: it is new.
   */
  note(name: string, line: number): number | undefined {
    if (this.#count >= this.#capacity * MAX_FILL_RATIO) this.#grow();
    const digest = hash('sha256', name, 'buffer');
    const high = digest.readUInt32LE(0);
    const low = digest.readUInt32LE(4);
    const place = this.#placeOf(high, low);
    const before = this.#lines[place] ?? 0;
    if (before !== 0) return before;
    this.#put(place, high, low, line);
    this.#count += 1;
    return undefined;
  }

  #placeOf(high: number, low: number): number {
    let place = low % this.#capacity;
    while (this.#lines[place] !== 0 && (this.#high[place] !== high || this.#low[place] !== low)) {
      place = (place + 1) % this.#capacity;
    }
    return place;
  }

  #put(place: number, high: number, low: number, line: number): void {
    this.#high[place] = high;
    this.#low[place] = low;
    this.#lines[place] = line;
  }

  #grow(): void {
    const [high, low, lines] = [this.#high, this.#low, this.#lines];
    this.#capacity *= 2;
    this.#high = new Uint32Array(this.#capacity);
    this.#low = new Uint32Array(this.#capacity);
    this.#lines = new Uint32Array(this.#capacity);
    for (const [place, line] of lines.entries()) {
      const [oldHigh = 0, oldLow = 0] = [high[place], low[place]];
      if (line !== 0) this.#put(this.#placeOf(oldHigh, oldLow), oldHigh, oldLow, line);
    }
  }
}
