import type { AnswerView } from './answer-view.ts';
import { APOLOGIES, INABILITIES, REFUSALS, SELF_NAMES } from './refusal-words.ts';

/** A refusal is short; what is longer may say no at first, but goes on to something. Ours. */
const MAX_CHARACTERS = 700;
/** How far behind its opening a refusal says what it refuses. Ours: a sentence or two. */
const REACH_CHARACTERS = 160;
/** What may stand before the first word. */
const DECORATION = /^[\s"'«»“”„*_#>(\-¡¿]{1,20}/;

/**
 * `refused` where the model or a filter says so, `worded-as-refusal` where a short text begins like one, in the languages that are most common with models. A text that is no
 * refusal after all costs one more call, so the words are chosen to be rare at the beginning of anything else.
 * @internal
 */
export function refusalFault({ text, finish, toolCalls }: AnswerView): string | undefined {
  if (finish === 'refusal' || finish === 'content-filter') return 'refused';
  if (toolCalls.length > 0 || text.length > MAX_CHARACTERS) return undefined;
  return isWordedAsRefusal(beginningOf(text)) ? 'worded-as-refusal' : undefined;
}

function beginningOf(text: string): string {
  return text
    .slice(0, 2 * REACH_CHARACTERS)
    .replace(DECORATION, '')
    .normalize('NFKC')
    .replaceAll(/[’‘ʼ`]/g, "'")
    .toLowerCase();
}

function isWordedAsRefusal(beginning: string): boolean {
  if (REFUSALS.some((words) => beginning.startsWith(words))) return true;
  const opening = [...APOLOGIES, ...SELF_NAMES].find((words) => beginning.startsWith(words));
  if (opening === undefined) return false;
  const end = opening.length + REACH_CHARACTERS;
  return INABILITIES.some((words) => beginning.slice(opening.length, end).includes(words));
}
