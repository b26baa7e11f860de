/** Most UTF-16 units of a text that are read, half of them at either end: bounds the time of a score. What a prompt asks mostly stands at one end. Ours. */
const MAX_UNITS = 6000;

/** The beginning and the end of a text: all of it where it is short. @internal */
export function boundedText(text: string): string {
  if (text.length <= MAX_UNITS) return text;
  const half = MAX_UNITS / 2;
  return `${text.slice(0, half)}\n${text.slice(text.length - half)}`;
}
