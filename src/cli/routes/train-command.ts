import { type Command, InvalidArgumentError } from 'commander';
import { STANDARD_INPUT } from '../token-input.ts';

interface TrainCommandOptions {
  readonly out: string;
  readonly cheap?: string;
  readonly strong?: string;
  readonly categoryTag?: string;
  readonly maxQualityLoss: number;
  readonly confidence: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** What the command takes from its surroundings. @internal */
export interface TrainSources {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly write: (text: string) => void;
}

const SOURCES: TrainSources = { stdin: process.stdin, write: (text) => void process.stdout.write(text) };

/** Two answers in a hundred, as in the examples of the configuration. */
const DEFAULT_MAX_QUALITY_LOSS = 0.02;
/** One threshold in ten may lose more: it is written once, and a guard watches it from then on. Ours. */
const DEFAULT_CONFIDENCE_RATIO = 0.9;
/** Enough to tell a score from chance; each is a pass over the pairs. */
const RESAMPLES = 200;

/** Adds `farthing routes train`. @internal */
export function registerTrain(routes: Command, sources: TrainSources = SOURCES): void {
  routes
    .command('train')
    .description(
      'Learn from judged pairs which prompts need the strong target, and certify up to which score the cheap one may answer',
    )
    .argument(
      '<file...>',
      `judged pairs, a JSON object a line, packed by gzip or not; ${STANDARD_INPUT}: standard input`,
    )
    .requiredOption('-o, --out <file>', 'where the score is written, for score: of a route')
    .option('--cheap <model>', 'the cheap model (default: of two models the cheaper one)')
    .option('--strong <model>', 'the strong model (default: of two models the other one)')
    .option('--category-tag <tag>', 'also learn by domain; calls must say theirs in this tag (default: by text alone)')
    .option(
      '--max-quality-loss <ratio>',
      'the mean loss that the threshold must stay within',
      ratio,
      DEFAULT_MAX_QUALITY_LOSS,
    )
    .option('--confidence <ratio>', 'how sure that must be', ratio, DEFAULT_CONFIDENCE_RATIO)
    .option('--seed <n>', 'what the halves of the pairs depend on', seed, 1)
    .option('--json', 'JSON instead of text')
    .action((files: readonly string[], options: TrainCommandOptions) => trainCommand(files, options, sources));
}

async function trainCommand(
  files: readonly string[],
  { out, cheap, strong, categoryTag, maxQualityLoss, confidence, seed: seeded, json = false }: TrainCommandOptions,
  { stdin, write }: TrainSources,
): Promise<void> {
  const { trainScoreFile } = await import('./train-score-file.ts');
  const terms = { maxQualityLoss, confidenceRatio: confidence, resamples: RESAMPLES, seed: seeded };
  const outcome = await trainScoreFile(files, { out, cheap, strong, categoryTag, ...terms }, stdin);
  const { trainJson, trainText } = await import('./train-text.ts');
  write(`${json ? trainJson(outcome) : trainText(outcome)}\n`);
}

function ratio(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('a number above 0 and below 1');
}

function seed(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw new InvalidArgumentError('a whole number from 0 to 4294967295');
}
