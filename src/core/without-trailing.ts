/**
 * A text without the run of these characters at its end. A regular expression for it (`/x+$/`) takes time in the square of a run that is not at the
 * end.
 * @internal
 */
export function withoutTrailing(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
