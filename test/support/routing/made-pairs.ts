import { seededFractions } from '../../../src/core/replay/seeded-fractions.ts';
import type { JudgedPair } from '../../../src/core/score/fit-score.ts';

const EASY = ['add', 'spell', 'name', 'greet', 'count', 'repeat', 'list', 'sort'];
const HARD = ['prove', 'derive', 'integrate', 'diagnose', 'optimise', 'negotiate', 'refute', 'formalise'];
const THINGS = [
  'a letter',
  'the invoice',
  'three numbers',
  'this theorem',
  'my recipe',
  'our contract',
  'the graph',
  'some rows',
];
const ENDS = [
  'for me',
  'in one line',
  'with reasons',
  'before noon',
  'as a table',
  'without jargon',
  'again',
  'for a child',
];

/** What made-up pairs are like. */
export interface MadePairs {
  /** Whether the words of a prompt tell that the cheap answer fails. */
  readonly isTelling: boolean;
  /** How often the strong answer is right; the cheap one is right as often where the task is easy. @defaultValue 0.95 */
  readonly strongRatio?: number;
  readonly seed?: number;
}

/** Prompts of a few words, half of them hard, with made-up judgements. */
export function madePairs(size: number, { isTelling, strongRatio = 0.95, seed = 1 }: MadePairs): readonly JudgedPair[] {
  const fraction = seededFractions(seed);
  const one = (words: readonly string[]): string => words[Math.floor(fraction() * words.length)] ?? '';
  return Array.from({ length: size }, () => {
    const isHard = fraction() < 0.5;
    const words = isTelling ? (isHard ? HARD : EASY) : [...EASY, ...HARD];
    const text = `Please ${one(words)} ${one(THINGS)} ${one(ENDS)}, number ${Math.floor(fraction() * 1000)}.`;
    const isRight = (ratio: number): number => (fraction() < ratio ? 1 : 0);
    return { text, category: undefined, cheap: isRight(isHard ? 0.3 : strongRatio), strong: isRight(strongRatio) };
  });
}
