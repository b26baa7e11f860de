/** How a column is set. @public */
export type ColumnAlign = 'left' | 'right';

/** Options of {@link plainTable}. @public */
export interface PlainTableOptions {
  /** By column. @defaultValue 'left' for each */
  readonly align?: readonly ColumnAlign[];
}

const GAP = '  ';
// Wide characters take two columns in a terminal; combining marks take none.
const WIDE = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Extended_Pictographic}/u;
const MARK = /\p{Mark}|\u200d|\ufe0f/u;
// A cell must not move the cursor or break the row, whatever a model or a tag is called.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (!MARK.test(character)) width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

function padded(text: string, width: number, align: ColumnAlign): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? space + text : text + space;
}

/**
 * Sets rows as plain text: a line of headers, a rule, a line a row, two spaces between columns, no trailing spaces.
 * Control characters in cells are shown as `?`.
 * @public
 */
export function plainTable(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  options: PlainTableOptions = {},
): string {
  const lines = [headers, ...rows].map((cells) =>
    headers.map((_, column) => (cells[column] ?? '').replace(CONTROL, '?')),
  );
  const widths = headers.map((_, column) => Math.max(0, ...lines.map((cells) => widthOf(cells[column] ?? ''))));
  const set = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => padded(cell, widths[column] ?? 0, options.align?.[column] ?? 'left'))
      .join(GAP)
      .trimEnd();
  const [head, ...body] = lines;
  return [set(head ?? []), widths.map((width) => '-'.repeat(width)).join(GAP), ...body.map(set)].join('\n');
}
