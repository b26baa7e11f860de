/** Draws by a seed: the same documents on every machine. Mulberry32. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to, and without, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  of<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to draw from');
    return item;
  }

  many<Item>(count: number, make: (index: number) => Item): readonly Item[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }

  words(count: number): string {
    return this.many(count, () => this.of(WORDS)).join(' ');
  }

  sentence(): string {
    const words = this.words(7 + this.below(12));
    return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
  }

  paragraph(): string {
    return this.many(2 + this.below(4), () => this.sentence()).join(' ');
  }

  identifier(prefix: string): string {
    return `${prefix}_${this.many(14, () => LETTERS.charAt(this.below(LETTERS.length))).join('')}`;
  }
}

const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789';
const WORDS =
  'the of and to in is for with that on as are be this from by an it or at when each must can only after before request response customer order invoice account payment server client token user service message returns contains value field limit error status default option number result page window amount currency address region model version update delete create list query index record window retry timeout header body event'.split(
    ' ',
  );
