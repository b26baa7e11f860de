import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Compression, CompressionLevel, CompressionTools } from '../../core/compress/compression.ts';
import { referenceRepeats } from '../../core/compress/reference-repeats.ts';
import { compressedText, type CompressedText, type ExtractionSkip } from '../../core/optimise/compressed-text.ts';
import { type PromptText, promptTexts } from '../../core/optimise/prompt-texts.ts';
import { questionOf } from '../../core/optimise/question-of.ts';
import { openHtmlToMarkdown } from '../../engine/html-to-markdown.ts';
import { isFarthingError } from '../../core/errors.ts';
import { editedOwnRequest, type OwnRequest } from '../../wire/prompt/own-request.ts';
import { blockTextEdits } from '../../wire/prompt/prompt-edits.ts';
import type { BlockPlace } from '../../wire/prompt/request-prompt.ts';
import { type ModelCounter, promptTokens, sizeOf } from './model-counter.ts';
import type { PromptSubject } from './prompt-subject.ts';
import { pathText, type ShortenedSubject, type SubjectChange } from './shortened-subject.ts';

/** What level `extractive` leaves. @internal */
export type ExtractionTarget = { readonly keepRatio: number } | { readonly budgetTokens: number };

/** How a subject is compressed. @internal */
export interface SubjectCompression {
  readonly level: CompressionLevel;
  readonly query: string | undefined;
  readonly target: ExtractionTarget;
}

/**
 * A text that stayed longer than asked for, and why.
 *
 * - `no-question`: level `extractive` was not told what is asked, and cannot tell from the text.
 * - `budget-too-small`: the budget is used up by what must stay.
 * - `no-html-converter`: it holds HTML, and the package `turndown` is not installed.
 * @public
 */
export interface SkippedText {
  /** Where the text stands: `messages[3].content`; `''` for a text by itself. */
  readonly at: string;
  readonly reason: ExtractionSkip | 'no-html-converter';
}

/** A subject after compression. @internal */
export interface CompressedSubject extends ShortenedSubject {
  readonly skipped: readonly SkippedText[];
}

/** In a prompt of several messages, shorter texts than this are not extracted from, in tokens. Ours: a short answer of a tool has no sentence to spare. */
const LEAST_EXTRACTED_TOKENS = 200;

const HTML_CLOSING_TAG = /<\/[a-z][a-z0-9]*\s?>/i;

/** Compresses a text or the texts of a request; never makes it longer. @internal */
export async function compressSubject(
  subject: PromptSubject,
  options: SubjectCompression,
  counter: ModelCounter,
): Promise<CompressedSubject> {
  const { isExact, tokens } = await sizeOf(subject, counter);
  const unchanged = { subject, tokensBefore: tokens, tokensAfter: tokens, isExact, changes: [], skipped: [] };
  if (options.level === 'off') return unchanged;
  if (subject.kind === 'text') return compressedAlone(subject.text, options, counter);
  const { own } = subject;
  const work = new PromptWork(own, options, counter, await converterFor(own.request.text, options.level));
  const { changes, edits, skipped } = await work.run(tokens);
  const shorter = editedOwnRequest(own, edits);
  const tokensAfter = promptTokens(shorter.read.prompt, counter);
  if (tokensAfter > tokens) return { ...unchanged, skipped };
  return { ...unchanged, subject: { ...subject, own: shorter }, tokensAfter, changes, skipped };
}

async function compressedAlone(
  text: string,
  options: SubjectCompression,
  { count, profile }: ModelCounter,
): Promise<CompressedSubject> {
  const converter = await converterFor(text, options.level);
  const { compression, skip } = compressedText(text, {
    level: options.level,
    query: options.query,
    budgetTokens: (tokensBefore) => budgetOf(options.target, tokensBefore),
    tools: { count, htmlToMarkdown: converter.htmlToMarkdown },
  });
  return {
    subject: { kind: 'text', text: compression.text },
    tokensBefore: compression.tokensBefore,
    tokensAfter: compression.tokensAfter,
    isExact: profile.isExact,
    changes: changesOf('', text, compression),
    skipped: skippedAt('', text, skip, converter),
  };
}

function budgetOf(target: ExtractionTarget, tokensBefore: number): number {
  return 'budgetTokens' in target ? target.budgetTokens : Math.floor(target.keepRatio * tokensBefore);
}

function changesOf(at: string, before: string, { text, steps }: Compression): readonly SubjectChange[] {
  return text === before ? [] : [{ at, before, after: text, steps }];
}

function skippedAt(
  at: string,
  text: string,
  skip: ExtractionSkip | undefined,
  converter: HtmlConverter,
): readonly SkippedText[] {
  const isLacking = converter.isMissing && HTML_CLOSING_TAG.test(text);
  const reasons: readonly (SkippedText['reason'] | undefined)[] = [skip, isLacking ? 'no-html-converter' : undefined];
  return reasons.flatMap((reason) => (reason === undefined ? [] : [{ at, reason }]));
}

interface HtmlConverter {
  readonly htmlToMarkdown: CompressionTools['htmlToMarkdown'];
  /** Whether one is needed and not there. */
  readonly isMissing: boolean;
}

/** Loaded only for texts that may hold HTML, at levels that touch it. */
async function converterFor(text: string, level: CompressionLevel): Promise<HtmlConverter> {
  if (level === 'lossless' || level === 'off' || !HTML_CLOSING_TAG.test(text)) {
    return { htmlToMarkdown: undefined, isMissing: false };
  }
  try {
    return { htmlToMarkdown: await openHtmlToMarkdown(), isMissing: false };
  } catch (error) {
    if (!isFarthingError(error)) throw error;
    return { htmlToMarkdown: undefined, isMissing: true };
  }
}

