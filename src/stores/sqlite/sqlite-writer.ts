import { FarthingError } from '../../core/errors.ts';
import { isLocked, type SqliteDriver, type SqlValue } from './sqlite-database.ts';
import { SqliteThread, type ThreadLine } from './sqlite-thread.ts';
import type { WorkerReply, WorkerSetup, WriteResult } from './sqlite-worker-messages.ts';

/** One operation: the name of a statement and its parameters. @internal */
export type WriteOperation<Name extends string = string> = readonly [
  statement: Name,
  ...parameters: readonly SqlValue[],
];

/** Options of {@link SqliteWriter}. @internal */
export interface SqliteWriterOptions<Name extends string = string> {
  /** The database file; made when it does not exist. */
  readonly path: string;
  /** The statements that `write` may name, prepared once. */
  readonly statements: Readonly<Record<Name, string>>;
  /** See `OpenDatabaseOptions`. `synchronous: 'FULL'` makes an acknowledged write survive a power cut, `NORMAL` a crash of the process. */
  readonly pragmas?: Readonly<Record<string, string | number>>;
  readonly migrations?: readonly string[];
  readonly driver?: SqliteDriver;
  /** The thread that writes, which several may share. @defaultValue one of its own */
  readonly thread?: SqliteThread | undefined;
  /** Writes waiting beyond this are refused with `store-unavailable`. @defaultValue 100_000 */
  readonly maxQueuedWrites?: number;
  /** Bytes of blobs and text waiting beyond this are refused likewise. @defaultValue 67_108_864 (64 MiB) */
  readonly maxQueuedBytes?: number;
}

/** Bounds of the queue: what a disk that hangs for a few seconds may hold back. @internal */
export const WRITER_DEFAULTS: Readonly<{ maxQueuedWrites: number; maxQueuedBytes: number }> = {
  maxQueuedWrites: 100_000,
  maxQueuedBytes: 64 * 1024 * 1024,
};

