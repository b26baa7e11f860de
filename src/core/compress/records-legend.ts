/** The line in front of records as CSV: how many rows follow the line of names. @internal */
export function csvLegend(rows: number): string {
  return `JSON records as CSV, ${rows} rows:\n`;
}

/** The line in front of JSON as TOON: how many lines of it follow. @internal */
export function toonLegend(lines: number): string {
  return `JSON as TOON, ${lines} lines:\n`;
}

/** Either legend, as a whole line. @internal */
export const RECORDS_LEGEND: RegExp = /^JSON (?:records as CSV, (\d{1,9}) rows|as TOON, (\d{1,9}) lines):$/;
