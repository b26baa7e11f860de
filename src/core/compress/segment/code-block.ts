import { isBlankFrom, lineEnd, lineText } from './lines.ts';
import type { Found, ScanSource } from './scan-source.ts';

/** A paragraph is judged by its first lines, and a line by its first characters. */
const MAX_JUDGED_LINES = 80;
const MAX_JUDGED_CHARACTERS = 300;
/** At least this part of a paragraph's lines must be code, comments aside. */
const MIN_CODE_RATIO = 0.6;

/** The expressions below are for a line without its indent. */
const COMMENT = /^(?:\/\/|\/\*|\*|#|--|"""|''')/;
const ONLY_BRACKETS = /^[[\](){},;]*$/;
const DATA_LINE = /^"[^"]{0,200}"[ \t]{0,4}(?::|,?$)/;
const KEYWORD =
  /^(?:import|from|export|def|class|function|const|let|var|return|if|for|while|elif|else|try|except|catch|switch|case|public|private|protected|static|async|await|func|fn|package|using|namespace|struct|enum|interface|type|impl|use|mod|pub|raise|throw|with|yield|match|select|insert|update|create)\b/i;
const STATEMENT_MARK = /[=;{]|\w\(/;
const IMPORT = /^(?:import [\w.{*"']|from [\w.]{1,200} import |#include |#define |#!|using [\w.]{1,100};|@\w)/;
/** Nothing but code begins or ends so; one such line makes a paragraph. */
const UNMISTAKABLE =
  /^(?:import [\w.]{1,100}(?: as \w{1,60})?;?$|from [\w.]{1,100} import |#include [<"]|(?:async )?def \w{1,100}\(|(?:export )?(?:async )?function \w{1,100}\(|class \w{1,100}[:({ ][^.]{0,200}[:{]$)/;
const NEUTRAL = /^(?:return|break|continue|pass|else|try|finally)\b/;
const ENDING = /[;{}]$|[)\]}][;,]$|\):$/;
const ASSIGNMENT = /^[\w$][\w.$[\]'"]{0,100}(?:: [\w[\], |]{1,80})? (?:=|\+=|-=|:=|=>) ?\S/;
const OPERATOR = / (?:===?|!==?|&&|\|\||=>|->) |::|\w\(\)|\w\([\w.]{0,80}\)[;,.]/;
const CALL = /^(?:await |self\.|this\.)?[\w$.]{1,80}\(/;
const CALL_ENDING = /[(){;,]$/;
const SHELL = /^(?:\$ |>>> |\.\.\. )\S/;

/** Code that stands outside a fence: a paragraph that is unmistakable, or one that is indented by four. @internal */
export function codeBlock(
  source: ScanSource,
  at: number,
  context: { readonly isAfterBlank: boolean; readonly isInList: boolean },
): Found | undefined {
  const { text } = source;
  if (at < source.notCodeUntil) return undefined;
  if (isIndented(text, at)) {
    return context.isAfterBlank && !context.isInList ? { kind: 'code', end: indentedEnd(text, at) } : undefined;
  }
  // The reader of JSON has the first word on these.
  if ('{['.includes(text.charAt(at))) return undefined;
  const { isCode, end } = judgedParagraph(text, at);
  if (isCode) return { kind: 'code', end };
  source.notCodeUntil = end;
  return undefined;
}

function judgedParagraph(text: string, at: number): { readonly isCode: boolean; readonly end: number } {
  let [codeLines, otherLines, judged] = [0, 0, 0];
  let line = at;
  while (line < text.length && !isBlankFrom(text, line) && !text.startsWith('```', line)) {
    const end = lineEnd(text, line);
    judged += 1;
    if (judged <= MAX_JUDGED_LINES) {
      const weight = weightOf(lineText(text, line, Math.min(end, line + MAX_JUDGED_CHARACTERS)).trim());
      if (weight > 0) codeLines += weight;
      else otherLines -= weight;
    }
    line = end;
  }
  return { isCode: codeLines >= 2 && codeLines >= MIN_CODE_RATIO * (codeLines + otherLines), end: line };
}

/** 1: code, 2: nothing else, -1: no code, 0: could be either. */
function weightOf(line: string): -1 | 0 | 1 | 2 {
  if (UNMISTAKABLE.test(line)) return 2;
  if (COMMENT.test(line) || ONLY_BRACKETS.test(line)) return IMPORT.test(line) ? 1 : 0;
  if (DATA_LINE.test(line)) return -1;
  const isCode =
    IMPORT.test(line) ||
    SHELL.test(line) ||
    ENDING.test(line) ||
    ASSIGNMENT.test(line) ||
    OPERATOR.test(line) ||
    (CALL.test(line) && CALL_ENDING.test(line)) ||
    (KEYWORD.test(line) && STATEMENT_MARK.test(line));
  if (isCode) return 1;
  return NEUTRAL.test(line) ? 0 : -1;
}

function indentedEnd(text: string, at: number): number {
  let line = at;
  while (line < text.length && isIndented(text, line)) line = lineEnd(text, line);
  return line;
}

function isIndented(text: string, at: number): boolean {
  return text.startsWith('    ', at) || text.charAt(at) === '\t';
}
