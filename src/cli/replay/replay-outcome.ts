import type { TokenPrice } from '../../core/replay/outcome-cost.ts';
import type { PairedRows, ReplayedModels } from '../../core/replay/paired-rows.ts';
import type { ReplayReport } from '../../core/replay/replay-report.ts';
import type { OutcomeFiles } from './read-outcome-files.ts';

/** What `farthing replay` found, and what it could not use. @internal */
export interface ReplayOutcome extends OutcomeFiles {
  readonly models: ReplayedModels;
  /** What is charged for a token, by model; those that are not here have no price, or need none. */
  readonly prices: ReadonlyMap<string, TokenPrice>;
  readonly paired: Pick<PairedRows, 'withoutModel' | 'withoutPrice'>;
  readonly report: ReplayReport;
}
