import { PeerChannel } from './peer-channel.ts';
import {
  type GroupReport,
  QUESTIONS,
  RELOAD_TIMEOUT_MS,
  type WorkerGroup,
  type WorkerReady,
  type WorkerSnapshot,
} from './worker-group.ts';

/** What the primary process may ask of a worker. @internal */
export interface WorkerDuties {
  readonly snapshot: () => Promise<WorkerSnapshot>;
  readonly reload: () => Promise<void>;
  /** Stops well and ends the process. */
  readonly drain: () => void;
}

/** The process's side of the messages between it and its parent. @internal */
export interface ParentPort {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** Longer than the primary waits for workers. In milliseconds. */
const REPORT_TIMEOUT_MS = 3000;

/**
 * A worker's link to the primary process, and through it to the other workers.
 * @internal
 */
export class WorkerLink implements WorkerGroup {
  readonly #channel: PeerChannel;
  #duties: WorkerDuties | undefined;

  constructor(port: ParentPort) {
    this.#channel = new PeerChannel((message) => port.send(message), {
      [QUESTIONS.snapshot]: () => this.#duties?.snapshot(),
      [QUESTIONS.reload]: () => this.#duties?.reload(),
      [QUESTIONS.drain]: () => this.#duties?.drain(),
    });
    port.onMessage((message) => this.#channel.take(message));
  }

  /** Says that this worker listens, and does its duties from here on. */
  async ready(facts: WorkerReady, duties: WorkerDuties): Promise<void> {
    this.#duties = duties;
    await this.#channel.ask(QUESTIONS.ready, facts, RELOAD_TIMEOUT_MS);
  }

  async report(): Promise<GroupReport> {
    return (await this.#channel.ask(QUESTIONS.report, undefined, REPORT_TIMEOUT_MS)) as GroupReport;
  }

  async reload(): Promise<void> {
    await this.#channel.ask(QUESTIONS.reload, undefined, RELOAD_TIMEOUT_MS * 2);
  }
}
