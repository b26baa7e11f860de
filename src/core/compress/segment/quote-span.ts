import type { ScanSource } from './scan-source.ts';

/** What closes what is opened. */
const CLOSERS: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '“': '”',
  '„': '“”',
  '‘': '’',
  '«': '»',
  '「': '」',
  '『': '』',
};
/** A quotation that is longer is taken for a stray mark. */
const MAX_LENGTH = 2000;
const WORD = /[\p{L}\p{N}]/u;
const OPENS_AFTER = /[\s([{<:=,;|/*_~>—–-]/;

/** Offset behind the quotation that begins here; -1 where the mark opens none (an apostrophe, inches). @internal */
export function quoteEnd(source: ScanSource, start: number): number {
  const { text } = source;
  const mark = text.charAt(start);
  const closers = CLOSERS[mark];
  if (closers === undefined) return -1;
  const isPlain = mark === '"' || mark === "'";
  if (isPlain && !opensHere(text, start)) return -1;
  const last = Math.min(text.length, start + MAX_LENGTH);
  for (let at = start + 1; at < last; at += 1) {
    const character = text.charAt(at);
    if (character === '\n' && (mark === "'" || endsParagraph(text, at + 1))) return failed(source, at - start);
    if (closers.includes(character) && (!isPlain || !WORD.test(text.charAt(at + 1)))) return at + 1;
  }
  return failed(source, last - start);
}

function opensHere(text: string, start: number): boolean {
  const next = text.charAt(start + 1);
  return (start === 0 || OPENS_AFTER.test(text.charAt(start - 1))) && next !== '' && next.trim() !== '';
}

/** Whether a blank line begins here, or something that is no running text. @internal */
export function endsParagraph(text: string, at: number): boolean {
  let next = at;
  while (' \t\r'.includes(text.charAt(next)) && next < text.length) next += 1;
  return next >= text.length || '\n`~#|>'.includes(text.charAt(next));
}

function failed(source: ScanSource, length: number): -1 {
  source.spend(length);
  return -1;
}