/** A text of a request on its way. */
interface WorkedText {
  readonly source: PromptText;
  readonly place: BlockPlace;
  result: CompressedText;
}

interface FinishedWork {
  readonly changes: readonly SubjectChange[];
  readonly edits: ReturnType<typeof blockTextEdits>;
  readonly skipped: readonly SkippedText[];
}

/** The compression of one request's texts. */
class PromptWork {
  readonly #own: OwnRequest;
  readonly #options: SubjectCompression;
  readonly #counter: ModelCounter;
  readonly #converter: HtmlConverter;

  constructor(own: OwnRequest, options: SubjectCompression, counter: ModelCounter, converter: HtmlConverter) {
    this.#own = own;
    this.#options = options;
    this.#counter = counter;
    this.#converter = converter;
  }

  async run(tokensBefore: number): Promise<FinishedWork> {
    const texts = this.#texts();
    const level = this.#options.level === 'extractive' ? 'light' : this.#options.level;
    for (const text of texts) {
      text.result = this.#compressed(text.source.text, level, undefined, 0);
      // oxlint-disable-next-line no-await-in-loop -- one text after the other, with turns for others between them
      await nextTurn();
    }
    if (this.#options.level === 'extractive') await this.#extract(texts, tokensBefore);
    const results = this.#withReferences(texts);
    const changed = texts.flatMap(({ source, place }, index) => {
      const compression = results[index];
      return compression === undefined
        ? []
        : changesOf(pathOf(place), source.text, compression).map((change) => ({ change, place }));
    });
    return {
      changes: changed.map(({ change }) => change),
      edits: changed.flatMap(({ change, place }) => blockTextEdits(place, change.after)),
      skipped: texts.flatMap(({ source, place, result }) =>
        skippedAt(pathOf(place), source.text, result.skip, this.#converter),
      ),
    };
  }

  #texts(): WorkedText[] {
    const { prompt, messages } = this.#own.read;
    const placeOf = (message: number, block: number): BlockPlace | undefined => messages[message]?.blocks[block];
    const isEditable = (message: number, block: number): boolean => placeOf(message, block)?.textPaths.length === 1;
    return promptTexts(prompt, isEditable, Infinity).flatMap((source) => {
      const place = placeOf(source.message, source.block);
      const compression = { text: source.text, tokensBefore: 0, tokensAfter: 0, steps: [] };
      return place === undefined ? [] : [{ source, place, result: { compression, skip: undefined } }];
    });
  }

  /** Brings the texts that something is asked of to their share of what may be left. */
  async #extract(texts: readonly WorkedText[], tokensBefore: number): Promise<void> {
    const { target, query } = this.#options;
    const long = texts.filter(
      ({ source, result }) => source.role !== 'system' && result.compression.tokensAfter >= LEAST_EXTRACTED_TOKENS,
    );
    // What brings its own question along keeps that, and goes by it.
    const hasOwn = ({ source }: WorkedText): boolean =>
      source.question === undefined && questionOf(source.text) !== undefined;
    const isAsked = (text: WorkedText): boolean => (query ?? text.source.question) !== undefined || hasOwn(text);
    const keepRatio =
      'keepRatio' in target
        ? target.keepRatio
        : ratioFor(
            target.budgetTokens,
            tokensBefore,
            texts,
            long.filter((text) => isAsked(text)),
          );
    if (keepRatio >= 1) return;
    for (const text of long) {
      const { source, result } = text;
      if (!isAsked(text)) text.result = { ...result, skip: 'no-question' };
      else if (keepRatio <= 0) text.result = { ...result, skip: 'budget-too-small' };
      else {
        const asked = hasOwn(text) ? undefined : (query ?? source.question);
        text.result = this.#compressed(source.text, 'extractive', asked, keepRatio);
      }
      // oxlint-disable-next-line no-await-in-loop -- see above
      await nextTurn();
    }
  }

  #compressed(text: string, level: CompressionLevel, query: string | undefined, keepRatio: number): CompressedText {
    return compressedText(text, {
      level,
      query,
      budgetTokens: (tokensBefore) => Math.floor(keepRatio * tokensBefore),
      tools: { count: this.#counter.count, htmlToMarkdown: this.#converter.htmlToMarkdown },
    });
  }

  /** Texts that were there before become a mark that says so. */
  #withReferences(texts: readonly WorkedText[]): readonly Compression[] {
    const results = texts.map(({ result }) => result.compression);
    const marks = referenceRepeats(
      results.map(({ text }) => text),
      this.#counter.count,
    );
    return results.map((result, index) => {
      const mark = marks[index];
      if (mark === undefined || mark.steps.length === 0) return result;
      const { text, tokensAfter } = mark;
      return { text, tokensBefore: result.tokensBefore, tokensAfter, steps: [...result.steps, ...mark.steps] };
    });
  }
}

/** The share that each text may keep so that the whole fits; below 0 where it cannot. */
function ratioFor(
  budgetTokens: number,
  tokensBefore: number,
  texts: readonly WorkedText[],
  asked: readonly WorkedText[],
): number {
  const saved = texts.reduce(
    (sum, { result }) => sum + result.compression.tokensBefore - result.compression.tokensAfter,
    0,
  );
  const surplus = tokensBefore - saved - budgetTokens;
  if (surplus <= 0) return 1;
  const left = asked.reduce((sum, { result }) => sum + result.compression.tokensAfter, 0);
  const whole = asked.reduce((sum, { result }) => sum + result.compression.tokensBefore, 0);
  return whole === 0 ? 0 : (left - surplus) / whole;
}

function pathOf({ path, textPaths }: BlockPlace): string {
  return pathText(textPaths[0] ?? path);
}
