import type { OutcomeRow } from './outcome-row.ts';
import { type DropReason, readOutcomeRow, type RowReading } from './read-outcome-row.ts';

/** A line that cannot be used. @public */
export interface LineFault {
  /** Counted from 1. */
  readonly line: number;
  /** What is wrong; never holds what stands in the line. */
  readonly reason: string;
}

/** What was read from a file of outcomes. @public */
export interface OutcomeTable {
  readonly rows: readonly OutcomeRow[];
  readonly faults: readonly LineFault[];
  /** Rows that were left out though nothing is wrong with them, by reason. */
  readonly dropped: ReadonlyMap<DropReason, number>;
}

/**
 * Reads a table of outcomes, one JSON object a line. Blank lines are passed over; a line that cannot be used is named, and the rest is read.
 * @public
 */
export function outcomeTable(lines: Iterable<string>): OutcomeTable {
  const rows: OutcomeRow[] = [];
  const faults: LineFault[] = [];
  const dropped = new Map<DropReason, number>();
  let line = 0;
  for (const text of lines) {
    line += 1;
    if (text.trim() === '') continue;
    const reading = readLine(text);
    if (reading.kind === 'row') rows.push(reading.row);
    else if (reading.kind === 'fault') faults.push({ line, reason: reading.reason });
    else dropped.set(reading.reason, (dropped.get(reading.reason) ?? 0) + 1);
  }
  return { rows, faults, dropped };
}

function readLine(text: string): RowReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'fault', reason: 'is not JSON' };
  }
  return readOutcomeRow(value);
}
