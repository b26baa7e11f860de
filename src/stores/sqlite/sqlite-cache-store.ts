import { type CacheEntry, type CacheKey, entrySizeBytes } from '../../core/model/cache-entry.ts';
import type {
  CacheSelector,
  CacheStoreStats,
  MeasuredCacheStore,
  SnapshotCacheStore,
} from '../../ports/cache-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { CACHE_COLUMNS, entryOfRow, keyBytes, rowOfEntry } from './cache-row.ts';
import {
  openDatabase,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteStatement,
  storeFault,
} from './sqlite-database.ts';
import type { SqliteThread } from './sqlite-thread.ts';
import { SqliteWriter, type WriteOperation } from './sqlite-writer.ts';
import { WriteGroups } from './write-groups.ts';

/** Options of {@link SqliteCacheStore}. @public */
export interface SqliteCacheStoreOptions {
  /** The database file; made when it does not exist. Several processes may share it. */
  readonly path: string;
  readonly clock: Clock;
  /** What all entries may weigh together (`entrySizeBytes`), in bytes. Passed for a moment by what one commit writes. @defaultValue 1_000_000_000 (1 GB) */
  readonly maxBytes?: number;
  /**
   * For how long an answer waits for others to share its commit with, in milliseconds. Only a process that dies loses what waits: reads of the tier
   * above do not. Deletes never wait.
   * @defaultValue 0
   */
  readonly writePatienceMs?: number;
  /**
   * How much of the file is mapped into memory, in bytes: reads are cheaper, and what was read counts as memory of this process. 0: nothing.
   * @defaultValue 268_435_456
   */
  readonly mappedBytes?: number | undefined;
  /**
   * Overwrites what is deleted or replaced, which would else stay readable in the file until its place is needed; such writes take longer. What was
   * deleted before stays.
   * @defaultValue false
   */
  readonly eraseDeleted?: boolean;
  /** @defaultValue better-sqlite3 where it is installed, else Node's own */
  readonly driver?: SqliteDriver;
  /** The thread that writes, which several files may share. @defaultValue one of its own @internal */
  readonly thread?: SqliteThread | undefined;
}

/** What disk a cache may take by default, in bytes: 1 GB. @public */
export const SQLITE_CACHE_MAX_BYTES = 1_000_000_000;

/** A read moves `used_at_ms` only when it is older than this, so that most reads write nothing, in milliseconds. */
const TOUCH_AFTER_MS = 60_000;

/** Touches that wait for a write to go with; so many are written on their own. */
const MAX_WAITING_TOUCHES = 64;

/** Rows that one eviction looks at: bounds the time that a commit takes. */
const EVICTION_STEP = 256;

/** The least time between two groups of writes, in milliseconds: nobody waits for them, and answers that share a commit cost a third of one each. */
const SPACING_MS = 10;

/** For how long reads share one view of the file, in milliseconds. Opening a view costs five times what a lookup does. */
const VIEW_MS = 20;

/** How old the known size of the store may be while it is far from its limit, in milliseconds: other processes write as well. */
const SIZE_AGE_MS = 1000;

/** How often a store that is written to drops what is past its time, in milliseconds. */
const EXPIRY_INTERVAL_MS = 30_000;

/**
 * Rowid and a unique index on the key: 2-4 times cheaper at 4 KB than WITHOUT ROWID. The body comes last, so that the other columns are read without its
 * overflow pages. Bodies are not compressed: zstd would triple the cost of a read (4 KB: 12 to 38 microseconds, measured on Node 24). The totals are kept by triggers, in the same commit, whichever process writes.
 */
const MIGRATIONS = [
  `CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    project TEXT NOT NULL,
    used_at_ms INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    stale_at_ms INTEGER NOT NULL,
    delete_at_ms INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    tags TEXT NOT NULL,
    facts TEXT NOT NULL,
    body BLOB NOT NULL
  );
  CREATE INDEX entry_by_project ON entry (project);
  CREATE INDEX entry_by_use ON entry (used_at_ms, size_bytes);
  CREATE INDEX entry_by_end ON entry (delete_at_ms);
  CREATE TABLE total (id INTEGER PRIMARY KEY CHECK (id = 1), entries INTEGER NOT NULL, size_bytes INTEGER NOT NULL);
  INSERT INTO total VALUES (1, 0, 0);
  CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
    UPDATE total SET entries = entries + 1, size_bytes = size_bytes + new.size_bytes;
  END;
  CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
    UPDATE total SET entries = entries - 1, size_bytes = size_bytes - old.size_bytes;
  END;
  CREATE TRIGGER entry_replaced AFTER UPDATE OF size_bytes ON entry BEGIN
    UPDATE total SET size_bytes = size_bytes + new.size_bytes - old.size_bytes;
  END;`,
];

