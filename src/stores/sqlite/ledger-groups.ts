import type { SqliteWriter, WriteOperation } from './sqlite-writer.ts';

interface PendingWrite<Name extends string> {
  readonly operations: readonly WriteOperation<Name>[];
  readonly resolve: (changes: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * For how long writes gather before they are handed over together, in milliseconds. A commit costs about as much as twenty
 * rows, so a busy gateway must share them; a call that takes a second does not notice. With the commit itself it stays
 * below the 10 ms that a charge may take to be durable.
 */
const GATHER_MS = 2;

/**
 * Hands the writes of a moment to the writing thread as one: one message, one transaction, one answer. When that one
 * fails, each is tried by itself, so that a bad write does not fail its neighbours.
 * @internal
 */
export class LedgerGroups<Name extends string> {
  readonly #writer: SqliteWriter<Name>;
  #waiting: PendingWrite<Name>[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(writer: SqliteWriter<Name>) {
    this.#writer = writer;
  }

  /** As `SqliteWriter.write`. */
  write(operations: readonly WriteOperation<Name>[]): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operations, resolve, reject });
      this.#timer ??= setTimeout(() => this.#handOver(), GATHER_MS);
    });
  }

  /** Resolves when everything handed over so far is committed or has failed. */
  async flush(): Promise<void> {
    this.#handOver();
    await this.#writer.flush();
    await this.#writer.flush(); // single tries that followed a failed group
  }

  #handOver(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const group = this.#waiting;
    if (group.length === 0) return;
    this.#waiting = [];
    const operations = group.flatMap((write) => write.operations);
    this.#writer.write(operations).then(
      (changes) => settle(group, changes),
      () => {
        for (const write of group) this.#writer.write(write.operations).then(write.resolve, write.reject);
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
