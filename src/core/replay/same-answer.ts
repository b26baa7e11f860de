import { normalisedAnswer } from '../verify/normalised-answer.ts';

/**
 * Whether two recorded answers say the same, as the check `agree` of a cascade has it: numbers by value, JSON and literals by value, a final answer without what stands around it.
 * @public
 */
export function sameAnswer(left: string, right: string): boolean {
  const said = comparable(left);
  return said !== undefined && said === comparable(right);
}

function comparable(text: string): string | undefined {
  return normalisedAnswer({ text, toolCalls: [], finish: 'complete' }, 'auto');
}
