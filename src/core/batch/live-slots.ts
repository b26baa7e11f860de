/** The shortest time that calls are booked into, in milliseconds. Ours: half a slot is lost to each call, of deadlines that may be minutes away. */
const SHORTEST_SLOT_MS = 5000;

const MINUTE_MS = 60_000;

/**
 * When calls are asked live unless their batch comes back: a book of short times, none of which takes more calls than can be begun in it. So a batch that is
 * late with ten thousand calls, all due at one hour, leaves each its time: those that came later were given earlier ones. Whoever begins the calls in the
 * order of their times, at the rate of the book, begins none later than the end of its own.
 * @public
 */
export class LiveSlots {
  readonly #slotMs: number;
  readonly #perSlot: number;
  readonly #booked = new Map<number, number>();

  /** @param perMinute - live calls that can be begun in a minute, at least one. */
  constructor(perMinute: number) {
    this.#slotMs = Math.max(SHORTEST_SLOT_MS, MINUTE_MS / Math.max(1, perMinute));
    this.#perSlot = Math.max(1, Math.floor((perMinute * this.#slotMs) / MINUTE_MS));
  }

  /** The last moment, not after the one given, at which a call still finds room: the beginning of a time that ends by then. Minus infinity: none is left. */
  latest(latestAtMs: number, nowMs: number): number {
    const first = this.#slotOf(nowMs);
    for (let slot = this.#slotOf(latestAtMs) - 1; slot >= first; slot -= 1) {
      if ((this.#booked.get(slot) ?? 0) < this.#perSlot) return slot * this.#slotMs;
    }
    return Number.NEGATIVE_INFINITY;
  }

  /** Books a call that is asked live then. */
  book(atMs: number): void {
    const slot = this.#slotOf(atMs);
    this.#booked.set(slot, (this.#booked.get(slot) ?? 0) + 1);
  }

  /** A call that was booked is answered. */
  release(atMs: number): void {
    const slot = this.#slotOf(atMs);
    const left = (this.#booked.get(slot) ?? 0) - 1;
    if (left > 0) this.#booked.set(slot, left);
    else this.#booked.delete(slot);
  }

  /** Forgets what is over. */
  forget(beforeMs: number): void {
    const first = this.#slotOf(beforeMs);
    for (const slot of this.#booked.keys()) if (slot < first) this.#booked.delete(slot);
  }

  /** A moment that a slot begins at is in that slot, whatever rounding made of it. */
  #slotOf(atMs: number): number {
    return Math.floor((atMs + 0.5) / this.#slotMs);
  }
}
