import type { Logger } from 'pino';
import type { CallPriority } from '../../core/model/call-priority.ts';

/** Why a call was refused before it began. @internal */
export type ShedReason = 'queue-full' | 'queue-timeout' | 'loop-lag' | 'heap' | 'draining';

/** After so long without a refusal it is over, in milliseconds. */
const QUIET_MS = 10_000;

/**
 * Warns when calls begin to be refused because all slots are taken, and when that is over: two lines, however many calls.
 * @internal
 */
export class ShedLog {
  readonly #log: Pick<Logger, 'warn'>;
  #shed = 0;
  #quiet: NodeJS.Timeout | undefined;

  constructor(log: Pick<Logger, 'warn'>) {
    this.#log = log;
  }

  refused(reason: ShedReason, priority: CallPriority): void {
    this.#shed += 1;
    if (this.#quiet === undefined) {
      this.#log.warn({ reason, priority }, 'calls are shed: all slots are taken');
      this.#quiet = setTimeout(() => this.#end(), QUIET_MS).unref();
    } else {
      this.#quiet.refresh();
    }
  }

  close(): void {
    clearTimeout(this.#quiet);
  }

  #end(): void {
    this.#log.warn({ calls: this.#shed }, 'calls are no longer shed: slots are free');
    this.#shed = 0;
    this.#quiet = undefined;
  }
}
