import { isBlankFrom, lineEnd, lineText } from './lines.ts';
import type { Found, ScanSource } from './scan-source.ts';

const TIME =
  /^[[(<]?(?:\d{4}[-/.]\d{2}[-/.]\d{2}[T ,_]\d{2}:\d{2}|\d{2}[-/.]\d{2}[-/.]\d{2,4} \d{2}:\d{2}|\d{2}:\d{2}:\d{2}[.,: \])]|[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}|\d{10,13}[.\] ])/;
const LEVEL =
  /^[[(<]?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|debug|info|warn|error)(?![A-Za-z])/;
const BEHIND_LEVEL = /^(?:[\])>]|:[ \w]|[ \t]{1,8}[[\d(]|[ \t]{1,8}[\w.$/]{1,80} ?[:|-])/;
const ACCESS = / \[\d{2}\/[A-Z][a-z]{2}\/\d{4}:/;
const STACK = /^(?:[ \t]|Caused by: |Traceback |[\w.$]{1,120})/;

/** Lines that begin with a time or a level, and the stack traces that belong to them. @internal */
export function logBlock({ text }: ScanSource, at: number): Found | undefined {
  if (!isLogLine(text, at)) return undefined;
  let line = lineEnd(text, at);
  while (line < text.length && !isBlankFrom(text, line)) {
    if (!isLogLine(text, line) && !isStackLine(text, line)) break;
    line = lineEnd(text, line);
  }
  return { kind: 'log', end: line };
}

function isLogLine(text: string, at: number): boolean {
  const content = head(text, at);
  if (TIME.test(content) || ACCESS.test(content)) return true;
  const level = LEVEL.exec(content)?.[0];
  return level !== undefined && BEHIND_LEVEL.test(content.slice(level.length));
}

/** An indented line, or one that names an exception. */
function isStackLine(text: string, at: number): boolean {
  const [start = ''] = STACK.exec(head(text, at)) ?? [];
  return start.endsWith(' ') || start === '\t' || start.endsWith('Error') || start.endsWith('Exception');
}

/** The marks of a log stand in front. */
function head(text: string, at: number): string {
  return lineText(text, at, Math.min(lineEnd(text, at), at + 200));
}
