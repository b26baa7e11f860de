import { endsParagraph } from './quote-span.ts';
import type { ScanSource } from './scan-source.ts';

const BACKTICK = 96;
/** Code between backticks that is longer is taken for stray ones. */
const MAX_LENGTH = 4000;

/** Offset behind the inline code whose backticks begin here; -1 where as many do not close it within the paragraph. @internal */
export function inlineCodeEnd(source: ScanSource, start: number): number {
  const { text } = source;
  const opening = runEnd(text, start) - start;
  const last = Math.min(text.length, start + MAX_LENGTH);
  for (let at = start + opening; at < last; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 10 && endsParagraph(text, at + 1)) break;
    if (code !== BACKTICK) continue;
    const end = runEnd(text, at);
    if (end - at === opening) return end;
    at = end - 1;
  }
  source.spend(last - start);
  return -1;
}

/** Offset behind the backticks that begin here. @internal */
export function runEnd(text: string, at: number): number {
  let end = at;
  while (text.charCodeAt(end) === BACKTICK) end += 1;
  return end;
}
