import type { Clock } from '../../ports/clock.ts';
import { isLocked } from './sqlite-database.ts';
import type { SqliteWriter, WriteOperation } from './sqlite-writer.ts';

interface PendingWrite<Name extends string> {
  readonly operations: readonly WriteOperation<Name>[];
  readonly resolve: (changes: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Hands the writes of a moment to the writing thread as one: one message, one transaction, one answer. When that one
 * fails, each is tried by itself, so that a bad write does not fail its neighbours; not where the file is locked, which holds up each try for seconds.
 * @internal
 */
export class WriteGroups<Name extends string> {
  readonly #writer: SqliteWriter<Name>;
  readonly #clock: Clock;
  readonly #spacingMs: number;
  #waiting: PendingWrite<Name>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  /**
   * `spacingMs` is the least time between two groups: in a busy moment writes gather for so long. A commit costs about as much as twenty
   * rows, so they must be shared. After a quiet moment a write waits for nothing.
   */
  constructor(writer: SqliteWriter<Name>, clock: Clock, spacingMs: number) {
    this.#writer = writer;
    this.#clock = clock;
    this.#spacingMs = spacingMs;
  }

  /**
   * As `SqliteWriter.write`. `patienceMs` is for writes that nobody waits for: so long they wait for a group to go with before they make
   * one themselves.
   */
  write(operations: readonly WriteOperation<Name>[], patienceMs = 0): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operations, resolve, reject });
      this.#schedule(patienceMs);
    });
  }

  /** Resolves when everything handed over so far is committed or has failed. */
  async flush(): Promise<void> {
    this.#handOver();
    await this.#writer.flush();
    await this.#writer.flush(); // single tries that followed a failed group
  }

  #schedule(patienceMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const dueMs = Math.max(nowMs + patienceMs, this.#lastMs + this.#spacingMs);
    if (dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    if (dueMs > nowMs) this.#timer = setTimeout(() => this.#handOver(), dueMs - nowMs);
    else setImmediate(() => this.#handOver());
  }

  #handOver(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#lastMs = this.#clock.monotonicMs();
    const group = this.#waiting;
    if (group.length === 0) return;
    this.#waiting = [];
    const operations = group.flatMap((write) => write.operations);
    this.#writer.write(operations).then(
      (changes) => settle(group, changes),
      (error: unknown) => {
        if (group.length === 1 || isLocked(error)) for (const write of group) write.reject(error);
        else for (const write of group) this.#writer.write(write.operations).then(write.resolve, write.reject);
      },
    );
  }
}

function settle<Name extends string>(group: readonly PendingWrite<Name>[], changes: readonly number[]): void {
  let start = 0;
  for (const write of group) {
    write.resolve(changes.slice(start, start + write.operations.length));
    start += write.operations.length;
  }
}
