import type { TextEdit } from '../compression.ts';
import type { SegmentedText, Transform } from '../transform.ts';
import { TEXT_KINDS } from '../transform.ts';
import { type Instruction, instructionsOf } from './instructions-of.ts';
import { instructionWords } from './instruction-words.ts';

/** Shorter sentences are said twice for a reason, or save nothing. */
const MIN_WORDS = 4;
/** A sentence is remembered in so many places. */
const MAX_PLACES = 8;
/** Languages without spaces have one long word. */
const MIN_UNSPACED_CHARACTERS = 10;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

/** Words with which a sentence leans on the one before it. */
const LEANING: ReadonlySet<string> = new Set(
  (
    'then otherwise else instead this that these those it they he she such so thus therefore however but and or if when unless once after afterwards before ' +
    'for e.g i.e next finally first second third same likewise dann sonst danach alors sinon ensuite luego entonces'
  ).split(' '),
);

/**
 * Instructions that are said twice, in the same words but for courtesy and short forms; the first stays. One that stands under something else than the first
 * (another heading, another case of a list) may mean something else and stays, too; so do steps of numbered lists, questions, sentences that lean on the one
 * before or that the next one leans on, and all that hold code, URLs, quotations or templates.
 * @internal
 */
export const repeatedInstructions: Transform = {
  id: 'repeated-instructions',
  version: 1,
  level: 'light',
  kinds: TEXT_KINDS,
  apply,
};

function apply({ text, segments }: SegmentedText): readonly TextEdit[] {
  const all = instructionsOf(text, segments);
  const said = new Map<string, Instruction[]>();
  const edits: TextEdit[] = [];
  for (const [index, instruction] of all.entries()) {
    const words = instructionWords(instruction.text);
    if (!isLongEnough(words)) continue;
    const key = words.join(' ');
    const before = said.get(key) ?? [];
    const isSaid = before.some(({ scope }) => isAround(scope, instruction.scope));
    if (isSaid && isRemovable(all, index, words)) edits.push(removal(text, all, index));
    else if (before.length < MAX_PLACES) said.set(key, [...before, instruction]);
  }
  return withoutOverlaps(edits);
}

function isLongEnough(words: readonly string[]): boolean {
  return words.length >= MIN_WORDS || (words.join('').match(UNSPACED)?.length ?? 0) >= MIN_UNSPACED_CHARACTERS;
}

/** Whether what holds under one thing holds under the other: the one is around the other, or the same. */
function isAround(outer: readonly number[], inner: readonly number[]): boolean {
  return outer.length <= inner.length && outer.every((at, index) => at === inner[index]);
}

function isRemovable(all: readonly Instruction[], index: number, words: readonly string[]): boolean {
  const instruction = all[index];
  if (instruction === undefined) return false;
  const { block, text } = instruction;
  if (block.isStep || !block.isPlain || /[?:]\s*$/u.test(text)) return false;
  const next = all[index + 1];
  const isLeantOn = next?.block === block && LEANING.has(instructionWords(next.text)[0] ?? '');
  // Something may stand under an item as its case.
  const holdsOthers = next !== undefined && next.scope.includes(block.start);
  return !isLeantOn && !holdsOthers && !LEANING.has(words[0] ?? '');
}

/** The sentence with the space that parts it from its neighbours; its whole lines where it is alone in them. */
function removal(text: string, all: readonly Instruction[], index: number): TextEdit {
  const { start, end, block, place } = all[index] as Instruction;
  if (block.sentences === 1) {
    let last = block.end;
    while (last < text.length && text[last] === '\n' && isParagraph(text, block.start)) last += 1;
    return { start: block.start, end: last, text: '' };
  }
  const next = all[index + 1];
  if (place + 1 < block.sentences && next !== undefined) return { start, end: next.start, text: '' };
  const before = all[index - 1];
  return { start: before === undefined ? start : before.end, end, text: '' };
}

function isParagraph(text: string, start: number): boolean {
  return start === 0 || (text[start - 1] === '\n' && (start === 1 || text[start - 2] === '\n'));
}

function withoutOverlaps(edits: readonly TextEdit[]): readonly TextEdit[] {
  let end = -1;
  return edits.filter((edit) => {
    if (edit.start < end) return false;
    end = edit.end;
    return true;
  });
}
