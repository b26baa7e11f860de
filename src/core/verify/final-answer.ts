import { canonicalText } from './literal-value.ts';
import { answerPart } from './answer-part.ts';
import { readLiteral } from './read-literal.ts';
import { unfenced } from './unfenced.ts';

/** The part of a text that answers. @internal */
export interface FinalAnswer {
  /** Without marks of emphasis and mathematics, and without a full stop. */
  readonly answer: string;
  /** Whether the text itself says that this is the answer. */
  readonly isMarked: boolean;
}

/** Words that a final answer comes behind, in lower case; `is` and a colon may follow. */
const MARKERS = ['####', 'final answer', 'answer is', 'answer:', 'answer**:', 'result is'];
/** Before this much of the end a marker is one of prose. Ours: an answer is short. */
const TAIL_CHARACTERS = 600;
/** What stands between a marker and the answer: the end of an emphasis, a colon, `is`. */
const BEHIND_MARKER = /^(?:(?:\*\*|__)(?=[\s:]))?(?:is\b|[\s:=]){0,20}(?:(?:\*\*|__)(?=\s))?/;
const BOX = String.raw`\boxed{`;

/**
 * Finds the final answer of a text: what stands in `\boxed{}`, behind "####" or "the answer is" in its last line, or in the answer field of a JSON object with words
 * around it. Else the whole text is it.
 * @internal
 */
export function finalAnswer(text: string): FinalAnswer {
  const whole = unfenced(text);
  const marked = boxed(whole) ?? markedLine(whole) ?? objectAnswer(whole);
  return marked === undefined
    ? { answer: undecorated(whole), isMarked: false }
    : { answer: undecorated(marked), isMarked: true };
}

function boxed(text: string): string | undefined {
  const start = text.lastIndexOf(BOX);
  if (start === -1 || start < text.length - TAIL_CHARACTERS) return undefined;
  const from = start + BOX.length;
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}') depth -= 1;
    if (depth === 0) return withoutTextCommand(text.slice(from, at));
  }
  return undefined;
}

function withoutTextCommand(mathematics: string): string {
  return /^\\text(?:bf)?\{([^{}]*)\}$/.exec(mathematics)?.[1] ?? mathematics;
}

/** The last line, or what follows a marker that ends the line before it. */
function markedLine(text: string): string | undefined {
  const tail = text.slice(-TAIL_CHARACTERS);
  const lower = tail.toLowerCase();
  // Some letters change their length with their case: then nothing can be cut by position.
  if (lower.length !== tail.length) return undefined;
  const ends = MARKERS.map((marker) => ({ at: lower.lastIndexOf(marker), size: marker.length }));
  const end = Math.max(...ends.filter(({ at }) => at !== -1).map(({ at, size }) => at + size), -1);
  if (end === -1) return undefined;
  const behind = tail.slice(end).replace(BEHIND_MARKER, '');
  const lines = behind.trim().split('\n');
  return lines.length === 1 && lines[0] !== '' ? lines[0] : undefined;
}

function objectAnswer(text: string): string | undefined {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start === -1 || end <= start) return undefined;
  const value = readLiteral(text.slice(start, end + 1));
  if (value === undefined) return undefined;
  const part = answerPart(value);
  return part === value ? undefined : canonicalText(part);
}

/** Without the signs of Markdown and mathematics around it. */
function undecorated(text: string): string {
  let bare = text.trim();
  for (const sign of ['**', '__', '`', '$', '*']) {
    const inside = bare.slice(sign.length, -sign.length);
    const isAround = inside !== '' && bare.startsWith(sign) && bare.endsWith(sign) && !inside.includes(sign);
    if (isAround) bare = inside.trim();
  }
  // One full stop ends a sentence; several are somebody's text.
  return /[^.]\.$/.test(bare) ? bare.slice(0, -1) : bare;
}
