/** Stretches of a text that are never cut through: code, addresses, JSON within a sentence. Added in order. */
export class WholeSpans {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #cursor = 0;

  add(start: number, end: number): void {
    this.#starts.push(start);
    this.#ends.push(end);
  }

  /** The end of the stretch that the offset is within, else the offset. Quick for offsets near those asked before. */
  until(offset: number): number {
    while (this.#cursor > 0 && (this.#ends[this.#cursor - 1] as number) > offset) this.#cursor -= 1;
    while (this.#cursor < this.#ends.length && (this.#ends[this.#cursor] as number) <= offset) this.#cursor += 1;
    const isWithin = this.#cursor < this.#starts.length && (this.#starts[this.#cursor] as number) <= offset;
    return isWithin ? (this.#ends[this.#cursor] as number) : offset;
  }
}
