import { lineEnd, lineText } from './lines.ts';
import type { Found, ScanSource } from './scan-source.ts';

/** Front matter is short; a rule at the top of a long text is none. */
const MAX_LINES = 200;
const DATA_LINE = /^(?:[\w"'.-][\w"' .-]{0,100}[:=]|[ \t]*-(?:[ \t]|$)|[ \t]+\S|[ \t]*#|\[|[ \t]*$)/;

/** YAML (`---`) or TOML (`+++`) between its marks, at the very beginning of a text. @internal */
export function frontMatterBlock({ text }: ScanSource, at: number): Found | undefined {
  if (at !== 0) return undefined;
  let line = lineEnd(text, 0);
  const mark = lineText(text, 0, line).trimEnd();
  if (mark !== '---' && mark !== '+++') return undefined;
  for (let count = 0; count < MAX_LINES && line < text.length; count += 1) {
    const end = lineEnd(text, line);
    const content = lineText(text, line, end);
    if (content.trimEnd() === mark) return count === 0 ? undefined : { kind: 'front-matter', end };
    if (!DATA_LINE.test(content)) return undefined;
    line = end;
  }
  return undefined;
}
