import { writeFile } from 'node:fs/promises';
import { FarthingError } from '../../core/errors.ts';
import { pairedRows } from '../../core/replay/paired-rows.ts';
import { LEAST_PAIRS, trainScore, type TrainingResult } from '../../core/score/train-score.ts';
import { effectiveBook } from '../prices-command.ts';
import { chosenModels } from '../replay/chosen-models.ts';
import { type OutcomeFiles, readOutcomeFiles } from '../replay/read-outcome-files.ts';
import { tokenPrices } from '../replay/token-prices.ts';
import { judgedPairs, type JudgedPairs } from './judged-pairs.ts';

/** What is trained, and how. @internal */
export interface TrainRequest {
  /** The file that is written. */
  readonly out: string;
  readonly cheap: string | undefined;
  readonly strong: string | undefined;
  readonly categoryTag: string | undefined;
  readonly maxQualityLoss: number;
  readonly confidenceRatio: number;
  readonly resamples: number;
  readonly seed: number;
}

type Trained = Extract<TrainingResult, { readonly kind: 'trained' }>;

/** What came of it. @internal */
export interface TrainOutcome extends Omit<Trained, 'kind'>, JudgedPairs, Pick<OutcomeFiles, 'faults' | 'dropped'> {
  readonly out: string;
  readonly sizeBytes: number;
}

/**
 * Trains a score on files of judged pairs, and writes it.
 * @throws FarthingError `configuration` where a file cannot be read, a model must be named, or pairs are missing: then nothing is written.
 * @internal
 */
export async function trainScoreFile(
  paths: readonly string[],
  request: TrainRequest,
  stdin: AsyncIterable<Uint8Array>,
): Promise<TrainOutcome> {
  const files = await readOutcomeFiles(paths, stdin);
  const targets = await targetsOf(files, request);
  const judged = judgedPairs(files.rows, targets, request.categoryTag !== undefined);
  const result = trainScore(judged.pairs, { ...request, targets });
  if (result.kind === 'too-few') {
    throw new FarthingError('configuration', tooFewText(result.missing, targets, { ...files, ...judged }));
  }
  const text = `${JSON.stringify(result.model)}\n`;
  await writeFile(request.out, text);
  const { faults, dropped } = files;
  return { ...result, ...judged, faults, dropped, out: request.out, sizeBytes: Buffer.byteLength(text) };
}

async function targetsOf(
  { rows, faults }: OutcomeFiles,
  { cheap, strong }: TrainRequest,
): Promise<{ readonly cheap: string; readonly strong: string }> {
  if (rows.length === 0) {
    const [first] = faults;
    const why = first === undefined ? '' : `; ${first.file}:${first.line}: ${first.reason}`;
    throw new FarthingError('configuration', `no line is a judged pair${why}`);
  }
  const priceOf = tokenPrices(new Map(), await effectiveBook(undefined), Date.now());
  const models = chosenModels(rows, { cheap, strong, checkers: [] }, priceOf);
  if ((cheap ?? strong) === undefined && pairedRows(rows, models, priceOf).rows.length === 0) {
    const names = [models.cheap, models.strong].toSorted().join(' and ');
    throw new FarthingError('configuration', `say --cheap and --strong: it is not known what ${names} cost`);
  }
  return { cheap: models.cheap, strong: models.strong };
}

function tooFewText(
  missing: number,
  { cheap, strong }: { readonly cheap: string; readonly strong: string },
  { pairs, faults, unused }: Pick<TrainOutcome, 'pairs' | 'faults' | 'unused'>,
): string {
  const left = faults.length + [...unused.values()].reduce((sum, count) => sum + count, 0);
  const beside = left === 0 ? '' : ` (${left} more lines could not be used)`;
  return (
    `a score needs ${LEAST_PAIRS} judged pairs; there are ${pairs.length} of ${cheap} and ${strong}${beside}: ` +
    `${missing} are missing`
  );
}
