import type { AnswerView } from './answer-view.ts';

/** Longer texts fail unread: a pattern that somebody wrote in haste may take time in the square of the text. Ours. */
const MAX_CHARACTERS = 100_000;

/**
 * `no-match` where the text does not match, `too-long` where it has more than 100,000 characters. The pattern is the operator's own and was read when the configuration was;
 * one that cannot be read matches nothing.
 * @internal
 */
export function patternFault({ text }: AnswerView, pattern: string, flags = 'us'): string | undefined {
  if (text.length > MAX_CHARACTERS) return 'too-long';
  const expression = expressionOf(pattern, flags);
  if (expression === undefined) return 'unreadable-pattern';
  return expression.test(text) ? undefined : 'no-match';
}

function expressionOf(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined; // SyntaxError is how RegExp says that the text is none.
  }
}
