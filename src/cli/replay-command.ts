import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_QUALITY } from '../core/guard/quality-policy.ts';
import { FarthingError } from '../core/errors.ts';
import type { TokenPrice } from '../core/replay/outcome-cost.ts';
import { POLICY_NAMES, type PolicyName } from '../core/replay/replay-policy.ts';
import { STANDARD_INPUT } from './token-input.ts';
import { readTokenPrice } from './replay/token-prices.ts';

interface ReplayCommandOptions {
  readonly policy?: readonly PolicyName[];
  readonly cheap?: string;
  readonly strong?: string;
  readonly checker?: readonly string[];
  readonly price?: ReadonlyMap<string, TokenPrice>;
  readonly config?: string;
  readonly folds: number;
  readonly bootstrap: number;
  readonly seed: number;
  readonly maxQualityLoss: number;
  readonly confidence: number;
  readonly json?: boolean;
}

/** What the command takes from its surroundings. @internal */
export interface ReplaySources {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly write: (text: string) => void;
}

const SOURCES: ReplaySources = { stdin: process.stdin, write: (text) => void process.stdout.write(text) };

/** Two answers in a hundred, as in the examples of the configuration. */
const DEFAULT_MAX_QUALITY_LOSS = 0.02;
/** Enough for the first digit of an interval's ends; each costs a pass over the rows for each policy. */
const DEFAULT_RESAMPLES = 200;
const MAX_RESAMPLES = 10_000;
const MAX_FOLDS = 100;

/** Adds `farthing replay`. @internal */
export function registerReplay(program: Command, sources: ReplaySources = SOURCES): void {
  program
    .command('replay')
    .description('What routing policies would have cost and been worth on recorded outcomes')
    .argument(
      '<file...>',
      `tables of outcomes, a JSON object a line, packed by gzip or not; ${STANDARD_INPUT}: standard input`,
    )
    .option(
      '-p, --policy <names>',
      `of ${POLICY_NAMES.join(', ')} (default: all that the table allows); may be repeated`,
      policies,
    )
    .option('--cheap <model>', 'the cheap model (default: of two models the cheaper one)')
    .option('--strong <model>', 'the strong model (default: of two models the other one)')
    .option('--checker <model>', 'a second cheap model, for policy agree; may be repeated', collected)
    .option('--price <model=in/out>', 'dollars per million tokens; may be repeated', readTokenPrice)
    .option('-c, --config <file>', 'the configuration whose prices: apply (default: farthing.yaml)')
    .option('--folds <n>', 'parts of the table, each scored by what the others taught', between(2, MAX_FOLDS), 2)
    .option('--bootstrap <n>', 'drawings for the intervals; 0: none', between(0, MAX_RESAMPLES), DEFAULT_RESAMPLES)
    .option('--seed <n>', 'what parts and drawings depend on', between(0, 2 ** 32 - 1), 1)
    .option('--max-quality-loss <ratio>', 'what policy certified may lose', ratio, DEFAULT_MAX_QUALITY_LOSS)
    .option('--confidence <ratio>', 'how sure policy certified must be', ratio, DEFAULT_QUALITY.confidenceRatio)
    .option('--json', 'JSON instead of tables')
    .action((files: readonly string[], options: ReplayCommandOptions) => replayCommand(files, options, sources));
}

async function replayCommand(
  files: readonly string[],
  options: ReplayCommandOptions,
  { stdin, write }: ReplaySources,
): Promise<void> {
  const { replayFiles } = await import('./replay/replay-files.ts');
  const { policy, cheap, strong, checker = [], price = new Map(), config, folds, bootstrap, seed } = options;
  const outcome = await replayFiles(
    files,
    {
      policies: policy ?? POLICY_NAMES,
      models: { cheap, strong, checkers: checker },
      prices: price,
      config,
      folds,
      resamples: bootstrap,
      seed,
      maxQualityLoss: options.maxQualityLoss,
      confidenceRatio: options.confidence,
    },
    stdin,
  );
  const [unfit] = outcome.report.unfit;
  if (policy !== undefined && unfit !== undefined)
    throw new FarthingError('configuration', `--policy ${unfit.name}: ${unfit.reason}`);
  const { replayJson, replayText } = await import('./replay/replay-text.ts');
  write(`${options.json === true ? replayJson(outcome) : replayText(outcome)}\n`);
}

function policies(text: string, before: readonly PolicyName[] = []): readonly PolicyName[] {
  const names = text.split(',').map((name) => {
    const known = POLICY_NAMES.find((policy) => policy === name.trim());
    if (known === undefined) throw new InvalidArgumentError(`there are ${POLICY_NAMES.join(', ')}`);
    return known;
  });
  return [...new Set([...before, ...names])];
}

function collected(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function between(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from ${least} to ${most}`);
  };
}

function ratio(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('a number above 0 and below 1');
}