const HAS_TAG = 'EXISTS (SELECT 1 FROM json_each(tags) AS tag WHERE tag.key = ? AND tag.value = ?)';

const STATEMENTS = {
  write: `INSERT INTO entry (${CACHE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET project = excluded.project, used_at_ms = excluded.used_at_ms,
      stored_at_ms = excluded.stored_at_ms, stale_at_ms = excluded.stale_at_ms, delete_at_ms = excluded.delete_at_ms,
      size_bytes = excluded.size_bytes, tags = excluded.tags, facts = excluded.facts, body = excluded.body`,
  remove: 'DELETE FROM entry WHERE key = ?',
  removeAll: 'DELETE FROM entry',
  removeProject: 'DELETE FROM entry WHERE project = ?',
  removeTag: `DELETE FROM entry WHERE ${HAS_TAG}`,
  removeProjectTag: `DELETE FROM entry WHERE project = ? AND ${HAS_TAG}`,
  touch: 'UPDATE entry SET used_at_ms = max(used_at_ms, ?) WHERE key = ?',
  expire: `DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE delete_at_ms <= ? LIMIT ${EVICTION_STEP})`,
  // The least recently used rows whose weight, summed from the oldest on, is still needed to come down to the limit.
  evict: `DELETE FROM entry WHERE id IN (
    SELECT id FROM (
      SELECT id, SUM(size_bytes) OVER (ORDER BY used_at_ms, id) - size_bytes AS freed
      FROM (SELECT id, used_at_ms, size_bytes FROM entry ORDER BY used_at_ms, id LIMIT ${EVICTION_STEP})
    ) WHERE freed < (SELECT size_bytes FROM total) - ?)`,
} as const;

type StatementName = keyof typeof STATEMENTS;

/** WAL with NORMAL: an answer written last may be lost with the power, never the file. */
const PRAGMAS = { synchronous: 'NORMAL' } as const;

const MAPPED_BYTES = 268_435_456;

/**
 * Answers in a SQLite file, bounded by bytes, evicted by oldest use. Reads run on the calling thread (some microseconds, another process's commit never
 * blocks them); writes and deletes run in a thread of their own and resolve after their commit. Deletes are seen by every process at its next read.
 * @example
 * ```ts
 * const store = await SqliteCacheStore.open({ path: 'farthing-data/cache.db', clock });
 * ```
 * @public
 */
export class SqliteCacheStore implements MeasuredCacheStore, SnapshotCacheStore {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #writePatienceMs: number;
  readonly #writer: SqliteWriter<StatementName>;
  readonly #reader: SqliteDatabase;
  readonly #find: SqliteStatement;
  readonly #total: SqliteStatement;
  readonly #groups: WriteGroups<StatementName>;
  readonly #touches = new Map<CacheKey, number>();
  #viewTimer: NodeJS.Timeout | undefined;
  /** The store's size when it was last looked at, and what this process has written since. */
  #size: { readonly readAtMs: number; bytes: number } | undefined;
  #nextExpiryMs: number;
  #closed = false;

