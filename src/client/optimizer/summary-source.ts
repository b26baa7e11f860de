import { hash } from 'node:crypto';
import type { ConversationEdit } from '../../core/conversation/conversation-edit.ts';
import { type ConversationUnit, conversationUnits } from '../../core/conversation/conversation-units.ts';
import { summaryEdits, type SummaryPlan, summaryPlan } from '../../core/conversation/summary-plan.ts';
import { questionOf } from '../../core/optimise/question-of.ts';
import type { Prompt } from '../../core/model/prompt.ts';
import { editedOwnRequest } from '../../wire/prompt/own-request.ts';
import type { ModelCounter } from './model-counter.ts';
import type { PromptSubject } from './prompt-subject.ts';
import type { SubjectChange } from './shortened-subject.ts';
import { conversationChanges, conversationRequestEdits } from './truncate-subject.ts';

/** What a summary is made of, and where it goes. @internal */
export interface SummarySource {
  /** What the summariser reads. */
  readonly transcript: string;
  /** Digest of the transcript. */
  readonly key: string;
  /** Tokens that the summary would stand for. */
  readonly sourceTokens: number;
  /** Tokens of the prompt behind them. */
  readonly tokensBehind: number;
  /** What is asked in the end: an extract goes by it. `''` where nobody knows. */
  readonly question: string;
  /** The subject with a summary in place, and what changed. */
  readonly withSummary: (summary: string, transform: string) => SummarisedSubject;
}

interface SummarisedSubject {
  readonly subject: PromptSubject;
  readonly changes: readonly SubjectChange[];
}

/**
 * What of a subject is summed up: a text as a whole; of a conversation all between the first words of the user and the last turns.
 * @returns undefined where there is nothing.
 * @internal
 */
export function summarySource(
  subject: PromptSubject,
  keepLastTurns: number,
  counter: ModelCounter,
): SummarySource | undefined {
  if (subject.kind === 'text') return textSource(subject.text, counter);
  const { own } = subject;
  const { prompt } = own.read;
  const plan = conversationPlan(prompt, keepLastTurns);
  if (plan === undefined) return undefined;
  const last = plan.messages.at(-1) ?? 0;
  const gone = new Set(plan.messages);
  const tokensOf = (is: (index: number) => boolean): number =>
    prompt.messages.reduce((sum, { blocks }, index) => (is(index) ? sum + blocksTokens(blocks, counter) : sum), 0);
  return {
    transcript: plan.transcript,
    key: plan.key,
    sourceTokens: tokensOf((index) => gone.has(index)),
    tokensBehind: tokensOf((index) => index > last),
    question: lastWords(prompt),
    withSummary(summary, transform) {
      const edits: readonly ConversationEdit[] = summaryEdits(prompt, plan, summary);
      const shorter = editedOwnRequest(own, conversationRequestEdits(own, edits));
      return { subject: { ...subject, own: shorter }, changes: conversationChanges(own, edits, counter, transform) };
    },
  };
}

function textSource(text: string, { count }: ModelCounter): SummarySource | undefined {
  if (text.trim() === '') return undefined;
  const tokens = count(text);
  return {
    transcript: text,
    key: hash('sha256', text, 'hex'),
    sourceTokens: tokens,
    tokensBehind: 0,
    question: questionOf(text)?.question ?? '',
    withSummary(summary, transform) {
      const after = summary.trim();
      const savedTokens = tokens - count(after);
      const steps = [{ transform, savedTokens, edits: [{ start: 0, end: text.length, text: after }] }];
      return { subject: { kind: 'text', text: after }, changes: [{ at: '', before: text, after, steps }] };
    },
  };
}

function conversationPlan(prompt: Prompt, keepLastTurns: number): SummaryPlan | undefined {
  const units = conversationUnits(prompt.messages);
  const lastTurn = units.reduce((most, { turn }) => Math.max(most, turn), -1);
  const firstAsk = units.findIndex(({ kind }) => kind === 'ask');
  const goes = ({ kind, turn }: ConversationUnit, index: number): boolean =>
    kind !== 'system' && index > firstAsk && turn >= 0 && turn <= lastTurn - keepLastTurns;
  const dropped = units.filter(goes).flatMap(({ start, end }) => range(start, end));
  return dropped.length === 0 ? undefined : summaryPlan(prompt, dropped, (text) => hash('sha256', text, 'hex'));
}

function range(start: number, end: number): readonly number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

function blocksTokens(blocks: Prompt['messages'][number]['blocks'], { count, profile }: ModelCounter): number {
  return blocks.reduce((sum, block) => {
    if (block.kind === 'tool-call') return sum + count(block.argumentsText) + count(block.name);
    return 'text' in block ? sum + count(block.text) : sum;
  }, profile.messageTokens);
}

function lastWords({ messages }: Prompt): string {
  const message = messages.findLast(
    ({ role, blocks }) => role === 'user' && blocks.some(({ kind }) => kind === 'text'),
  );
  return (message?.blocks ?? []).map((block) => (block.kind === 'text' ? block.text : '')).join('\n');
}
