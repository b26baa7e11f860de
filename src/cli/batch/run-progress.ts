import { plainDuration } from './plain-duration.ts';
import { grouped } from '../plain-count.ts';

/** How far a run is. @internal */
export interface RunStanding {
  readonly done: number;
  readonly total: number;
  readonly errors: number;
  readonly fromCache: number;
  /** Dollars as text. */
  readonly spentUsd: string;
  readonly ratePerSecond: number;
  /** Undefined: nobody can say yet. */
  readonly remainingMs: number | undefined;
}

/** Shows how far a run is. @internal */
export interface RunProgress {
  show(standing: RunStanding): void;
  /** Leaves the line for what comes after. */
  stop(): void;
}

/** The part of a terminal's stream that progress needs. @internal */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Lines that stay are few, in milliseconds. */
const LINE_EVERY_MS = 10_000;
/** A person sees no more, in milliseconds. */
const REDRAW_EVERY_MS = 200;
const BAR_CELLS = 20;
/** A terminal's width where it does not say. */
const DEFAULT_COLUMNS = 80;

/**
 * One line that is drawn again on a terminal, a line every ten seconds elsewhere. Our own line: the progress of @clack/prompts takes the keyboard and ends the
 * process at Ctrl-C, where a run is to end well.
 * @internal
 */
export function runProgress(output: ProgressOutput, nowMs: () => number): RunProgress {
  const isTerminal = output.isTTY === true;
  const everyMs = isTerminal ? REDRAW_EVERY_MS : LINE_EVERY_MS;
  let shownAtMs = isTerminal ? Number.NEGATIVE_INFINITY : nowMs();
  let isDrawn = false;
  return {
    show: (standing) => {
      const atMs = nowMs();
      if (atMs - shownAtMs < everyMs) return;
      shownAtMs = atMs;
      if (!isTerminal) {
        output.write(`${standingText(standing)}\n`);
        return;
      }
      isDrawn = true;
      const line = `${bar(standing)} ${standingText(standing)}`;
      // A terminal that does not know its width may say 0.
      const { columns = 0 } = output;
      output.write(`\r\u001b[K${line.slice(0, (columns > 0 ? columns : DEFAULT_COLUMNS) - 1)}`);
    },
    stop: () => {
      if (isDrawn) output.write('\n');
      isDrawn = false;
    },
  };
}

function bar({ done, total }: RunStanding): string {
  const full = total === 0 ? BAR_CELLS : Math.min(BAR_CELLS, Math.floor((BAR_CELLS * done) / total));
  return `${'\u2588'.repeat(full)}${'\u2591'.repeat(BAR_CELLS - full)}`;
}

/** How far a run is, as one line. @internal */
export function standingText(standing: RunStanding): string {
  const { done, total, errors, fromCache, spentUsd, ratePerSecond, remainingMs } = standing;
  const parts = [
    `${grouped(done)} of ${grouped(total)}`,
    `${ratePerSecond >= 10 ? grouped(Math.round(ratePerSecond)) : ratePerSecond.toFixed(1)}/s`,
    `$${spentUsd}`,
    ...(errors === 0 ? [] : [`${grouped(errors)} failed`]),
    ...(fromCache === 0 ? [] : [`${grouped(fromCache)} cached`]),
    ...(remainingMs === undefined ? [] : [`${plainDuration(remainingMs)} left`]),
  ];
  return parts.join(', ');
}
