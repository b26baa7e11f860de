import type { Prompt, PromptRole } from '../model/prompt.ts';
import { questionOf } from './question-of.ts';

/** A text of a prompt that the optimiser may change. @public */
export interface PromptText {
  /** Index of the message and of the block in it. */
  readonly message: number;
  readonly block: number;
  readonly role: PromptRole;
  readonly text: string;
  /**
   * What is asked of the text, where that is known: the user's latest words before a tool's result; for words of a user that bring their own context along,
   * the last text of the message. Undefined: nothing may be left out of it for a question's sake.
   */
  readonly question: string | undefined;
}

/** Shorter texts have nothing to save that is worth looking for, in UTF-16 units. */
const LEAST_CHARS = 200;

/** Longer texts would hold up all other calls for too long, in UTF-16 units: ordinary ones of that length take up to 25 ms, hostile ones 0.2 s. */
const MOST_CHARS = 100_000;

/** Texts longer than this are no question, in UTF-16 units. */
const MAX_QUESTION_CHARS = 4000;

/**
 * The texts of a prompt that may be changed: words of the system and of users, and what tools gave back. What the model itself said is never touched, nor
 * anything that is not plain text.
 *
 * What is found for a text depends on what stands before it in the conversation alone, so that a later turn finds the same: a prefix that a
 * provider has cached stays what it was.
 * @param isEditable - whether a block's text stands in one piece in the request.
 * @param maxChars - longer texts are left out, in UTF-16 units; `Infinity` where no other calls wait.
 * @public
 */
export function promptTexts(
  prompt: Prompt,
  isEditable: (message: number, block: number) => boolean,
  maxChars: number = MOST_CHARS,
): readonly PromptText[] {
  const texts: PromptText[] = [];
  let asked: string | undefined;
  for (const [index, { role, blocks }] of prompt.messages.entries()) {
    const last = role === 'user' ? blocks.findLastIndex(({ kind }) => kind === 'text') : -1;
    const ending = blocks[last];
    const own = ending?.kind === 'text' ? ownQuestion(ending.text) : undefined;
    for (const [place, block] of blocks.entries()) {
      const isText = block.kind === 'text' && role !== 'assistant';
      if (!isText && block.kind !== 'tool-result') continue;
      if (block.text.length < LEAST_CHARS || block.text.length > maxChars) continue;
      if (!isEditable(index, place)) continue;
      // The last text of a message asks of those before it; of itself it asks only where `questionOf` can tell its question from its context.
      const question = block.kind === 'tool-result' ? asked : place === last ? undefined : own;
      texts.push({
        message: index,
        block: place,
        role,
        text: block.text,
        question: role === 'system' ? undefined : question,
      });
    }
    asked = own ?? asked;
  }
  return texts;
}

function ownQuestion(text: string): string | undefined {
  if (text.length <= MAX_QUESTION_CHARS) return text;
  return questionOf(text)?.question;
}
