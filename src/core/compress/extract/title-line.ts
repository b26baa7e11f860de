import { isInstruction } from './instructions.ts';

/** Longer lines are not titles. */
const MAX_TITLE_CHARACTERS = 100;
/** The line under a title is that much longer, so that the first line of a wrapped paragraph or of a verse is none. */
const TEXT_TO_TITLE_RATIO = 1.3;
const ENDS_SENTENCE = /[.!?。！？:：;；,，、…]["'”’)\]]*\s*$/;
const INLINE_TITLE = /^[^\n.!?。！？:：;；]{2,80}:(?= [\p{Lu}\p{Lo}\p{N}"“])/u;
const BEGINS_ITEM = /^\s*(?:[-*+•>|<{[#`]|\d{1,3}[.)]\s)/;

/** The end of the paragraph's first line if that is a title: short, without a full stop, over a longer line. */
export function isTitleLine(text: string, start: number, end: number): number | undefined {
  const head = text.slice(start, Math.min(end, start + MAX_TITLE_CHARACTERS + 1));
  const length = head.indexOf('\n');
  if (length <= 0 || !mayBeTitle(head.slice(0, length))) return undefined;
  const below = lineLength(text, start + length + 1, end, length);
  return below > TEXT_TO_TITLE_RATIO * length ? start + length : undefined;
}

/** The end of the paragraph's beginning if that is a title before a colon: "Lyon: It lies on the Rhône.". */
export function inlineTitleEnd(text: string, start: number, end: number): number | undefined {
  const head = text.slice(start, Math.min(end, start + MAX_TITLE_CHARACTERS));
  const length = INLINE_TITLE.exec(head)?.[0].length;
  return length === undefined || !mayBeTitle(head.slice(0, length - 1)) || isInstruction(head)
    ? undefined
    : start + length;
}

/** Whether the paragraph is nothing but a title over the paragraph that follows. */
export function standsOverText(text: string, start: number, end: number): boolean {
  if (end - start > MAX_TITLE_CHARACTERS + 2) return false;
  const line = text.slice(start, end).trimEnd();
  if (line.includes('\n') || !mayBeTitle(line)) return false;
  const rest = text.slice(end, end + 3 * MAX_TITLE_CHARACTERS).trimStart();
  if (BEGINS_ITEM.test(rest)) return false;
  const lineBreak = rest.indexOf('\n');
  return (lineBreak < 0 ? rest.length : lineBreak) > TEXT_TO_TITLE_RATIO * line.length;
}

function mayBeTitle(line: string): boolean {
  if (!/[\p{L}\p{N}]/u.test(line) || ENDS_SENTENCE.test(line) || BEGINS_ITEM.test(line)) return false;
  const first = line.trimStart()[0] ?? '';
  return first.toUpperCase() === first;
}

function lineLength(text: string, start: number, end: number, atMost: number): number {
  const line = text.slice(start, Math.min(end, start + 2 * atMost + 2));
  const lineBreak = line.indexOf('\n');
  return lineBreak < 0 ? line.length : lineBreak;
}
