/** What a cell may hold; undefined is an empty cell. @internal */
export type CsvCell = string | number | undefined;

/** Characters with which a spreadsheet takes a text for a formula (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?\d+(?:\.\d+)?$/;
const SPECIAL = /[",\r\n]/;

function cellText(cell: CsvCell): string {
  if (typeof cell !== 'string') return cell === undefined ? '' : String(cell);
  const inert = FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
  return SPECIAL.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

/**
 * Writes one line of CSV (RFC 4180) without its end. Text that a spreadsheet would run as a formula gets a quote before it;
 * numbers stay numbers.
 * @internal
 */
export function csvLine(cells: readonly CsvCell[]): string {
  return cells.map(cellText).join(',');
}
