import { progress } from '@clack/prompts';

/** Shows how far the demo is. @internal */
export interface DemoProgress {
  advance(done: number): void;
  stop(): void;
}

/** Columns that the bar and its text take; on less it would wrap and scroll. */
const MIN_COLUMNS = 72;
/** Lines that are printed where there is no terminal. */
const PLAIN_STEPS = 10;

/** A bar on a terminal that is wide enough, a line for each tenth elsewhere; nothing when `isQuiet`. @internal */
export function demoProgress(total: number, isQuiet: boolean): DemoProgress {
  if (isQuiet) return { advance: () => undefined, stop: () => undefined };
  const hasRoom = process.stdout.isTTY && process.stdout.columns >= MIN_COLUMNS;
  return hasRoom ? barProgress(total) : plainProgress(total);
}

function barProgress(total: number): DemoProgress {
  const bar = progress({ max: total, size: 40, style: 'block' });
  const text = (done: number): string => `${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} calls`;
  let shown = 0;
  bar.start(text(0));
  return {
    advance: (done) => {
      if (done < total && done - shown < total / 200) return; // drawing costs more than a call
      bar.advance(done - shown, text(done));
      shown = done;
    },
    stop: () => bar.stop(text(shown)),
  };
}

function plainProgress(total: number): DemoProgress {
  let printed = 0;
  return {
    advance: (done) => {
      const step = Math.floor((done / total) * PLAIN_STEPS);
      if (step === printed) return;
      printed = step;
      console.log(`${((step / PLAIN_STEPS) * 100).toFixed(0).padStart(3)} %  ${done.toLocaleString('en-US')} calls`);
    },
    stop: () => undefined,
  };
}
