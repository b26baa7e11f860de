import type { AnswerForm } from './answer-check.ts';
import type { AnswerView } from './answer-view.ts';
import { answerPart } from './answer-part.ts';
import { finalAnswer } from './final-answer.ts';
import { foldedText } from './folded-text.ts';
import { canonicalText } from './literal-value.ts';
import { plainNumber } from './plain-number.ts';
import { readLiteral } from './read-literal.ts';
import { normalisedCalls } from './normalised-calls.ts';
import { unfenced } from './unfenced.ts';

/** Longer answers are not compared. Ours: models write less. */
const MAX_CHARACTERS = 1_000_000;
/** A label, as `choice` takes it where there is no letter. Ours. */
const MAX_LABEL_CHARACTERS = 100;

/**
 * What an answer comes to, as a text that is the same for answers that say the same. Tool calls stand for themselves, whatever the text beside them and in whatever order.
 *
 * - `json`: the text is a value of JSON or Python: by value, whatever the order of keys and the white space.
 * - `number`: the number of the final answer, else the last one of the text; currency and percent signs do not count.
 * - `choice`: the letter of the final answer, else the final answer itself where it is short.
 * - `text`: all words, whatever their case, white space and the punctuation at the end.
 * - `auto`: the final answer, read as a number, a letter or a value where it is one; else the text as it is. Reasoning beside an answer in a JSON object does not count.
 *
 * @returns undefined where there is nothing of this form to compare, or too much.
 * @internal
 */
export function normalisedAnswer(answer: AnswerView, form: AnswerForm): string | undefined {
  const { text, toolCalls } = answer;
  if (toolCalls.length > 0) return normalisedCalls(toolCalls, MAX_CHARACTERS);
  if (text.length > MAX_CHARACTERS || text.trim() === '') return undefined;
  switch (form) {
    case 'json':
      return jsonForm(text);
    case 'number':
      return numberForm(text);
    case 'choice':
      return choiceForm(text);
    case 'text': {
      const folded = foldedText(text);
      return folded === '' ? undefined : `text:${folded}`;
    }
    case 'auto':
      return autoForm(text);
  }
}

function jsonForm(text: string): string | undefined {
  const value = readLiteral(unfenced(text));
  return value === undefined ? undefined : `value:${canonicalText(value)}`;
}

const LAST_NUMBER = /-?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d{1,3})?/g;

function numberForm(text: string): string | undefined {
  const { answer, isMarked } = finalAnswer(text);
  const numbers = answer.match(LAST_NUMBER) ?? [];
  // Behind a marker the number comes first: "the answer is 5 of 20".
  const written = numbers.at(isMarked ? 0 : -1)?.replace(/,$/, '');
  const digits = written === undefined ? undefined : (plainNumber(written) ?? written);
  return digits === undefined ? undefined : `value:${digits}`;
}

/** `B`, `(b)`, `B.`, `B) Paris`, `Option B: Paris`. A letter alone at the beginning of a sentence may be the article. */
const CHOICE = /^(?:option |choice |answer )?[([]?([a-z])(?:[)\].:]|$)/;

function choiceForm(text: string): string | undefined {
  const folded = foldedText(finalAnswer(text).answer);
  const letter = CHOICE.exec(folded)?.[1];
  if (letter !== undefined) return `value:${JSON.stringify(letter)}`;
  return folded === '' || folded.length > MAX_LABEL_CHARACTERS ? undefined : `value:${JSON.stringify(folded)}`;
}

function autoForm(text: string): string | undefined {
  const whole = readLiteral(unfenced(text));
  if (whole !== undefined) return `value:${canonicalText(answerPart(whole))}`;
  return shortForm(finalAnswer(text).answer);
}

/** `(B)`, `B.` and `B)` are the letter. */
const LETTER = /^[([]?([A-J])[)\].:]?$/;
/** Signs around a number that say in what it is counted, which is the same for both answers. */
const NUMBER_SIGNS = /^(-?)[$€£¥₹]? ?(.*?) ?(?:%|percent)?$/s;

/** Exact where it is a text: answers that differ in a letter's case or in a space may be right and wrong (program output, codes). */
function shortForm(answer: string): string | undefined {
  const value = readLiteral(answer);
  if (value !== undefined) return `value:${canonicalText(answerPart(value))}`;
  const letter = LETTER.exec(answer)?.[1];
  if (letter !== undefined) return `value:${JSON.stringify(letter)}`;
  const [, sign = '', number = ''] = answer.length > 64 ? [] : (NUMBER_SIGNS.exec(answer) ?? []);
  const digits = plainNumber(`${sign}${number}`);
  if (digits !== undefined) return `value:${digits}`;
  return answer === '' ? undefined : `value:${JSON.stringify(answer)}`;
}
