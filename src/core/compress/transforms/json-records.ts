import type { CompressionTools, TextEdit } from '../compression.ts';
import { csvText } from '../records/csv-text.ts';
import { jsonNode } from '../records/json-node.ts';
import { toonText } from '../records/toon-text.ts';
import type { Segment, SegmentKind } from '../segment.ts';
import { isBlankFrom } from '../segment/lines.ts';
import type { SegmentedText, Transform } from '../transform.ts';
import { jsonContent, minifiedJson } from './json-minify.ts';

const JSON_KINDS: ReadonlySet<SegmentKind> = new Set<SegmentKind>(['json', 'json-fence']);
/** Models read JSON best; another notation must be worth it. */
const MIN_SAVED_RATIO = 0.1;

/** How far the words before records in their line are read. */
const MAX_BEFORE = 200;

/**
 * Uniform JSON records in the cheapest of minified JSON, CSV and TOON by the caller's count, with one line in front that says what it is. Only where the
 * JSON has its lines for itself.
 * @internal
 */
export const jsonRecords: Transform = {
  id: 'json-records',
  version: 1,
  level: 'structural',
  kinds: JSON_KINDS,
  apply: (source, tools) =>
    source.segments.flatMap((segment) => (JSON_KINDS.has(segment.kind) ? editsOf(source, segment, tools) : [])),
};

function editsOf({ text }: SegmentedText, segment: Segment, { count }: CompressionTools): readonly TextEdit[] {
  const content = jsonContent(text, segment);
  const frame = segment.kind === 'json' ? frameOf(text, segment) : fenceFrame(text, segment);
  if (content === undefined || frame === undefined) return [];
  const json = minifiedJson(text.slice(content.start, content.end));
  const node = jsonNode(json);
  if (node === undefined) return [];
  const others = [csvText(node), toonText(node)].filter((each) => each !== undefined);
  if (others.length === 0) return [];
  const limit = count(json) * (1 - MIN_SAVED_RATIO);
  const [cheapest] = others
    .map((each) => ({ each, tokens: count(each) }))
    .filter(({ tokens }) => tokens <= limit)
    .toSorted((one, other) => one.tokens - other.tokens);
  if (cheapest === undefined) return [];
  return [{ start: segment.start, end: segment.end, text: frame.before + cheapest.each + frame.behind }];
}

interface Frame {
  readonly before: string;
  readonly behind: string;
}

/** Line breaks that put records into lines of their own; undefined where words go on behind them, or before them without a colon. */
function frameOf(text: string, { start, end }: Segment): Frame | undefined {
  const isLast = end >= text.length;
  if (!isLast && text.charAt(end) !== '\n') return undefined;
  const window = text.slice(Math.max(0, start - MAX_BEFORE), start);
  const before = window.slice(window.lastIndexOf('\n') + 1);
  if (before.trim() !== '' && !before.trimEnd().endsWith(':')) return undefined;
  return { before: before === '' ? '' : '\n', behind: isLast || isBlankFrom(text, end + 1) ? '' : '\n' };
}

/** The fences go: the legend says where the records end. One within a list item keeps its place. */
function fenceFrame(text: string, { start, end }: Segment): Frame | undefined {
  if (!'`~'.includes(text.charAt(start))) return undefined;
  if (text.charAt(end - 1) !== '\n') return { before: '', behind: '' };
  return { before: '', behind: end >= text.length || isBlankFrom(text, end) ? '\n' : '\n\n' };
}
