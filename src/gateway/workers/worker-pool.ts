import type { Logger } from 'pino';
import type { FarthingError } from '../../core/errors.ts';
import { PeerChannel } from './peer-channel.ts';
import { RestartPause } from './restart-pause.ts';
import {
  type GroupReport,
  QUESTIONS,
  RELOAD_TIMEOUT_MS,
  type WorkerReady,
  type WorkerSnapshot,
} from './worker-group.ts';

/** A worker process, as the primary holds it. @internal */
export interface WorkerProcess {
  readonly pid: number | undefined;
  send(message: unknown): void;
  kill(signal: NodeJS.Signals): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, when the process has ended. */
  onExit(listener: (code: number | null, signal: string | null) => void): void;
}

/** What a pool is made of. @internal */
export interface WorkerPoolOptions {
  readonly count: number;
  /** Starts a worker. `url` is that of the others, where they all ended and the address must be taken again. */
  readonly fork: (url: string | undefined) => WorkerProcess;
  readonly log: Logger;
  /** Told that no worker can be started any more, with the exit code of the last. */
  readonly onGivenUp: (exitCode: number) => void;
}

/** How a start ended. @internal */
export type PoolStart =
  | { readonly kind: 'ready'; readonly ready: WorkerReady }
  /** A worker ended before it listened. */
  | { readonly kind: 'failed'; readonly exitCode: number };

interface Member {
  readonly process: WorkerProcess;
  readonly channel: PeerChannel;
  /** The number of reloads when it was started: it may have read the settings before the last. */
  readonly reloads: number;
  isReady: boolean;
  last: WorkerSnapshot | undefined;
}

/** For how long a worker may take to say what it has counted, in milliseconds. */
const SNAPSHOT_TIMEOUT_MS = 1000;

/** Snapshots of ended workers are put together when there are so many. */
const MAX_LOST = 16;

const FAILURE = 1;

