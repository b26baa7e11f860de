import { type FileLine, MAX_LINE_BYTES, withoutReturn } from './file-lines.ts';

/** A record of a CSV file with the number of its first line. @internal */
export type CsvRecord =
  | { readonly number: number; readonly cells: readonly string[] }
  | { readonly number: number; readonly problem: string };

const QUOTE = '"';
const OPEN_QUOTE = 'has a quote that is never closed; a quote within a field is written twice and the field in quotes';

/**
 * Puts the lines of a CSV file (RFC 4180) together to records: a field in quotes may hold commas, doubled quotes and line feeds. Empty lines are left out.
 *
 * A record goes on to the next line while its quotes do not pair off, for a quote stands either around a field or twice within one.
 * @internal
 */
export async function* csvRecords(
  lines: AsyncIterable<FileLine>,
  maxRecordChars: number = MAX_LINE_BYTES,
): AsyncGenerator<CsvRecord> {
  let open: { readonly number: number; readonly texts: string[]; length: number } | undefined;
  for await (const line of lines) {
    if ('problem' in line) {
      yield { number: open?.number ?? line.number, problem: line.problem };
      open = undefined;
      continue;
    }
    const { number, text } = line;
    const isPaired = quotesIn(text) % 2 === 0;
    if (open === undefined && isPaired) {
      const record = withoutReturn(text);
      if (record !== '') yield { number, ...csvCells(record) };
      continue;
    }
    open ??= { number, texts: [], length: 0 };
    open.texts.push(text);
    open.length += text.length + 1;
    if (open.length > maxRecordChars) {
      // Nobody can say where the next record begins.
      yield { number: open.number, problem: OPEN_QUOTE };
      return;
    }
    // The first line opened a quote, so that the next odd one closes it.
    if (isPaired || open.texts.length === 1) continue;
    yield { number: open.number, ...csvCells(withoutReturn(open.texts.join('\n'))) };
    open = undefined;
  }
  if (open !== undefined) yield { number: open.number, problem: OPEN_QUOTE };
}

function quotesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf(QUOTE); at !== -1; at = text.indexOf(QUOTE, at + 1)) count += 1;
  return count;
}

/** The fields of one record, whose quotes pair off. */
function csvCells(record: string): { readonly cells: readonly string[] } | { readonly problem: string } {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    const end = record[at] === QUOTE ? closingQuote(record, at + 1) + 1 : fieldEnd(record, at);
    const isQuoted = record[at] === QUOTE;
    const cell = isQuoted ? record.slice(at + 1, end - 1).replaceAll('""', QUOTE) : record.slice(at, end);
    const what = `field ${cells.length + 1}`;
    if (!isQuoted && cell.includes(QUOTE)) return { problem: `${what} has a quote within, but is not in quotes` };
    cells.push(cell);
    if (end === record.length) return { cells };
    if (record[end] !== ',') return { problem: `${what} goes on behind its closing quote` };
    at = end + 1;
  }
}

function fieldEnd(record: string, from: number): number {
  const comma = record.indexOf(',', from);
  return comma === -1 ? record.length : comma;
}

/** The quote that is not doubled; one is there, for quotes pair off. */
function closingQuote(record: string, from: number): number {
  let at = record.indexOf(QUOTE, from);
  while (record[at + 1] === QUOTE) at = record.indexOf(QUOTE, at + 2);
  return at;
}
