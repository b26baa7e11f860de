import type { AnsweredToolCall } from './answer-view.ts';
import { canonicalText } from './literal-value.ts';
import { readLiteral } from './read-literal.ts';

/** Tool calls as a text that is the same for the same tools with the same arguments, in whatever order. Undefined where they are too long. @internal */
export function normalisedCalls(calls: readonly AnsweredToolCall[], maxCharacters: number): string | undefined {
  let characters = 0;
  for (const { argumentsText } of calls) characters += argumentsText.length;
  if (characters > maxCharacters) return undefined;
  return `calls:${JSON.stringify(calls.map(normalisedCall).toSorted())}`;
}

/** Arguments that are no JSON are compared as they are written. A tool without parameters gets `{}` or nothing. */
function normalisedCall({ name, argumentsText }: AnsweredToolCall): string {
  const written = argumentsText.trim() === '' ? '{}' : argumentsText;
  const value = readLiteral(written);
  return `${JSON.stringify(name)}:${value === undefined ? JSON.stringify(written.trim()) : canonicalText(value)}`;
}
