/** What a cache may hold. Both bounds hold at any moment. @public */
export interface S3FifoBounds {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

interface Node<Value> {
  readonly key: string;
  value: Value;
  sizeBytes: number;
  /** Reads since it came into its queue, at most 3. */
  frequency: number;
  queue: Queue<Value>;
  previous: Node<Value> | undefined;
  next: Node<Value> | undefined;
}

/** Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023, section 4: a tenth for newcomers, a two-bit counter. */
const SMALL_SHARE = 0.1;
const MAX_FREQUENCY = 3;

/**
 * Keys remembered after they were evicted from the small queue, at most: a returning one goes straight to the main queue. The paper takes as many
 * as the main queue holds; this floor lets a cache of few large entries learn too.
 */
const MIN_GHOSTS = 64;

/**
 * A map bounded by bytes and entries that evicts by S3-FIFO: newcomers that nobody asks for again leave by a small queue and never displace what is
 * used. A value without use costs one pass; every operation is amortised O(1). Linked nodes: no queue is ever copied.
 * @internal
 */
export class S3Fifo<Value> {
  readonly #bounds: S3FifoBounds;
  readonly #onEvict: (key: string, value: Value) => void;
  readonly #nodes = new Map<string, Node<Value>>();
  readonly #small: Queue<Value> = new Queue();
  readonly #main: Queue<Value> = new Queue();
  /** In order of insertion; only keys, so it is bounded by their number. */
  readonly #ghosts = new Set<string>();

  constructor(bounds: S3FifoBounds, onEvict: (key: string, value: Value) => void) {
    this.#bounds = bounds;
    this.#onEvict = onEvict;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get sizeBytes(): number {
    return this.#small.sizeBytes + this.#main.sizeBytes;
  }

  get(key: string): Value | undefined {
    const node = this.#nodes.get(key);
    if (node === undefined) return undefined;
    if (node.frequency < MAX_FREQUENCY) node.frequency += 1;
    return node.value;
  }

  /** Puts a value in and returns the one it replaced; whatever has to leave for it is reported to `onEvict`. */
  set(key: string, value: Value, sizeBytes: number): Value | undefined {
    const known = this.#nodes.get(key);
    if (known !== undefined) {
      const replaced = known.value;
      known.queue.sizeBytes += sizeBytes - known.sizeBytes;
      known.value = value;
      known.sizeBytes = sizeBytes;
      this.#shrink(0, 0);
      return replaced;
    }
    this.#shrink(sizeBytes, 1);
    const queue = this.#ghosts.delete(key) ? this.#main : this.#small;
    const node: Node<Value> = { key, value, sizeBytes, frequency: 0, queue, previous: undefined, next: undefined };
    queue.push(node);
    this.#nodes.set(key, node);
    return undefined;
  }

  /** Takes a value out without reporting it. */
  delete(key: string): Value | undefined {
    const node = this.#nodes.get(key);
    if (node === undefined) return undefined;
    this.#nodes.delete(key);
    node.queue.remove(node);
    return node.value;
  }

  #shrink(comingBytes: number, comingEntries: number): void {
    while (
      this.#nodes.size > 0 &&
      (this.sizeBytes + comingBytes > this.#bounds.maxBytes ||
        this.#nodes.size + comingEntries > this.#bounds.maxEntries)
    ) {
      this.#evict();
    }
  }

  #evict(): void {
    const isSmallFull =
      this.#small.sizeBytes >= this.#bounds.maxBytes * SMALL_SHARE ||
      this.#small.count >= this.#bounds.maxEntries * SMALL_SHARE;
    const victim = isSmallFull || this.#main.count === 0 ? (this.#fromSmall() ?? this.#fromMain()) : this.#fromMain();
    if (victim === undefined) return;
    this.#nodes.delete(victim.key);
    this.#onEvict(victim.key, victim.value);
  }

  /** The oldest newcomer that nobody asked for; those that were asked for move to the main queue. */
  #fromSmall(): Node<Value> | undefined {
    for (let node = this.#small.shift(); node !== undefined; node = this.#small.shift()) {
      if (node.frequency === 0) {
        this.#remember(node.key);
        return node;
      }
      node.frequency = 0;
      this.#main.push(node);
    }
    return undefined;
  }

  /** The oldest of the main queue that has used up its second chances. */
  #fromMain(): Node<Value> | undefined {
    for (let node = this.#main.shift(); node !== undefined; node = this.#main.shift()) {
      if (node.frequency === 0) return node;
      node.frequency -= 1;
      this.#main.push(node);
    }
    return undefined;
  }

  #remember(key: string): void {
    this.#ghosts.add(key);
    const limit = Math.max(MIN_GHOSTS, this.#main.count);
    for (const oldest of this.#ghosts) {
      if (this.#ghosts.size <= limit) return;
      this.#ghosts.delete(oldest);
    }
  }
}

/** A doubly linked queue; the oldest is at the head. */
class Queue<Value> {
  count = 0;
  sizeBytes = 0;
  #head: Node<Value> | undefined;
  #tail: Node<Value> | undefined;

  push(node: Node<Value>): void {
    node.queue = this;
    node.previous = this.#tail;
    node.next = undefined;
    if (this.#tail === undefined) this.#head = node;
    else this.#tail.next = node;
    this.#tail = node;
    this.count += 1;
    this.sizeBytes += node.sizeBytes;
  }

  shift(): Node<Value> | undefined {
    const head = this.#head;
    if (head !== undefined) this.remove(head);
    return head;
  }

  remove(node: Node<Value>): void {
    if (node.previous === undefined) this.#head = node.next;
    else node.previous.next = node.next;
    if (node.next === undefined) this.#tail = node.previous;
    else node.next.previous = node.previous;
    node.previous = undefined;
    node.next = undefined;
    this.count -= 1;
    this.sizeBytes -= node.sizeBytes;
  }
}
