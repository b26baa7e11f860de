import { setImmediate as nextTurn } from 'node:timers/promises';
import { callIdTime } from '../../core/call-id.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import type { LedgerQuery } from '../../ports/ledger.ts';
import { callsIn } from './ledger-call-text.ts';
import type { SqlRow, SqlValue } from './sqlite-database.ts';

/** Records read in one go: some milliseconds, after which other work of the process gets its turn. */
const PAGE_RECORDS = 1000;

/** The most packs in one page: in a quiet ledger a pack is one record. */
const MAX_PAGE_PACKS = 500;

type ReadRows = (sql: string, ...parameters: readonly SqlValue[]) => readonly SqlRow[];

/** A record and where it stands among those of its moment. */
interface PlacedCall {
  readonly record: CallRecord;
  readonly sequence: number;
  readonly position: number;
}

function byPlace(left: PlacedCall, right: PlacedCall): number {
  return left.record.atMs - right.record.atMs || left.sequence - right.sequence || left.position - right.position;
}

function isWanted(record: CallRecord, query: LedgerQuery): boolean {
  if (query.fromMs !== undefined && record.atMs < query.fromMs) return false;
  if (query.untilMs !== undefined && record.atMs >= query.untilMs) return false;
  if (query.project !== undefined && record.project !== query.project) return false;
  if (query.keyId !== undefined && record.keyId !== query.keyId) return false;
  return query.callId === undefined || record.callId === query.callId;
}

interface PackQuery {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** The packs that can hold what a query asks for. A call's own id tells its moment; others are looked for in the text. */
function packQuery(query: LedgerQuery, isNewest: boolean): PackQuery {
  const { callId } = query;
  const arrivedAtMs = callId === undefined ? undefined : callIdTime(callId);
  const terms: (readonly [sql: string, parameter: SqlValue])[] = [];
  if (query.fromMs !== undefined) terms.push(['last_at_ms >= ?', query.fromMs]);
  if (query.untilMs !== undefined) terms.push(['first_at_ms < ?', query.untilMs]);
  if (arrivedAtMs !== undefined) terms.push(['last_at_ms >= ?', arrivedAtMs], ['first_at_ms <= ?', arrivedAtMs]);
  if (callId !== undefined) terms.push(['instr(records, ?) > 0', JSON.stringify(callId)]);
  const [edge, direction, compare] = isNewest ? ['last_at_ms', 'DESC', '<'] : ['first_at_ms', 'ASC', '>'];
  return {
    sql: `SELECT sequence, ${edge} AS edge_ms, records FROM call_packs WHERE (${edge}, sequence) ${compare} (?, ?)
      ${terms.map(([sql]) => `AND ${sql}`).join(' ')} ORDER BY ${edge} ${direction}, sequence ${direction} LIMIT ?`,
    parameters: terms.map(([, parameter]) => parameter),
  };
}

/**
 * Pages of packs whose nearer edge is further on each time: no later page holds a record before the last edge of this one.
 * A full page is followed by another one with room for other work between them.
 */
async function* packPages(read: ReadRows, query: LedgerQuery, isNewest: boolean): AsyncIterable<readonly SqlRow[]> {
  const { sql, parameters } = packQuery(query, isNewest);
  const end = isNewest ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
  let cursor: readonly SqlValue[] = [end, end];
  let packs = 8;
  for (;;) {
    const page = read(sql, ...cursor, ...parameters, packs);
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < packs) return;
    cursor = [last['edge_ms'] ?? null, last['sequence'] ?? null];
    packs = nextPageSize(page);
    await nextTurn(); // oxlint-disable-line no-await-in-loop -- the point of it: pages with room between them
  }
}

/** Aims at {@link PAGE_RECORDS}, by the size that records usually have. */
function nextPageSize(page: readonly SqlRow[]): number {
  const usualBytes = 400;
  let sizeBytes = 1;
  for (const row of page) sizeBytes += String(row['records']).length;
  const packs = Math.round((PAGE_RECORDS * usualBytes * page.length) / sizeBytes);
  return Math.min(MAX_PAGE_PACKS, Math.max(1, packs));
}

/**
 * Reads call records in the order of their time from packs that overlap, since records are written when calls end. What is read is held until no
 * later pack can come before it, and given in groups. A record that was handed over twice has one time, so that its copies meet there.
 * @internal
 */
export async function* orderedCalls(read: ReadRows, query: LedgerQuery): AsyncIterable<readonly CallRecord[]> {
  const isNewest = query.order === 'newest';
  const place = isNewest ? (left: PlacedCall, right: PlacedCall): number => byPlace(right, left) : byPlace;
  let left = query.limit ?? Number.MAX_SAFE_INTEGER;
  if (left <= 0) return;
  let held: PlacedCall[] = [];
  for await (const page of packPages(read, query, isNewest)) {
    for (const row of page) held.push(...placedCalls(row, query));
    held = onceEach(held).toSorted(place);
    const edgeMs = Number(page.at(-1)?.['edge_ms']);
    const firstUnsure = held.findIndex(({ record }) => (isNewest ? record.atMs <= edgeMs : record.atMs >= edgeMs));
    const sure = firstUnsure === -1 ? held : held.slice(0, firstUnsure);
    yield sure.slice(0, left).map(({ record }) => record);
    left -= sure.length;
    if (left <= 0) return;
    held = held.slice(sure.length);
  }
  yield held.slice(0, left).map(({ record }) => record);
}

function placedCalls(row: SqlRow, query: LedgerQuery): readonly PlacedCall[] {
  const sequence = Number(row['sequence']);
  return callsIn(String(row['records']))
    .map((record, position) => ({ record, sequence, position }))
    .filter(({ record }) => isWanted(record, query));
}

/** The first of those with the same id. Copies have one time, so they are held together. */
function onceEach(held: readonly PlacedCall[]): PlacedCall[] {
  const first = new Map<string, PlacedCall>();
  for (const call of held) {
    const known = first.get(call.record.callId);
    if (known === undefined || byPlace(call, known) < 0) first.set(call.record.callId, call);
  }
  return [...first.values()];
}