  /**
   * Opens the file and brings its schema up to date.
   * @throws FarthingError `store-unavailable` when that fails.
   */
  static async open(options: SqliteCacheStoreOptions): Promise<SqliteCacheStore> {
    const driver = options.driver === undefined ? {} : { driver: options.driver };
    const mapping = { mmap_size: options.mappedBytes ?? MAPPED_BYTES };
    const pragmas = { ...PRAGMAS, ...mapping };
    const writer = new SqliteWriter({
      path: options.path,
      statements: STATEMENTS,
      pragmas: options.eraseDeleted === true ? { ...pragmas, secure_delete: 'ON' } : pragmas,
      migrations: MIGRATIONS,
      thread: options.thread,
      ...driver,
    });
    try {
      await writer.ready();
      const reader = await openDatabase(options.path, {
        readonly: true,
        pragmas: { ...mapping, ...options.thread?.pragmas },
        ...driver,
      });
      return new SqliteCacheStore(options, writer, reader);
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  private constructor(options: SqliteCacheStoreOptions, writer: SqliteWriter<StatementName>, reader: SqliteDatabase) {
    this.#clock = options.clock;
    this.#maxBytes = options.maxBytes ?? SQLITE_CACHE_MAX_BYTES;
    this.#writePatienceMs = options.writePatienceMs ?? 0;
    this.#writer = writer;
    this.#groups = new WriteGroups(writer, options.clock, SPACING_MS);
    this.#reader = reader;
    this.#find = reader.prepare(
      'SELECT project, used_at_ms, stored_at_ms, stale_at_ms, delete_at_ms, tags, facts, body FROM entry WHERE key = ?',
    );
    this.#total = reader.prepare('SELECT entries, size_bytes FROM total');
    this.#nextExpiryMs = options.clock.nowMs();
  }

  read(key: CacheKey): Promise<CacheEntry | undefined> {
    try {
      return Promise.resolve(this.#read(key));
    } catch (error) {
      return Promise.reject(storeFault('cannot read the cache', error));
    }
  }

  async write(key: CacheKey, entry: CacheEntry): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const operations: WriteOperation<StatementName>[] = [['write', ...rowOfEntry(key, entry, nowMs)]];
    this.#touches.delete(key);
    operations.push(...this.#takeTouches());
    if (nowMs >= this.#nextExpiryMs) {
      this.#nextExpiryMs = nowMs + EXPIRY_INTERVAL_MS;
      operations.push(['expire', nowMs]);
    }
    if (this.#isOverBound(entrySizeBytes(entry), nowMs)) operations.push(['evict', this.#maxBytes]);
    await this.#write(operations, this.#writePatienceMs);
  }

  async remove(key: CacheKey): Promise<boolean> {
    const [changes] = await this.#write([['remove', keyBytes(key)]]);
    return changes === 1;
  }

  async removeMatching(selector: CacheSelector): Promise<number> {
    const [changes] = await this.#write([removalOf(selector)]);
    return changes ?? 0;
  }

  stats(): CacheStoreStats {
    try {
      this.#endView();
      const row = this.#total.get();
      return { entries: Number(row?.['entries']), sizeBytes: Number(row?.['size_bytes']) };
    } catch (error) {
      throw storeFault('cannot read the cache', error);
    }
  }

  refresh(): void {
    this.#endView();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#endView();
    await this.#groups.flush();
    // Only a connection that may write, as the last one, moves the write-ahead log into the file and deletes it.
    this.#reader.close();
    await this.#writer.close();
  }

  /** Resolves after the commit; reads see it then. */
  async #write(operations: readonly WriteOperation<StatementName>[], patienceMs = 0): Promise<readonly number[]> {
    const changes = await this.#groups.write(operations, patienceMs);
    this.#endView();
    return changes;
  }

  /** What others write meanwhile is seen by their own or a later write. */
  #isOverBound(addedBytes: number, nowMs: number): boolean {
    const known = this.#size;
    const isCurrent = known !== undefined && nowMs - known.readAtMs < SIZE_AGE_MS;
    if (isCurrent && known.bytes + addedBytes <= this.#maxBytes) {
      known.bytes += addedBytes;
      return false;
    }
    const bytes = this.stats().sizeBytes + addedBytes;
    this.#size = { readAtMs: nowMs, bytes };
    return bytes > this.#maxBytes;
  }

  #beginView(): void {
    if (this.#viewTimer !== undefined || this.#closed) return;
    this.#reader.exec('BEGIN');
    this.#viewTimer = setTimeout(() => this.#endView(), VIEW_MS).unref();
  }

  #endView(): void {
    if (this.#viewTimer === undefined) return;
    clearTimeout(this.#viewTimer);
    this.#viewTimer = undefined;
    try {
      this.#reader.exec('COMMIT');
    } catch {
      // SQLite ended the view by itself (an I/O error): the read that met it has said so.
    }
  }

  #read(key: CacheKey): CacheEntry | undefined {
    this.#beginView();
    const row = this.#find.get(keyBytes(key));
    if (row === undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    if (nowMs >= Number(row['delete_at_ms'])) return undefined;
    if (nowMs - Number(row['used_at_ms']) >= TOUCH_AFTER_MS) this.#touch(key, nowMs);
    return entryOfRow(row);
  }

  #touch(key: CacheKey, nowMs: number): void {
    this.#touches.set(key, nowMs);
    if (this.#touches.size < MAX_WAITING_TOUCHES || this.#closed) return;
    // The order of eviction is a guess at best: losing a touch loses nothing, and a broken disk is heard of by the next write.
    this.#write(this.#takeTouches()).catch(() => undefined);
  }

  #takeTouches(): readonly WriteOperation<StatementName>[] {
    const operations = Array.from(this.#touches, ([key, atMs]): WriteOperation<StatementName> => [
      'touch',
      atMs,
      keyBytes(key),
    ]);
    this.#touches.clear();
    return operations;
  }
}

function removalOf({ project, tag }: CacheSelector): WriteOperation<StatementName> {
  if (tag === undefined) return project === undefined ? ['removeAll'] : ['removeProject', project];
  return project === undefined
    ? ['removeTag', tag.name, tag.value]
    : ['removeProjectTag', project, tag.name, tag.value];
}
