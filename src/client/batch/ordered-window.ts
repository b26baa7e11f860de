/** How much may be held. @internal */
export interface WindowBounds {
  readonly maxItems: number;
  readonly maxBytes: number;
}

interface Slot<Value> {
  readonly value: Value | undefined;
  readonly sizeBytes: number;
}

/** A value with what it weighs. @internal */
export interface Weighed<Value> {
  readonly value: Value;
  readonly sizeBytes: number;
}

/**
 * Brings what ends in any order back into the order in which it began, and holds no more than its bounds: whoever begins things waits when the first
 * is slow, or its reader is.
 * @internal
 */
export class OrderedWindow<Value> {
  readonly #bounds: WindowBounds;
  readonly #slots = new Map<number, Slot<Value>>();
  #begun = 0;
  #given = 0;
  #sizeBytes = 0;
  #isOver = false;
  #fault: unknown;
  #lastFault: unknown;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor(bounds: WindowBounds) {
    this.#bounds = bounds;
  }

  /** Whether nothing more is to begin. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when something may begin, and once nothing more is to. */
  async room(): Promise<void> {
    while (this.#isFull() && !this.#isOver) {
      // oxlint-disable-next-line no-await-in-loop -- until there is room
      await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
    }
  }

  /** Something begins. A promise that rejects ends all, at once. */
  begin(ends: Promise<Weighed<Value>>): void {
    const place = this.#begun;
    this.#begun += 1;
    this.#slots.set(place, { value: undefined, sizeBytes: 0 });
    ends.then(
      (ended) => this.#take(place, ended),
      (error: unknown) => this.#fail(error),
    );
  }

  /**
   * Nothing more begins.
   * @param fault - told to whoever reads, behind all that has begun.
   */
  end(fault?: unknown): void {
    this.#isOver = true;
    this.#lastFault ??= fault;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  /** The next value in the order of beginnings; undefined at the end. */
  async next(): Promise<Value | undefined> {
    for (;;) {
      const slot = this.#slots.get(this.#given);
      if (slot?.value !== undefined) return this.#give(slot, slot.value);
      if (this.#fault !== undefined) throw this.#fault;
      if (slot === undefined && this.#isOver) {
        if (this.#lastFault !== undefined) throw this.#lastFault;
        return undefined;
      }
      // oxlint-disable-next-line no-await-in-loop -- until it is there
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
  }

  #take(place: number, { value, sizeBytes }: Weighed<Value>): void {
    this.#slots.set(place, { value, sizeBytes });
    this.#sizeBytes += sizeBytes;
    if (place === this.#given) this.#wakeReader?.();
  }

  #fail(error: unknown): void {
    this.#fault ??= error;
    this.end();
  }

  #give(slot: Slot<Value>, value: Value): Value {
    this.#slots.delete(this.#given);
    this.#given += 1;
    this.#sizeBytes -= slot.sizeBytes;
    if (!this.#isFull()) this.#wakeWriter?.();
    return value;
  }

  #isFull(): boolean {
    const { maxItems, maxBytes } = this.#bounds;
    return this.#slots.size >= maxItems || (this.#sizeBytes >= maxBytes && this.#slots.size > 0);
  }
}
