/**
 * Most UTF-16 units of a text that are read. What a prompt asks stands at its beginning or at its end; measured, more of the middle teaches nothing and
 * costs time. Ours.
 */
const MAX_UNITS = 6000;

/** The beginning and the end of a text: all of it where it is short. @internal */
export function boundedText(text: string): string {
  if (text.length <= MAX_UNITS) return text;
  const half = MAX_UNITS / 2;
  return `${text.slice(0, half)}\n${text.slice(text.length - half)}`;
}
