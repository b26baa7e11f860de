import { lineEnd, lineText } from './lines.ts';
import type { Found, ScanSource } from './scan-source.ts';

const FULL_LINE = /^[A-Za-z0-9+/]{60,}={0,2}$/;
const LAST_LINE = /^[A-Za-z0-9+/]{2,}={0,2}$/;
const PEM_MARK = /^-----BEGIN [A-Z0-9 ]{1,60}-----$/;

/** Base64 over lines, as in mails and keys (PEM with its marks). @internal */
export function base64Block(source: ScanSource, at: number): Found | undefined {
  const { text } = source;
  const first = lineEnd(text, at);
  const content = lineText(text, at, first);
  if (content.startsWith('-----BEGIN ')) return PEM_MARK.test(content.trimEnd()) ? pem(source, at) : undefined;
  if (!FULL_LINE.test(content)) return undefined;
  let line = first;
  while (line < text.length) {
    const end = lineEnd(text, line);
    const next = lineText(text, line, end);
    if (!FULL_LINE.test(next)) return { kind: 'base64', end: LAST_LINE.test(next) ? end : line };
    line = end;
  }
  return { kind: 'base64', end: line };
}

function pem(source: ScanSource, at: number): Found | undefined {
  const end = source.text.indexOf('\n-----END ', at);
  source.spend((end === -1 ? source.text.length : end) - at);
  return end === -1 ? undefined : { kind: 'base64', end: lineEnd(source.text, end + 1) };
}
