import type { CompressionStep } from '../../core/compress/compression.ts';
import { stepChanges, type TextChange } from '../../core/compress/step-changes.ts';
import { type DiffPart, textDiff } from '../../core/compress/text-diff.ts';
import type { JsonPath } from '../../wire/prompt/json-ranges.ts';
import { type PromptSubject, subjectValue } from './prompt-subject.ts';

/** One text of a subject that became another one. @internal */
export interface SubjectChange {
  /** Where it stands, `messages[3].content`; `''` for a text by itself. */
  readonly at: string;
  readonly before: string;
  readonly after: string;
  readonly steps: readonly CompressionStep[];
}

/** A subject that was made shorter. @internal */
export interface ShortenedSubject {
  readonly subject: PromptSubject;
  readonly tokensBefore: number;
  readonly tokensAfter: number;
  readonly isExact: boolean;
  readonly changes: readonly SubjectChange[];
}

/** One thing that was done to one text. @public */
export interface PromptStep {
  /** Where the text stands: `messages[3].content`; `''` for a text by itself. */
  readonly at: string;
  /** `json-minify@1`: what did it, with its version. */
  readonly transform: string;
  /** Tokens that it saved in this text. */
  readonly savedTokens: number;
  /** What it took out and what it put there, in order. */
  readonly changes: readonly TextChange[];
}

/** A text before and after, compared. @public */
export interface PromptDiff {
  /** Where the text stands: `messages[3].content`; `''` for a text by itself. */
  readonly at: string;
  readonly parts: readonly DiffPart[];
}

/** A prompt that was made shorter, with all that is needed to review it. @public */
export interface ShortenedPrompt<Input> {
  /** In the shape in which it was given: a text, messages, or the body of a request (as a copy). */
  readonly prompt: Input;
  readonly tokensBefore: number;
  /** Never more than `tokensBefore`. */
  readonly tokensAfter: number;
  /** Whether the two are exact; else they are estimates. */
  readonly isExact: boolean;
  /** What was done and what went; none where nothing was. */
  readonly steps: readonly PromptStep[];
  /** Each text that changed, before and after. */
  readonly diff: () => readonly PromptDiff[];
}

/** A result as the caller gets it. @internal */
export function shortenedPrompt<Input>(shortened: ShortenedSubject): ShortenedPrompt<Input> {
  const { subject, tokensBefore, tokensAfter, isExact, changes } = shortened;
  return {
    prompt: subjectValue(subject) as Input,
    tokensBefore,
    tokensAfter,
    isExact,
    steps: changes.flatMap(promptSteps),
    diff: () => changeDiffs(changes),
  };
}

/** @internal */
export function changeDiffs(changes: readonly SubjectChange[]): readonly PromptDiff[] {
  return changes.map(({ at, before, after }) => ({ at, parts: textDiff(before, after) }));
}

/** @internal */
export function promptSteps({ at, before, steps }: SubjectChange): readonly PromptStep[] {
  const changes = stepChanges(before, steps);
  return steps.map(({ transform, savedTokens }, index) => ({
    at,
    transform,
    savedTokens,
    changes: changes[index] ?? [],
  }));
}

/** A path as it is written in JavaScript: `messages[3].content`. @internal */
export function pathText(path: JsonPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}
