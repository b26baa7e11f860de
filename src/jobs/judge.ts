import type { Judge } from '../core/guard/quality-policy.ts';
import { addUsd, type NanoUsd, ZERO_USD } from '../core/money.ts';
import type { Target } from '../core/model/target.ts';
import { agrees } from '../core/verify/agrees.ts';
import type { SchemaValidator } from '../core/verify/answer-check.ts';
import type { AnswerTerms, AnswerView } from '../core/verify/answer-view.ts';
import { inTime } from '../engine/in-time.ts';
import type { Random } from '../ports/clock.ts';
import type { DecodedRequest } from '../wire/decoded-request.ts';
import { promptOf } from '../wire/prompt/prompt-of.ts';
import { passesInTime, TEST_PATIENCE_MS } from './passes-in-time.ts';
import { answerText, judgePrompt, promptText, readVerdict, type Verdict } from './judge-prompt.ts';

/** Two answers to one request. @internal */
export interface AnswerPair {
  readonly request: DecodedRequest;
  readonly terms: AnswerTerms;
  readonly cheap: AnswerView;
  readonly strong: AnswerView;
}

/** What a model said that was asked to judge. @internal */
export type JudgeReply =
  | { readonly kind: 'text'; readonly text: string; readonly costNanoUsd: NanoUsd }
  | { readonly kind: 'failed'; readonly reason: string; readonly costNanoUsd: NanoUsd };

/** What judges work with. @internal */
export interface JudgePorts {
  /** Asks a model on behalf of whoever made the call. */
  readonly ask: (target: Target, system: string, user: string) => Promise<JudgeReply>;
  readonly validate: SchemaValidator;
  readonly random: Random;
}

/**
 * What two answers are worth beside each other. Qualities are 0 to 1; `loss` is the strong one's less the cheap one's.
 *
 * - `judged`. `isAsked`: the judge had a say; answers that are the same are equals without it.
 * - `undecided`: the judge was asked, and what it says is no verdict. What is not shown to be as good is worse: else an answer that confuses the judge would
 *   be one that nobody counts.
 * - `dropped`: the judge could not be asked.
 *
 * Reasons are in kebab-case.
 * @internal
 */
export type Judgement =
  | {
      readonly kind: 'judged';
      readonly loss: number;
      readonly cheapQuality: number;
      readonly strongQuality: number;
      readonly isAsked: boolean;
      readonly costNanoUsd: NanoUsd;
    }
  | { readonly kind: 'undecided'; readonly reason: string; readonly loss: 1; readonly costNanoUsd: NanoUsd }
  | { readonly kind: 'dropped'; readonly reason: string; readonly costNanoUsd: NanoUsd };

/** Answers of which nobody needs to be asked. @internal */
export const EQUALS: Judgement = {
  kind: 'judged',
  loss: 0,
  cheapQuality: 1,
  strongQuality: 1,
  isAsked: false,
  costNanoUsd: ZERO_USD,
};

/** Hex digits of a boundary: 64 bits, which no answer can guess. Ours. */
const BOUNDARY_DIGITS = 16;

/**
 * Holds a cheap answer against the strong one. Answers that are the same are equals, and nobody is asked.
 * @internal
 */
export async function judgePair(judge: Judge, pair: AnswerPair, ports: JudgePorts): Promise<Judgement> {
  const { cheap, strong, terms } = pair;
  if (isSame(cheap, strong)) return EQUALS;
  switch (judge.kind) {
    case 'exact':
      return judged(Number(agrees(cheap, strong, judge.form, terms)), 1);
    case 'checks': {
      const request = { terms, body: pair.request.body };
      const passes = (answer: AnswerView): Promise<boolean> => passesInTime(judge.checks, answer, request, ports);
      return judged(Number(await passes(cheap)), Number(await passes(strong)));
    }
    case 'test':
      return tested(judge.test, pair);
    case 'model':
      return comparedByModel(judge, pair, ports);
  }
}

/** To the letter: in code, one in another case or another indentation may be the difference. */
function isSame(left: AnswerView, right: AnswerView): boolean {
  return letters(left) === letters(right);
}

function letters({ text, toolCalls, finish }: AnswerView): string {
  return JSON.stringify([text.trim(), toolCalls, finish]);
}

function judged(cheapQuality: number, strongQuality: number, costNanoUsd: NanoUsd = ZERO_USD): Judgement {
  const loss = strongQuality - cheapQuality;
  return { kind: 'judged', loss, cheapQuality, strongQuality, isAsked: true, costNanoUsd };
}

/**
 * An answer over which the test throws is a bad one, as it is for a cascade: a test that reads JSON throws over what is none. Where it throws over the strong
 * one nothing is known: it may throw over everything.
 */
async function tested(
  test: Extract<Judge, { kind: 'test' }>['test'],
  { cheap, strong, request }: AnswerPair,
): Promise<Judgement> {
  const strongQuality = await qualityOf(() => test(strong, request.body));
  if (strongQuality === undefined) return { kind: 'dropped', reason: 'test-threw', costNanoUsd: ZERO_USD };
  return judged((await qualityOf(() => test(cheap, request.body))) ?? 0, strongQuality);
}

async function qualityOf(test: () => boolean | Promise<boolean>): Promise<number | undefined> {
  try {
    return Number(await inTime(Promise.resolve(test()), TEST_PATIENCE_MS));
  } catch {
    return undefined; // a program's own fault may have anything in it; or the time was over
  }
}

/** A judge that prefers a place says so twice, once for each answer: that is no preference. */
async function comparedByModel(
  { target, instructions }: Extract<Judge, { kind: 'model' }>,
  { request, terms, cheap, strong }: AnswerPair,
  { ask, random }: JudgePorts,
): Promise<Judgement> {
  // By value, unless it is the form that was asked for.
  if (!terms.wantsJson && agrees(cheap, strong, 'json', terms)) return EQUALS;
  const read = promptOf(request);
  const asked = read === undefined ? '' : promptText(read.prompt);
  const compare = async (first: AnswerView, second: AnswerView): Promise<Compared> => {
    const boundary = random.hex(BOUNDARY_DIGITS);
    const texts = { request: asked, first: answerText(first), second: answerText(second), instructions, boundary };
    const { system, user } = judgePrompt(texts);
    return compared(await ask(target, system, user));
  };
  const one = await compare(cheap, strong);
  if (one.kind !== 'verdict') return one;
  // No second opinion can make a preference of it that holds in both orders.
  if (one.verdict === 'same') return judged(1, 1, one.costNanoUsd);
  const other = await compare(strong, cheap);
  const costNanoUsd = addUsd(one.costNanoUsd, other.costNanoUsd);
  if (other.kind !== 'verdict') return { ...other, costNanoUsd };
  if (one.verdict === 'second' && other.verdict === 'first') return judged(0, 1, costNanoUsd);
  if (one.verdict === 'first' && other.verdict === 'second') return judged(1, 0, costNanoUsd);
  return judged(1, 1, costNanoUsd);
}

type Compared =
  | { readonly kind: 'verdict'; readonly verdict: Verdict; readonly costNanoUsd: NanoUsd }
  | Exclude<Judgement, { kind: 'judged' }>;

function compared(reply: JudgeReply): Compared {
  const { costNanoUsd } = reply;
  if (reply.kind === 'failed') return { kind: 'dropped', reason: `judge-${reply.reason}`, costNanoUsd };
  const verdict = readVerdict(reply.text);
  return verdict === undefined
    ? { kind: 'undecided', reason: 'judge-unparseable', loss: 1, costNanoUsd }
    : { kind: 'verdict', verdict, costNanoUsd };
}
