/** UTF-16 units of two bytes, twice: the text and what became of it. */
const BYTES_PER_CHAR = 4;
/** What an entry of a map weighs beside its texts (measured on Node 24, rounded up). */
const ENTRY_BYTES = 200;

/**
 * Remembers what became of texts, by the text itself: a conversation sends the same messages with every turn. Bounded by bytes: when the younger
 * half of them is full it becomes the older one, and the older one is forgotten.
 * @internal
 */
export class TextMemo<Value> {
  readonly #maxYoungBytes: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  #youngBytes = 0;

  constructor(maxBytes: number) {
    this.#maxYoungBytes = maxBytes / 2;
  }

  get(text: string): Value | undefined {
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const old = this.#old.get(text);
    if (old !== undefined) this.set(text, old);
    return old;
  }

  /** Remembers a value that weighs about as much as its text. */
  set(text: string, value: Value): void {
    const bytes = text.length * BYTES_PER_CHAR + ENTRY_BYTES;
    if (bytes > this.#maxYoungBytes) return;
    if (this.#youngBytes + bytes > this.#maxYoungBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(text, value);
    this.#youngBytes += bytes;
  }
}
