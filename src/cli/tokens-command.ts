import { type Command, Option } from 'commander';
import { FarthingError } from '../core/errors.ts';
import { usageOf } from '../core/model/usage.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import type { PriceBook, PriceTarget } from '../core/price-book.ts';
import { priceUsage } from '../core/price-usage.ts';
import type { CalibrationState } from '../core/tokens/calibration.ts';
import type { CountedInput } from './counted-input.ts';
import type { DataOptions } from './data-folder.ts';
import { plainTable } from './plain-table.ts';
import { effectiveBook } from './prices-command.ts';
import { targetOf } from './prices-text.ts';
import { shortUsd } from './short-usd.ts';
import { readTokenInput, STANDARD_INPUT, TOKEN_INPUT_KINDS, tokenInput, type TokenInputKind } from './token-input.ts';

interface TokensOptions {
  readonly model?: string;
  readonly endpoint?: TokenInputKind;
  readonly config?: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** What the command takes from its surroundings. @internal */
export interface TokensSources {
  readonly stdin: AsyncIterable<Uint8Array>;
  /** What was learnt from the replies that a gateway saw, where there is a data folder that keeps it. */
  readonly calibration: (options: DataOptions) => Promise<CalibrationState>;
}

const SOURCES: TokensSources = {
  stdin: process.stdin,
  calibration: async (options) => (await import('./learnt-calibration.ts')).learntCalibration(options),
};

/** Adds `farthing tokens`. @internal */
export function registerTokens(program: Command, sources: TokensSources = SOURCES): void {
  program
    .command('tokens')
    .description('Count the input tokens of texts and requests, and price them')
    .argument('[file...]', `texts or request bodies as JSON; ${STANDARD_INPUT} or none: standard input`)
    .option('-m, --model <model>', 'a model, or provider/model (default: the one that the request names)')
    .addOption(new Option('--endpoint <kind>', 'what the files hold (default: found out)').choices(TOKEN_INPUT_KINDS))
    .option('-c, --config <file>', 'the configuration whose prices: and data apply (default: farthing.yaml)')
    .option(
      '-d, --data <folder>',
      'where a gateway keeps what it has learnt of the counts (default: the folder of the configuration)',
    )
    .option('--json', 'JSON instead of a table')
    .action((files: readonly string[], options: TokensOptions) => tokensCommand(files, options, sources));
}

interface CountedFile {
  readonly file: string;
  readonly kind: TokenInputKind;
  readonly target: PriceTarget;
  readonly counted: CountedInput;
  readonly priceNanoUsd: NanoUsd | undefined;
}

async function tokensCommand(files: readonly string[], options: TokensOptions, sources: TokensSources): Promise<void> {
  const { countedInput } = await import('./counted-input.ts');
  const book = await effectiveBook(options.config);
  const calibration = await sources.calibration(options);
  const nowMs = Date.now();
  const counted: CountedFile[] = [];
  for (const file of files.length === 0 ? [STANDARD_INPUT] : files) {
    // oxlint-disable-next-line no-await-in-loop -- one file after the other, so that only one is in memory
    const input = tokenInput(file, await readTokenInput(file, sources.stdin), options.endpoint);
    const model = options.model ?? (input.kind === 'text' ? undefined : input.own.model);
    if (model === undefined) throw new FarthingError('configuration', `${file}: names no model; say --model <model>`);
    const target = targetOf(book, model, nowMs);
    const endpoint = input.kind === 'text' ? undefined : input.kind;
    const provider = target.provider === '' ? undefined : target.provider;
    // oxlint-disable-next-line no-await-in-loop -- see above
    const result = await countedInput(input, { model: target.model, provider, endpoint }, calibration);
    const priceNanoUsd = priceOf(book, target, result.tokens, nowMs);
    counted.push({ file, kind: input.kind, target, counted: result, priceNanoUsd });
  }
  console.log(options.json === true ? tokensJson(counted) : tokensText(counted));
}

function priceOf(book: PriceBook, target: PriceTarget, tokens: number, nowMs: number): NanoUsd | undefined {
  const priced = priceUsage(book, target, usageOf({ input: tokens }), {}, nowMs);
  return priced.kind === 'priced' ? priced.amount : undefined;
}

const HEADERS = [
  'file',
  'as',
  'tokens',
  'messages',
  'tools',
  'images',
  'format',
  'frame',
  'at most',
  'dollars',
  'count',
];
const UNKNOWN = '-';

function tokensText(files: readonly CountedFile[]): string {
  const rows = files.map(({ file, kind, counted, priceNanoUsd }) => {
    const { parts, boundTokens } = counted;
    const sizes = [
      parts?.messageTokens,
      parts?.toolTokens,
      parts?.imageTokens,
      parts?.formatTokens,
      parts?.constantTokens,
      boundTokens,
    ];
    return [
      file,
      kind,
      String(counted.tokens),
      ...sizes.map((size) => (size === undefined ? UNKNOWN : String(size))),
      priceNanoUsd === undefined ? UNKNOWN : shortUsd(priceNanoUsd),
      certainty(counted),
    ];
  });
  const align = HEADERS.map((_, column) => (column >= 2 && column <= 9 ? 'right' : 'left'));
  const table = plainTable(HEADERS, rows, { align });
  const total = files.reduce((sum, { counted }) => sum + counted.tokens, 0);
  return files.length < 2 ? table : `${table}\n${total} tokens in all`;
}

/** How sure a count is, in words. */
function certainty({ isExact, isPartial, expectedErrorRatio, calibrationCalls }: CountedInput): string {
  const partial = isPartial ? ', without what cannot be counted here' : '';
  if (isExact) return `exact${partial}`;
  const percent = (100 * expectedErrorRatio).toFixed(1);
  const known =
    calibrationCalls === 0
      ? `within ${percent} % in nine of ten calls`
      : `${percent} % off in the last ${calibrationCalls} calls`;
  return `estimate, ${known}${partial}`;
}

function tokensJson(files: readonly CountedFile[]): string {
  const entries = files.map(({ file, kind, target, counted, priceNanoUsd }) => {
    const { parts, boundTokens, ...rest } = counted;
    return {
      file,
      kind,
      provider: target.provider === '' ? null : target.provider,
      model: target.model,
      ...rest,
      boundTokens: boundTokens ?? null,
      parts: parts === undefined ? null : partsOf(parts),
      inputUsd: priceNanoUsd === undefined ? null : formatUsd(priceNanoUsd),
    };
  });
  return JSON.stringify(entries, undefined, 2);
}

function partsOf(parts: NonNullable<CountedInput['parts']>): object {
  const { messageTokens, toolTokens, imageTokens, formatTokens, constantTokens } = parts;
  return { messageTokens, toolTokens, imageTokens, formatTokens, constantTokens };
}
