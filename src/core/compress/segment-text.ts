import type { Segment, SegmentKind } from './segment.ts';
import { base64Block } from './segment/base64-block.ts';
import { codeBlock } from './segment/code-block.ts';
import { codeJoined } from './segment/code-joined.ts';
import { diffBlock } from './segment/diff-block.ts';
import { fenceBlock } from './segment/fence-block.ts';
import { frontMatterBlock } from './segment/front-matter-block.ts';
import { htmlBlock } from './segment/html-block.ts';
import { inlineLine } from './segment/inline-line.ts';
import { isBlankFrom, lineEnd } from './segment/lines.ts';
import { logBlock } from './segment/log-block.ts';
import { recordsBlock } from './segment/records-block.ts';
import { type Found, ScanSource } from './segment/scan-source.ts';
import { SegmentWriter } from './segment/segment-writer.ts';
import { tableBlock } from './segment/table-block.ts';

/** In the order in which they are asked, each at the beginning of a line. */
const BLOCKS: readonly ((source: ScanSource, at: number) => Found | undefined)[] = [
  frontMatterBlock,
  fenceBlock,
  recordsBlock,
  diffBlock,
  base64Block,
  tableBlock,
  htmlBlock,
  logBlock,
];

const HEADING = /[ ]{0,3}#{1,6}(?:[ \t]|\r?\n|$)/y;
const LIST_ITEM = /[ \t]*(?:[-*+•]|\d{1,9}[.)])[ \t]/y;
const BLOCK_QUOTE = /[ ]{0,3}>/y;
const INDENT = /[ \t]/y;

/**
 * Says what each stretch of a text is. Never throws, whatever the text; takes time that is linear in its length. The segments cover the text: each
 * begins where the one before ended, the first at 0, the last ends with the text; none is empty.
 *
 * Code, JSON and tables are segments as a whole. In prose, lists and headings, what must not be touched (inline code, URLs, quotations, template
 * markers, Base64, tags) is a segment of its own.
 * @public
 */
export function segmentText(text: string): readonly Segment[] {
  const source = new ScanSource(text);
  const writer = new SegmentWriter();
  let context: LineContext = { isAfterBlank: true, isInList: false };
  let at = 0;
  while (at < text.length) {
    if (source.isSpent) {
      writer.write('unknown', text.length);
      break;
    }
    ({ at, context } = nextLine(source, writer, at, context));
  }
  return codeJoined(writer.segments, text.length);
}

interface LineContext {
  readonly isAfterBlank: boolean;
  readonly isInList: boolean;
}

function nextLine(
  source: ScanSource,
  writer: SegmentWriter,
  at: number,
  context: LineContext,
): { readonly at: number; readonly context: LineContext } {
  const { text } = source;
  if (isBlankFrom(text, at)) {
    const end = lineEnd(text, at);
    writer.write('blank', end);
    return { at: end, context: { isAfterBlank: true, isInList: context.isInList } };
  }
  const found = blockAt(source, at, context);
  if (found !== undefined) {
    writer.write(found.kind, found.end);
    const isLineStart = text.charCodeAt(found.end - 1) === 10 || found.end >= text.length;
    return {
      at: isLineStart ? found.end : inlineLine(source, writer, found.end, 'prose'),
      context: { isAfterBlank: false, isInList: context.isInList && matches(INDENT, text, at) },
    };
  }
  const base = baseKind(text, at, context);
  const isInList = base === 'list';
  if (base === 'quote') {
    const end = lineEnd(text, at);
    writer.write('quote', end);
    return { at: end, context: { isAfterBlank: false, isInList } };
  }
  return { at: inlineLine(source, writer, at, base), context: { isAfterBlank: false, isInList } };
}

function blockAt(source: ScanSource, at: number, context: LineContext): Found | undefined {
  for (const block of BLOCKS) {
    const found = block(source, at);
    if (found !== undefined) return found;
  }
  return matches(LIST_ITEM, source.text, at) || matches(HEADING, source.text, at)
    ? undefined
    : codeBlock(source, at, context);
}

/** What the words of a line are; an indented line belongs to the list item above it. */
function baseKind(text: string, at: number, context: LineContext): SegmentKind {
  if (matches(HEADING, text, at)) return 'heading';
  if (matches(LIST_ITEM, text, at)) return 'list';
  if (matches(BLOCK_QUOTE, text, at)) return 'quote';
  return context.isInList && matches(INDENT, text, at) ? 'list' : 'prose';
}

function matches(expression: RegExp, text: string, at: number): boolean {
  expression.lastIndex = at;
  return expression.test(text);
}
