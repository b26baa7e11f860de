interface TimedEvent {
  readonly atMs: number;
  readonly happen: (nowMs: number) => void;
}

/** What happens in virtual time: a heap of events, the earliest first. */
export class TimedEvents {
  readonly #heap: TimedEvent[] = [];

  /** Lets something happen at a time. */
  at(atMs: number, happen: (nowMs: number) => void): void {
    const heap = this.#heap;
    const event = { atMs, happen };
    let place = heap.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as TimedEvent;
      if (above.atMs <= atMs) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = event;
  }

  /** Until nothing is left to happen. */
  run(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) next.happen(next.atMs);
  }

  #next(): TimedEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let place = 0;
    for (let child = 1; child < heap.length; child = 2 * place + 1) {
      const right = heap[child + 1];
      if (right !== undefined && right.atMs < (heap[child] as TimedEvent).atMs) child += 1;
      const below = heap[child] as TimedEvent;
      if (below.atMs >= last.atMs) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}
