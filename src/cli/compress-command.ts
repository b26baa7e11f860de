import { type Command, InvalidArgumentError, Option } from 'commander';
import { compressSubject, type SkippedText } from '../client/optimizer/compress-subject.ts';
import { modelCounter } from '../client/optimizer/model-counter.ts';
import { demandModel, demandTokens, readCompressOptions } from '../client/optimizer/prompt-options.ts';
import type { PromptSubject } from '../client/optimizer/prompt-subject.ts';
import {
  changeDiffs,
  type PromptDiff,
  promptSteps,
  type ShortenedSubject,
} from '../client/optimizer/shortened-subject.ts';
import { COMPRESSION_LEVELS, type CompressionLevel } from '../core/compress/compression.ts';
import { diffText } from '../core/compress/diff-text.ts';
import type { Contradiction } from '../core/compress/system/contradictions.ts';
import { optimizeSystemPrompt } from '../core/compress/system/optimize-system-prompt.ts';
import { FarthingError } from '../core/errors.ts';
import { ownText } from '../wire/prompt/own-request.ts';
import { readTokenInput, STANDARD_INPUT, TOKEN_INPUT_KINDS, tokenInput, type TokenInputKind } from './token-input.ts';

interface CompressCommandOptions {
  readonly level?: CompressionLevel;
  readonly system?: boolean;
  readonly query?: string;
  readonly keep?: number;
  readonly maxTokens?: number;
  readonly model?: string;
  readonly endpoint?: TokenInputKind;
  readonly diff?: boolean;
  readonly json?: boolean;
}

/** What the command takes from its surroundings. @internal */
export interface CompressSources {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly write: (text: string) => void;
}

const SOURCES: CompressSources = { stdin: process.stdin, write: (text) => void process.stdout.write(text) };

/** Counted for where neither the command line nor the request names a model: the vocabulary of all newer models of OpenAI. */
const DEFAULT_MODEL = 'gpt-5';

/** Adds `farthing compress`. @internal */
export function registerCompress(program: Command, sources: CompressSources = SOURCES): void {
  program
    .command('compress')
    .description('Make a text or the texts of a request shorter, and show what went')
    .argument('[file]', `a text, or a request body as JSON; ${STANDARD_INPUT} or none: standard input`, STANDARD_INPUT)
    .addOption(
      new Option('-l, --level <level>', 'how far texts may be changed (default: lossless)')
        .choices(COMPRESSION_LEVELS)
        .conflicts('system'),
    )
    .option('-q, --query <question>', 'what is asked, for level extractive (default: looked for in the text)')
    .option('-k, --keep <ratio>', 'the share that level extractive keeps, above 0 and below 1 (default: 0.5)', ratio)
    .addOption(
      new Option('--max-tokens <n>', 'the most tokens that level extractive leaves')
        .argParser(wholeNumber)
        .conflicts('keep'),
    )
    .option('-m, --model <model>', `whose tokens are counted (default: the request's, else ${DEFAULT_MODEL})`)
    .addOption(new Option('--endpoint <kind>', 'what the file holds (default: found out)').choices(TOKEN_INPUT_KINDS))
    .option('--system', 'tighten a system prompt, and list what contradicts itself in it')
    .option('-d, --diff', 'show what changes instead of the result')
    .option('--json', 'the result with all steps as JSON')
    .action((file: string, options: CompressCommandOptions) => compressCommand(file, options, sources));
}

/** What was made of a file. */
interface CompressedFile {
  readonly file: string;
  readonly shortened: ShortenedSubject;
  readonly skipped: readonly SkippedText[];
  readonly contradictions: readonly Contradiction[] | undefined;
}

