const FENCE = '```';

/** The inside of a text that is one fenced block of Markdown and nothing else; the text itself, without the space around it, where it is not. @internal */
export function unfenced(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith(FENCE) || !trimmed.endsWith(FENCE)) return trimmed;
  const lineEnd = trimmed.indexOf('\n');
  if (lineEnd === -1 || lineEnd > trimmed.length - FENCE.length) return trimmed;
  const inside = trimmed.slice(lineEnd + 1, -FENCE.length);
  return inside.includes(FENCE) ? trimmed : inside.trim();
}
