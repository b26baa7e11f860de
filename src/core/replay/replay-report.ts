import { bootstrapIntervals, type BootstrapOptions, type ReplayInterval } from './bootstrap-intervals.ts';
import type { PairedRow } from './paired-rows.ts';
import { type PointFigures, pointFigures } from './point-figures.ts';
import { type BaselineName, baselines, type PolicyName, type PolicyOptions, replayPolicy } from './replay-policy.ts';
import { type CurveFigures, curveFigures, savedAtQuality, scoredRows } from './score-curve.ts';

type Intervals<Figures> = Readonly<Partial<Record<keyof Figures & string, ReplayInterval>>>;

/** A score over all thresholds. @public */
export interface CurveResult {
  readonly kind: 'curve';
  readonly name: PolicyName | BaselineName;
  readonly figures: CurveFigures;
  readonly intervals: Intervals<CurveFigures>;
}

/** Decided calls. @public */
export interface PointResult {
  readonly kind: 'point';
  readonly name: PolicyName | BaselineName;
  readonly figures: PointFigures;
  readonly intervals: Intervals<PointFigures>;
  /** What a random choice between the two models saves at the same quality. Undefined: it never gets there. */
  readonly randomSavedRatio: number | undefined;
  /** What who knows all outcomes saves at the same quality, with one call each. Undefined: not even that gets there. */
  readonly oracleSavedRatio: number | undefined;
  readonly note: string | undefined;
}

/** What a replay comes to. @public */
export interface ReplayReport {
  readonly rowCount: number;
  /** Always the baselines first, then what was asked for, in its order. */
  readonly results: readonly (CurveResult | PointResult)[];
  /** What could not be replayed, and why. */
  readonly unfit: readonly { readonly name: PolicyName; readonly reason: string }[];
}

/** Replays policies on the rows of a table, with the baselines beside them. @public */
export function replayReport(
  rows: readonly PairedRow[],
  names: readonly PolicyName[],
  options: PolicyOptions & BootstrapOptions,
): ReplayReport {
  const measure = measureOn(rows, options);
  const policies = names.map((name) => replayPolicy(name, rows, options));
  const fit = policies.filter((policy) => policy.kind !== 'unfit');
  return {
    rowCount: rows.length,
    results: [...baselines(rows), ...fit].map(measure),
    unfit: policies.filter((policy) => policy.kind === 'unfit').map(({ name, reason }) => ({ name, reason })),
  };
}

type FitPolicy = ReturnType<typeof baselines>[number];

/** Measures policies, each beside the random choice and the oracle of the table. */
function measureOn(
  paired: readonly PairedRow[],
  bootstrap: BootstrapOptions,
): (policy: FitPolicy) => CurveResult | PointResult {
  const [random, oracle] = (['random', 'oracle'] as const).map((name) => {
    const policy = baselines(paired).find((one) => one.name === name);
    return policy?.kind === 'curve' ? scoredRows(policy.rows, policy.scores) : undefined;
  });
  const savedBy = (scored: typeof random, qualityRatio: number | undefined): number | undefined =>
    scored === undefined || qualityRatio === undefined ? undefined : savedAtQuality(scored, qualityRatio);
  return (policy) => {
    if (policy.kind === 'curve') {
      const scored = scoredRows(policy.rows, policy.scores);
      const intervals = bootstrapIntervals(policy.rows.length, bootstrap, (counts) => ({
        ...curveFigures(scored, counts),
      }));
      return { kind: 'curve', name: policy.name, figures: curveFigures(scored), intervals };
    }
    const { rows, isSent, name, note } = policy;
    const figures = pointFigures(rows, isSent);
    const intervals = bootstrapIntervals(rows.length, bootstrap, (counts) => ({
      ...pointFigures(rows, isSent, counts),
    }));
    const randomSavedRatio = savedBy(random, figures.qualityRatio);
    const oracleSavedRatio = savedBy(oracle, figures.qualityRatio);
    return { kind: 'point', name, figures, intervals, randomSavedRatio, oracleSavedRatio, note };
  };
}