async function compressCommand(
  file: string,
  options: CompressCommandOptions,
  { stdin, write }: CompressSources,
): Promise<void> {
  const { level, query, keep, maxTokens, model, system = false } = options;
  if (model !== undefined) demandModel('--model', model);
  if (system && (query ?? keep ?? maxTokens) !== undefined) {
    throw new FarthingError('configuration', '--system takes neither --query nor --keep nor --max-tokens');
  }
  if (level !== 'extractive' && (query ?? keep ?? maxTokens) !== undefined) {
    throw new FarthingError('configuration', '--query, --keep and --max-tokens are for --level extractive');
  }
  const how = readCompressOptions({
    level: level ?? 'lossless',
    ...(query === undefined ? {} : { query }),
    ...(maxTokens === undefined
      ? keep === undefined
        ? {}
        : { keepRatio: keep }
      : { budgetTokens: demandTokens('--max-tokens', maxTokens) }),
  });
  const asked = system ? 'text' : options.endpoint;
  const input = tokenInput(file, await readTokenInput(file, stdin), asked);
  const subject: PromptSubject = input.kind === 'text' ? input : { kind: 'request', own: input.own, member: undefined };
  const named = input.kind === 'text' ? undefined : input.own.model;
  const counter = await modelCounter(model ?? named ?? DEFAULT_MODEL, subject);
  const done: CompressedFile =
    system && subject.kind === 'text'
      ? { file, skipped: [], ...tightened(subject.text, counter) }
      : withSkips(file, await compressSubject(subject, how, counter));
  write(output(done, options));
  console.error(summary(done));
}

function withSkips(file: string, shortened: Awaited<ReturnType<typeof compressSubject>>): CompressedFile {
  return { file, shortened, skipped: shortened.skipped, contradictions: undefined };
}

function tightened(
  before: string,
  { count, profile }: Awaited<ReturnType<typeof modelCounter>>,
): Pick<CompressedFile, 'shortened' | 'contradictions'> {
  const { text, tokensBefore, tokensAfter, steps, contradictions } = optimizeSystemPrompt(before, count);
  const changes = text === before ? [] : [{ at: '', before, after: text, steps }];
  const subject = { kind: 'text', text } as const;
  return { shortened: { subject, tokensBefore, tokensAfter, isExact: profile.isExact, changes }, contradictions };
}

function output(done: CompressedFile, { diff = false, json = false }: CompressCommandOptions): string {
  const diffs = changeDiffs(done.shortened.changes);
  if (json) return `${asJson(done, diff ? diffs : undefined)}\n`;
  if (!diff) return resultText(done.shortened);
  return diffs.map(({ at, parts }) => `${diffText(at === '' ? done.file : `${done.file} ${at}`, parts)}\n`).join('');
}

function resultText({ subject }: ShortenedSubject): string {
  return subject.kind === 'text' ? subject.text : ownText(subject.own);
}

function asJson(
  { file, shortened, skipped, contradictions }: CompressedFile,
  diffs: readonly PromptDiff[] | undefined,
): string {
  const { tokensBefore, tokensAfter, isExact, changes } = shortened;
  const steps = changes.flatMap(promptSteps);
  const result = { file, tokensBefore, tokensAfter, isExact, steps, skipped, contradictions };
  return JSON.stringify({ ...result, diff: diffs, result: resultText(shortened) }, undefined, 2);
}

/** One line, with what saved how much; below it what was not done, and what contradicts itself. */
function summary({ shortened, skipped, contradictions }: CompressedFile): string {
  const { tokensBefore, tokensAfter, isExact, changes } = shortened;
  const saved = new Map<string, number>();
  for (const { transform, savedTokens } of changes.flatMap(({ steps }) => steps)) {
    saved.set(transform, (saved.get(transform) ?? 0) + savedTokens);
  }
  const percent = tokensBefore === 0 ? '0' : ((100 * (tokensBefore - tokensAfter)) / tokensBefore).toFixed(1);
  const parts = [...saved].map(([transform, tokens]) => `${transform} -${tokens}`).join(', ');
  const total = `${isExact ? '' : 'about '}${tokensBefore} -> ${tokensAfter} tokens (-${percent} %)`;
  return [
    parts === '' ? `${total}, nothing to do` : `${total}: ${parts}`,
    ...skipped.map(({ at, reason }) => `${at === '' ? '' : `${at}: `}${SKIPS[reason]}`),
    ...(contradictions ?? []).map(
      ({ kind, first, second }) => `contradiction (${kind}): ${quoted(first)} / ${quoted(second)}`,
    ),
  ].join('\n');
}

const SKIPS: Readonly<Record<SkippedText['reason'], string>> = {
  'no-question': 'nothing was extracted: it is not clear what is asked; say --query',
  'budget-too-small': 'nothing was extracted: what must stay takes all of the tokens',
  'no-html-converter': 'HTML stays as it is without turndown; run: npm install turndown',
};

function quoted({ text }: Contradiction['first']): string {
  return `"${text.trim().replaceAll(/\s+/g, ' ')}"`;
}

function ratio(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('a number above 0 and below 1');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('a whole number above 0');
}