/**
 * The workers of one gateway, as the primary process keeps them: starts them, starts them again when they die, asks them all, stops
 * them.
 * @internal
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #members = new Set<Member>();
  readonly #restarting = new Set<NodeJS.Timeout>();
  readonly #lost: WorkerSnapshot[] = [];
  readonly #pause = new RestartPause();
  #isFolding = false;
  #ready: WorkerReady | undefined;
  #namesUrl = false;
  #hasStarted = false;
  #isStopping = false;
  #onAllEnded: (() => void) | undefined;
  #worstExit = 0;
  #reloads = 0;
  #restarts = 0;
  #unanswered = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Starts the first worker, and the others once it listens: a fault that they all have is met, and told, once. */
  async start(): Promise<PoolStart> {
    const first = await this.#startWorker();
    if (first.kind === 'failed') return first;
    const others = await Promise.all(Array.from({ length: this.#options.count - 1 }, () => this.#startWorker()));
    const failed = others.find(({ kind }) => kind === 'failed');
    if (failed !== undefined) {
      this.kill();
      return failed;
    }
    this.#hasStarted = true;
    return first;
  }

  /** What all workers have counted. */
  async report(): Promise<GroupReport> {
    const ready = this.#readyMembers();
    const answers = await Promise.all(ready.map((member) => this.#snapshotOf(member)));
    const silent = ready.filter((_member, index) => answers[index] === undefined);
    this.#unanswered += silent.length;
    const snapshots = answers.filter((answer) => answer !== undefined);
    return {
      snapshots,
      lost: [...this.#lost, ...silent.flatMap(({ last }) => last ?? [])],
      facts: { workers: snapshots.length, restarts: this.#restarts, unanswered: this.#unanswered },
    };
  }

  /**
   * Makes every worker read the configuration again.
   * @throws FarthingError of the first that could not.
   */
  async reload(): Promise<void> {
    this.#reloads += 1;
    const asked = this.#readyMembers().map(({ channel }) =>
      channel.ask(QUESTIONS.reload, undefined, RELOAD_TIMEOUT_MS),
    );
    const failed = (await Promise.allSettled(asked)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  /** Makes every worker stop well; resolves when all have ended, with 0 if all could. */
  drain(): Promise<number> {
    this.#stop();
    for (const { process, channel, isReady } of this.#members) {
      // It ends instead of answering. One that has not started yet has nothing to end well.
      if (isReady) channel.ask(QUESTIONS.drain, undefined, RELOAD_TIMEOUT_MS).catch(() => undefined);
      else process.kill('SIGKILL');
    }
    if (this.#members.size === 0) return Promise.resolve(this.#worstExit);
    return new Promise((resolve) => {
      this.#onAllEnded = () => resolve(this.#worstExit);
    });
  }

  /** Ends every worker at once. */
  kill(): void {
    this.#stop();
    for (const { process } of this.#members) process.kill('SIGKILL');
  }

  #stop(): void {
    this.#isStopping = true;
    for (const timer of this.#restarting) clearTimeout(timer);
  }

  #readyMembers(): readonly Member[] {
    return [...this.#members].filter(({ isReady }) => isReady);
  }

  #startWorker(): Promise<PoolStart> {
    return new Promise((resolve) => {
      // From the first time on that nobody listened all the same, all have to name the address: Node shares one between those that name it alike.
      this.#namesUrl ||= this.#ready !== undefined && this.#readyMembers().length === 0;
      const process = this.#options.fork(this.#namesUrl ? this.#ready?.url : undefined);
      const channel = new PeerChannel((message) => process.send(message), {
        [QUESTIONS.ready]: (value) => {
          const ready = value as WorkerReady;
          this.#welcome(member, ready);
          resolve({ kind: 'ready', ready });
        },
        [QUESTIONS.report]: () => this.report(),
        [QUESTIONS.reload]: () => this.reload(),
      });
      const member: Member = { process, channel, reloads: this.#reloads, isReady: false, last: undefined };
      this.#members.add(member);
      process.onMessage((message) => channel.take(message));
      process.onExit((code, signal) => {
        this.#bury(member, code, signal);
        resolve({ kind: 'failed', exitCode: code ?? FAILURE });
      });
    });
  }

  #welcome(member: Member, ready: WorkerReady): void {
    member.isReady = true;
    this.#ready ??= ready;
    if (ready.url !== this.#ready.url) {
      // It began while others had the address, and listened after the last of them had gone.
      member.process.kill('SIGKILL');
      return;
    }
    if (member.reloads === this.#reloads) return;
    member.channel.ask(QUESTIONS.reload, undefined, RELOAD_TIMEOUT_MS).catch((error: FarthingError) => {
      this.#options.log.error({ error }, 'a worker did not take the settings that were read when it started');
    });
  }

  #bury(member: Member, code: number | null, signal: string | null): void {
    this.#members.delete(member);
    member.channel.close();
    if (member.last !== undefined) void this.#keepLost(member.last);
    if (this.#isStopping) {
      if (member.isReady && code !== 0) this.#worstExit = FAILURE;
      if (this.#members.size === 0) this.#onAllEnded?.();
      return;
    }
    if (!this.#hasStarted && !member.isReady) return;
    const { pid } = member.process;
    if (!member.isReady && this.#members.size === 0) {
      this.#options.log.error({ pid, code, signal }, 'a worker ended before it listened, and there is no other');
      this.#stop();
      this.#options.onGivenUp(code ?? FAILURE);
      return;
    }
    const pauseMs = this.#pause.next(performance.now());
    this.#options.log.error({ pid, code, signal, pauseMs }, 'a worker ended; another is started');
    const timer = setTimeout(() => {
      this.#restarting.delete(timer);
      this.#restarts += 1;
      void this.#startWorker();
    }, pauseMs);
    this.#restarting.add(timer);
  }

  async #snapshotOf(member: Member): Promise<WorkerSnapshot | undefined> {
    try {
      const answer = await member.channel.ask(QUESTIONS.snapshot, undefined, SNAPSHOT_TIMEOUT_MS);
      member.last = answer as WorkerSnapshot;
      return member.last;
    } catch {
      return undefined; // counted by the caller
    }
  }

  /** The sums of those that ended stay in the sums. */
  async #keepLost(snapshot: WorkerSnapshot): Promise<void> {
    this.#lost.push(snapshot);
    if (this.#isFolding) return;
    this.#isFolding = true;
    while (this.#lost.length >= MAX_LOST) {
      const count = this.#lost.length;
      // oxlint-disable-next-line no-await-in-loop -- more may have ended meanwhile
      const { foldLost } = await import('./sum-reports.ts');
      // oxlint-disable-next-line no-await-in-loop
      this.#lost.splice(0, count, await foldLost(this.#lost.slice(0, count)));
    }
    this.#isFolding = false;
  }
}
