import type { CalibratedThreshold, ScoredLoss } from '../../src/core/guard/calibrated-threshold.ts';
import { type LossSide, lossTest, NEW_LOSS_PROCESS } from '../../src/core/guard/loss-process.ts';

/** Draws the next loss. @internal */
export type LossStream = () => number;

/** The mean of losses. @internal */
export function meanOf(losses: readonly number[]): number {
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/** Draws from rows, each as likely as the next. @internal */
export function drawnFrom<Row>(rows: readonly Row[], chance: () => number): () => Row {
  return () => rows[Math.floor(chance() * rows.length)] as Row;
}

/** How a test is run. @internal */
export interface RunTerms {
  readonly side: LossSide;
  readonly limit: number;
  readonly alpha: number;
  readonly mostSamples: number;
}

/** After how many samples a test has enough evidence; Infinity: never. `past`: losses that came before, not counted, with how many. @internal */
export function samplesNeeded(terms: RunTerms, stream: LossStream, past?: readonly [LossStream, number]): number {
  const test = lossTest(terms.side, terms.limit);
  let process = NEW_LOSS_PROCESS;
  const [before, length] = past ?? [stream, 0];
  for (let index = 0; index < length; index += 1) process = test.add(process, before());
  for (let samples = 1; samples <= terms.mostSamples; samples += 1) {
    process = test.add(process, stream());
    if (test.evidence(process) >= -Math.log(terms.alpha)) return samples;
  }
  return Infinity;
}

/** What calibrations on drawn sets come to. @internal */
export interface CalibrationFigures {
  /** How often the threshold that came out loses more than allowed. */
  readonly violationRatio: number;
  /** Share of calls that go to the cheap target, on average. */
  readonly shareRatio: number;
}

/** Calibrates on sets that are drawn from rows, of which all is known, and counts how often that breaks the promise. @internal */
export function calibrationFigures(
  rows: readonly ScoredLoss[],
  terms: { readonly samples: number; readonly replays: number; readonly maxQualityLoss: number },
  calibrate: (pairs: readonly ScoredLoss[]) => Pick<CalibratedThreshold, 'threshold'> | undefined,
  chance: () => number,
): CalibrationFigures {
  const draw = drawnFrom(rows, chance);
  let violations = 0;
  let shares = 0;
  for (let replay = 0; replay < terms.replays; replay += 1) {
    const found = calibrate(Array.from({ length: terms.samples }, draw));
    if (found === undefined) continue;
    const routed = rows.filter(({ score }) => score <= found.threshold);
    shares += routed.length / rows.length;
    if (routed.reduce((sum, { loss }) => sum + loss, 0) / rows.length > terms.maxQualityLoss) violations += 1;
  }
  return { violationRatio: violations / terms.replays, shareRatio: shares / terms.replays };
}

/** The largest threshold whose measured loss is within what is allowed: what one would do without statistics. @internal */
export function naiveThreshold(
  pairs: readonly ScoredLoss[],
  thresholds: readonly number[],
  maxQualityLoss: number,
): Pick<CalibratedThreshold, 'threshold'> | undefined {
  const threshold = thresholds.findLast(
    (each) =>
      pairs.reduce((sum, { score, loss }) => sum + (score <= each ? loss : 0), 0) <= maxQualityLoss * pairs.length,
  );
  return threshold === undefined ? undefined : { threshold };
}
