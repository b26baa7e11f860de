import { Worker } from 'node:worker_threads';
import { FarthingError } from '../../core/errors.ts';
import type { FlatWrite, WorkerReply, WorkerRequest, WorkerSetup } from './sqlite-worker-messages.ts';

/** Room for the thread's short-lived objects, which are the writes of one commit; V8 would take up to 48 MB before it cleans up. */
const YOUNG_GENERATION_MB = 4;

/** Who has a file open in a thread. @internal */
export interface ThreadUser {
  hear(reply: WorkerReply): void;
  /** The thread is no more, and what it was given is lost. */
  lose(fault: FarthingError): void;
}

/** One open file in a thread. @internal */
export interface ThreadLine {
  /** Writes of one transaction; `written` answers them. Keeps the process alive until {@link ThreadLine.rest}. */
  post(writes: readonly FlatWrite[], transfer: readonly ArrayBuffer[]): void;
  /** Nothing is waited for: the thread must not keep the process alive. */
  rest(): void;
  /** Closes the file, and ends the thread where no other is open in it. Resolves when that is done. */
  close(): Promise<void>;
}

/**
 * A thread that writes to SQLite files. Each takes some 14 MB, most of it a heap of its own: a process that is to be small has one for all its files, whose commits then
 * wait for each other. It starts when a file is opened, and ends when the last one is closed.
 * @internal
 */
export class SqliteThread {
  /** What holds for connections to the files of this thread, also for those that read elsewhere. */
  readonly pragmas: Readonly<Record<string, number>>;
  #running: RunningThread | undefined;
  #nextFile = 0;

  constructor(pragmas: Readonly<Record<string, number>> = {}) {
    this.pragmas = pragmas;
  }

  /** Opens a file; `opened` or `failed` answers it. */
  open(setup: WorkerSetup, user: ThreadUser): ThreadLine {
    const thread = (this.#running ??= new RunningThread((over) => {
      // What is opened from now on is opened in another one.
      if (this.#running === over) this.#running = undefined;
    }));
    this.#nextFile += 1;
    return thread.open(this.#nextFile, setup, user);
  }
}

class RunningThread {
  readonly #worker: Worker;
  readonly #onOver: (over: RunningThread) => void;
  readonly #users = new Map<number, ThreadUser>();
  readonly #busy = new Set<number>();

  constructor(onOver: (over: RunningThread) => void) {
    this.#onOver = onOver;
    // The compiler does not rewrite this name: beside a `.ts` file lies a `.ts` worker (tests), beside `.js` a `.js` one.
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    this.#worker = new Worker(new URL(`./sqlite-worker-main${extension}`, import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker.on('message', (reply: WorkerReply) => this.#hear(reply));
    this.#worker.on('error', (error) => this.#lose('the writing thread failed', error));
    this.#worker.on('exit', () => this.#lose('the writing thread ended'));
  }

  open(file: number, setup: WorkerSetup, user: ThreadUser): ThreadLine {
    this.#users.set(file, user);
    this.#tell(file, { kind: 'open', file, setup });
    return {
      post: (writes, transfer) => this.#tell(file, { kind: 'write', file, writes }, transfer),
      rest: () => this.#rest(file),
      close: () => this.#close(file),
    };
  }

  #close(file: number): Promise<void> {
    if (!this.#users.has(file)) return Promise.resolve();
    const isLast = this.#users.size === 1;
    return new Promise((resolve) => {
      const hear = (): void => {
        this.#forget(file);
        resolve();
      };
      // The last one is closed when the thread is no more: nothing of it is left then.
      this.#users.set(file, { hear: isLast ? () => undefined : hear, lose: () => resolve() });
      this.#end(file, isLast);
    });
  }

  #end(file: number, isLast: boolean): void {
    if (isLast) this.#onOver(this);
    this.#tell(file, { kind: 'close', file, isLast });
  }

  #hear(reply: WorkerReply): void {
    const { file, kind } = reply;
    const user = this.#users.get(file);
    if (kind === 'failed') {
      // It leaves nothing behind but a thread that nobody else may need.
      const isLast = this.#users.size === 1;
      this.#forget(file);
      if (isLast) this.#end(file, true);
    }
    user?.hear(reply);
  }

  #lose(message: string, cause?: unknown): void {
    this.#onOver(this);
    const users = [...this.#users.values()];
    this.#users.clear();
    const told = cause === undefined ? {} : { cause };
    for (const user of users) user.lose(new FarthingError('store-unavailable', message, { retryable: true, ...told }));
  }

  /** Keeps the process alive until the answer is there, and the file rests. */
  #tell(file: number, request: WorkerRequest, transfer: readonly ArrayBuffer[] = []): void {
    this.#busy.add(file);
    this.#worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(request, transfer);
  }

  #rest(file: number): void {
    this.#busy.delete(file);
    if (this.#busy.size === 0) this.#worker.unref();
  }

  #forget(file: number): void {
    this.#users.delete(file);
    this.#rest(file);
  }
}
