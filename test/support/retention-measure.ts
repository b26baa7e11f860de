// Answer-span retention of extraction and of the baseline on the same records, under the same budgets.
import { extractWith, GAP_MARK } from '../../src/core/compress/extract/extract-sentences.ts';
import type { ExtractionWeights } from '../../src/core/compress/extract/extraction-weights.ts';
import type { CountTokens } from '../../src/core/tokens/count-tokens.ts';
import { type BaselineMethod, baselineContext, baselineKept, baselineScores } from './retention-baseline.ts';
import type { RetentionRecord } from './retention-record.ts';
import { comparable } from './retention-records.ts';

/** How much smaller the context becomes. */
export const RETENTION_RATIOS = [2, 3, 5, 10] as const;

/** How titles stand in the text that extraction is given. */
export type TitleForm = 'line' | 'heading' | 'colon' | 'none';

/** What was kept of one record at one ratio; undefined where the record does not ask for it. */
interface Retention {
  /** 1 if an answer is in what was kept. */
  readonly answer: number | undefined;
  /** The part of the supporting sentences that was kept. */
  readonly facts: number | undefined;
}

/** The retention of one method on one record, for each ratio. */
export type RetentionByRatio = readonly Retention[];

/** The record's passages as one text. @internal */
export function recordText({ sections }: RetentionRecord, form: TitleForm = 'line'): string {
  const titled = (title: string, text: string): string => {
    if (title === '' || form === 'none') return text;
    if (form === 'heading') return `## ${title}\n\n${text}`;
    return form === 'colon' ? `${title}: ${text}` : `${title}\n${text}`;
  };
  return sections.map(({ title, text }) => titled(title, text)).join('\n\n');
}

/** The tokens that a budget is a part of: those of the sentences alone, as the prototype counts them. @internal */
export function contextTokens(record: RetentionRecord, count: CountTokens): number {
  return baselineContext(record, count).tokens;
}

/** @internal */
export function baselineRetention(
  record: RetentionRecord,
  method: BaselineMethod,
  count: CountTokens,
): RetentionByRatio {
  const context = baselineContext(record, count);
  const scores = baselineScores(context, method);
  return RETENTION_RATIOS.map((ratio) =>
    retentionIn(record, baselineKept(context, scores, context.tokens / ratio).join(' ')),
  );
}

/** How extraction is measured. */
export interface ExtractionMeasure {
  readonly weights: ExtractionWeights;
  readonly form?: TitleForm;
  readonly mark?: string;
}

/** Everything in the result counts: marks and titles too. @internal */
export function extractionRetention(
  record: RetentionRecord,
  tokens: number,
  count: CountTokens,
  { weights, form = 'line', mark = GAP_MARK }: ExtractionMeasure,
): RetentionByRatio {
  const text = recordText(record, form);
  return RETENTION_RATIOS.map((ratio) => {
    const options = { query: record.question, budgetTokens: tokens / ratio, count, mark };
    const extracted = extractWith(text, options, weights);
    if (count(extracted.text) > tokens / ratio) throw new Error('an extract passes its budget');
    return retentionIn(record, extracted.text);
  });
}

const contexts = new WeakMap<RetentionRecord, string>();

/** Compared many times, so it is made once. */
function comparableContext(record: RetentionRecord): string {
  const known = contexts.get(record);
  if (known !== undefined) return known;
  const context = comparable(record.sections.map(({ text }) => text).join(' '));
  contexts.set(record, context);
  return context;
}

/** A record whose answer is in none of its passages as they are compared is not asked for it. */
function retentionIn(record: RetentionRecord, kept: string): Retention {
  const whole = comparableContext(record);
  const answers = record.answers.map(comparable);
  const found = comparable(kept);
  const facts = record.supportingFacts.map(comparable);
  return {
    answer: answers.some((answer) => whole.includes(answer))
      ? Number(answers.some((answer) => found.includes(answer)))
      : undefined,
    facts: facts.length === 0 ? undefined : facts.filter((fact) => found.includes(fact)).length / facts.length,
  };
}
