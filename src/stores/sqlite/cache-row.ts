import { type CacheEntry, type CacheKey, entrySizeBytes } from '../../core/model/cache-entry.ts';
import { FarthingError } from '../../core/errors.ts';
import type { SqlRow, SqlValue } from './sqlite-database.ts';

/** What an entry is beside its body, its times and what deletes choose by; kept as JSON. */
type EntryFacts = Omit<CacheEntry, 'body' | 'project' | 'tags' | 'storedAtMs' | 'staleAtMs' | 'deleteAtMs'>;

/** The columns of an entry, in the order of {@link rowOfEntry}. @internal */
export const CACHE_COLUMNS =
  'key, project, used_at_ms, stored_at_ms, stale_at_ms, delete_at_ms, size_bytes, tags, facts, body';

/** A key as it is stored: its 32 bytes. @internal */
export function keyBytes(key: CacheKey): Uint8Array {
  return Buffer.from(key, 'hex');
}

/** The parameters that insert an entry. @internal */
export function rowOfEntry(key: CacheKey, entry: CacheEntry, nowMs: number): readonly SqlValue[] {
  const { body, project, tags, storedAtMs, staleAtMs, deleteAtMs, ...facts } = entry;
  const sizeBytes = entrySizeBytes(entry);
  const tagText = JSON.stringify(tags);
  const factText = JSON.stringify(facts);
  return [keyBytes(key), project, nowMs, storedAtMs, staleAtMs, deleteAtMs, sizeBytes, tagText, factText, body];
}

/**
 * The entry of a row.
 * @throws FarthingError `store-unavailable` when the row was not written by this code.
 * @internal
 */
export function entryOfRow(row: SqlRow): CacheEntry {
  const { body } = row;
  if (!(body instanceof Uint8Array)) throw new FarthingError('store-unavailable', 'a cache row has no body');
  const facts = JSON.parse(String(row['facts'])) as EntryFacts;
  return {
    ...facts,
    // JSON leaves undefined out; the entry has these fields always.
    servedModel: facts.servedModel,
    costNanoUsd: facts.costNanoUsd,
    body,
    project: String(row['project']),
    tags: JSON.parse(String(row['tags'])) as CacheEntry['tags'],
    storedAtMs: Number(row['stored_at_ms']),
    staleAtMs: Number(row['stale_at_ms']),
    deleteAtMs: Number(row['delete_at_ms']),
  };
}