interface PendingWrite {
  readonly flat: readonly SqlValue[];
  readonly transfer: readonly ArrayBuffer[];
  readonly sizeBytes: number;
  readonly resolve: (changes: readonly number[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Writes to a SQLite file off the event loop. A worker thread runs the waiting writes in one transaction; while it does, the next ones gather,
 * so that a busy moment shares its commits and a lone write waits for nothing. A promise resolves after the commit.
 * @internal
 */
export class SqliteWriter<Name extends string = string> {
  readonly #setup: WorkerSetup;
  readonly #positions: ReadonlyMap<string, number>;
  readonly #maxQueuedWrites: number;
  readonly #maxQueuedBytes: number;
  readonly #thread: SqliteThread;
  #line: ThreadLine | undefined;
  #opened: Promise<void> | undefined;
  #isOpen = false;
  #queue: PendingWrite[] = [];
  #queuedBytes = 0;
  #underWay: readonly PendingWrite[] = [];
  #closing: Promise<void> | undefined;
  #whenIdle: (() => void)[] = [];

  constructor(options: SqliteWriterOptions<Name>) {
    const names = Object.keys(options.statements) as Name[];
    this.#positions = new Map(names.map((name, position) => [name, position]));
    this.#thread = options.thread ?? new SqliteThread();
    this.#setup = {
      path: options.path,
      pragmas: { ...options.pragmas, ...this.#thread.pragmas },
      migrations: options.migrations ?? [],
      statements: names.map((name) => options.statements[name]),
      driver: options.driver,
    };
    this.#maxQueuedWrites = options.maxQueuedWrites ?? WRITER_DEFAULTS.maxQueuedWrites;
    this.#maxQueuedBytes = options.maxQueuedBytes ?? WRITER_DEFAULTS.maxQueuedBytes;
  }

  /**
   * Resolves when the file is open and its schema is up to date.
   * @throws FarthingError `store-unavailable` when it cannot be opened. The next call tries again.
   */
  ready(): Promise<void> {
    return (this.#opened ??= this.#start());
  }

  /**
   * Runs operations, all or none, and resolves after the commit with the count of rows that each changed.
   * @throws FarthingError `store-unavailable` when they failed, the queue is full or the writer is closed.
   */
  write(operations: readonly WriteOperation<Name>[]): Promise<readonly number[]> {
    if (this.#closing !== undefined) return Promise.reject(unavailable('the store is closed'));
    if (this.#queue.length >= this.#maxQueuedWrites || this.#queuedBytes >= this.#maxQueuedBytes) {
      return Promise.reject(unavailable('too many writes are waiting'));
    }
    return new Promise((resolve, reject) => {
      const write = { ...this.#flatten(operations), resolve, reject };
      this.#queue.push(write);
      this.#queuedBytes += write.sizeBytes;
      this.#send();
    });
  }

  /** Resolves when everything handed over so far is committed or has failed. */
  flush(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Takes no more writes, commits those that wait, closes the file and ends the thread. */
  close(): Promise<void> {
    return (this.#closing ??= this.#drainAndClose());
  }

  #isIdle(): boolean {
    return this.#queue.length === 0 && this.#underWay.length === 0;
  }

  async #drainAndClose(): Promise<void> {
    await this.flush();
    await this.#line?.close();
  }

  #flatten(operations: readonly WriteOperation<Name>[]): Pick<PendingWrite, 'flat' | 'transfer' | 'sizeBytes'> {
    const flat: SqlValue[] = [];
    const blobs = new BlobRoom(operations);
    let sizeBytes = blobs.sizeBytes;
    for (const [name, ...parameters] of operations) {
      const position = this.#positions.get(name);
      if (position === undefined) throw new RangeError(`no statement is named ${name}`);
      flat.push(position, parameters.length);
      for (const parameter of parameters) {
        if (typeof parameter === 'string') sizeBytes += parameter.length;
        flat.push(parameter instanceof Uint8Array ? blobs.copyOf(parameter) : parameter);
      }
    }
    return { flat, transfer: blobs.sizeBytes === 0 ? [] : [blobs.buffer], sizeBytes };
  }

  #send(): void {
    if (this.#underWay.length > 0 || this.#queue.length === 0) return;
    if (!this.#isOpen) {
      this.ready().then(
        () => this.#send(),
        (error: unknown) => this.#fail(error as Error),
      );
      return;
    }
    const batch = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#underWay = batch;
    this.#line?.post(
      batch.map((write) => write.flat),
      batch.flatMap((write) => write.transfer),
    );
  }

  #start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const hear = (reply: WorkerReply): void => {
        if (reply.kind === 'written') return this.#settle(reply.results);
        if (reply.kind === 'closed') return undefined;
        if (reply.kind === 'failed') {
          this.#forget();
          return reject(unavailable(reply.fault));
        }
        this.#isOpen = true;
        if (this.#isIdle()) this.#line?.rest();
        return resolve();
      };
      const lose = (fault: FarthingError): void => {
        this.#forget();
        reject(fault);
        if (!this.#isIdle()) this.#fail(fault);
      };
      this.#line = this.#thread.open(this.#setup, { hear, lose });
    });
  }

  /** The next write or `ready` opens the file again. */
  #forget(): void {
    this.#line = undefined;
    this.#opened = undefined;
    this.#isOpen = false;
  }

  #settle(results: readonly WriteResult[]): void {
    const batch = this.#underWay;
    this.#underWay = [];
    for (const [index, write] of batch.entries()) {
      const result = results[index];
      if (result === undefined || 'fault' in result) write.reject(unavailable(result?.fault ?? 'no answer'));
      else write.resolve(result);
    }
    const locked = results.find((result) => 'fault' in result && isLocked(result.fault));
    // Somebody else has the file. What gathered meanwhile has waited as well: one after the other they would wait for minutes.
    if (locked !== undefined && 'fault' in locked) return this.#fail(unavailable(locked.fault));
    if (this.#queue.length > 0) this.#send();
    else this.#rest();
  }

  #fail(error: Error): void {
    const lost = [...this.#underWay, ...this.#queue];
    this.#underWay = [];
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const write of lost) write.reject(error);
    this.#rest();
  }

  /** Nothing waits: the thread must not keep the process alive. */
  #rest(): void {
    this.#line?.rest();
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}

/**
 * One buffer for all blobs of a write, to be handed over to the thread. A view is cloned with all of the buffer behind it (a pool, a
 * socket's chunk), and twice; a buffer for each blob costs three times as much as one for all (16 answers: 75 against 25 µs).
 */
class BlobRoom {
  readonly sizeBytes: number;
  readonly buffer: ArrayBuffer;
  #usedBytes = 0;

  constructor(operations: readonly WriteOperation[]) {
    let sizeBytes = 0;
    for (const operation of operations) {
      for (const value of operation) if (value instanceof Uint8Array) sizeBytes += value.byteLength;
    }
    this.sizeBytes = sizeBytes;
    this.buffer = new ArrayBuffer(sizeBytes);
  }

  copyOf(blob: Uint8Array): Uint8Array {
    const copy = new Uint8Array(this.buffer, this.#usedBytes, blob.byteLength);
    copy.set(blob);
    this.#usedBytes += blob.byteLength;
    return copy;
  }
}

function unavailable(message: string): FarthingError {
  return new FarthingError('store-unavailable', message, { retryable: true });
}
