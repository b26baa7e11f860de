import type { AnswerForm } from './answer-check.ts';
import type { AnswerTerms, AnswerView } from './answer-view.ts';
import { normalisedAnswer } from './normalised-answer.ts';

/**
 * Whether two answers say the same, in the form in which they are compared. Where nothing of that form can be found in one of them they do not. Symmetric.
 * @param terms - what the request asks for: where it wants JSON, `auto` compares values and never words.
 * @internal
 */
export function agrees(left: AnswerView, right: AnswerView, form: AnswerForm, terms: AnswerTerms): boolean {
  if (terms.wantsJson && form === 'auto' && (!holdsValue(left) || !holdsValue(right))) return false;
  const normal = normalisedAnswer(left, form);
  return normal !== undefined && normal === normalisedAnswer(right, form);
}

/** Whether there is a tool call, or a text that is JSON as far as can be compared. */
function holdsValue(answer: AnswerView): boolean {
  return normalisedAnswer(answer, 'json') !== undefined;
}
