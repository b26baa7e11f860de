/** Somebody's place in a {@link WaitingLine}. Only the line changes it. @internal */
export interface LinePlace<Item> {
  readonly item: Item;
  before: LinePlace<Item> | undefined;
  behind: LinePlace<Item> | undefined;
  isInLine: boolean;
}

/** Who came first goes first, and anybody may leave at any time. Every operation takes the same time, however long the line. @internal */
export class WaitingLine<Item> {
  #first: LinePlace<Item> | undefined;
  #last: LinePlace<Item> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds somebody at the end. */
  add(item: Item): LinePlace<Item> {
    const place: LinePlace<Item> = { item, before: this.#last, behind: undefined, isInLine: true };
    if (this.#last === undefined) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
    this.#length += 1;
    return place;
  }

  /** Takes a place out of the line; false when it was out before. */
  remove(place: LinePlace<Item>): boolean {
    if (!place.isInLine) return false;
    const { before, behind } = place;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    place.before = undefined;
    place.behind = undefined;
    place.isInLine = false;
    this.#length -= 1;
    return true;
  }

  /** Takes out who came first. */
  takeOldest(): Item | undefined {
    return this.#take(this.#first);
  }

  /** Takes out who came last. */
  takeYoungest(): Item | undefined {
    return this.#take(this.#last);
  }

  #take(place: LinePlace<Item> | undefined): Item | undefined {
    if (place === undefined) return undefined;
    this.remove(place);
    return place.item;
  }
}
