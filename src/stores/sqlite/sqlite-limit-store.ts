import { permitsAfterClaim } from '../../core/limit/permits.ts';
import {
  bucketFullAtMs,
  correctedBucket,
  fullBucket,
  takeFromBucket,
  type TokenBucket,
} from '../../core/limit/token-bucket.ts';
import type { BucketClaim, BucketGrant, BucketTerms, LimitStore, PermitClaim } from '../../ports/limit-store.ts';
import {
  inTransaction,
  openDatabase,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteStatement,
  storeFault,
} from './sqlite-database.ts';

const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE buckets (
  name TEXT PRIMARY KEY,
  units INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  full_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE permits (
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  count INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  PRIMARY KEY (name, owner)
) STRICT, WITHOUT ROWID;
`,
];

/**
 * For how long a claim waits for another process's lock, in milliseconds. It holds the event loop meanwhile, and a transaction takes less
 * than one; a process that was stopped inside one must not stop the others.
 */
const BUSY_TIMEOUT_MS = 100;

/** Claims between two looks for what need not be kept any more. */
const CLAIMS_A_SWEEP = 1000;

/**
 * Rates and caps that the processes of a data folder share, in a file of their own. Written in place, as slices make claims rare. What
 * a power cut takes is a second of counting, so nothing waits for the disk but a checkpoint now and then.
 * @public
 */
export class SqliteLimitStore implements LimitStore {
  readonly #database: SqliteDatabase;
  readonly #readBucket: SqliteStatement;
  readonly #writeBucket: SqliteStatement;
  readonly #readPermits: SqliteStatement;
  readonly #writePermits: SqliteStatement;
  readonly #dropPermits: SqliteStatement;
  readonly #sweeps: readonly SqliteStatement[];
  #claims = 0;
  #isClosed = false;

  /** @internal Use {@link openSqliteLimitStore}. */
  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#readBucket = database.prepare('SELECT units, at_ms FROM buckets WHERE name = ?');
    this.#writeBucket = database.prepare('INSERT OR REPLACE INTO buckets VALUES (?, ?, ?, ?)');
    this.#readPermits = database.prepare('SELECT owner, count FROM permits WHERE name = ? AND until_ms > ?');
    this.#writePermits = database.prepare('INSERT OR REPLACE INTO permits VALUES (?, ?, ?, ?)');
    this.#dropPermits = database.prepare('DELETE FROM permits WHERE name = ? AND owner = ?');
    this.#sweeps = [
      database.prepare('DELETE FROM buckets WHERE full_at_ms <= ?'),
      database.prepare('DELETE FROM permits WHERE until_ms <= ?'),
    ];
  }

  async take(name: string, terms: BucketTerms, claim: BucketClaim): Promise<BucketGrant> {
    return this.#guarded(claim.nowMs, () => {
      const { bucket, granted, waitMs } = takeFromBucket(this.#bucket(name, terms, claim.nowMs), terms, claim);
      // A refusal changes nothing: the bucket refills by itself.
      if (granted > 0) this.#keep(name, bucket, terms);
      return { granted, waitMs };
    });
  }

  async correct(name: string, terms: BucketTerms, amount: number, nowMs: number): Promise<void> {
    this.#guarded(nowMs, () => {
      this.#keep(name, correctedBucket(this.#bucket(name, terms, nowMs), terms, amount, nowMs), terms);
    });
  }

  async hold(permit: string, claim: PermitClaim): Promise<number> {
    const { ownerId, nowMs } = claim;
    return this.#guarded(nowMs, () => {
      let held = 0;
      let heldByOthers = 0;
      for (const row of this.#readPermits.all(permit, nowMs)) {
        if (row['owner'] === ownerId) held = Number(row['count']);
        else heldByOthers += Number(row['count']);
      }
      const count = permitsAfterClaim(held, heldByOthers, claim);
      if (count > 0) this.#writePermits.run(permit, ownerId, count, nowMs + claim.leaseMs);
      else this.#dropPermits.run(permit, ownerId);
      return count;
    });
  }

  async close(): Promise<void> {
    if (!this.#isClosed) this.#database.close();
    this.#isClosed = true;
  }

  #bucket(name: string, terms: BucketTerms, nowMs: number): TokenBucket {
    const row = this.#readBucket.get(name);
    return row === undefined ? fullBucket(terms, nowMs) : { units: Number(row['units']), atMs: Number(row['at_ms']) };
  }

  #keep(name: string, bucket: TokenBucket, terms: BucketTerms): void {
    const fullAtMs = Math.min(Number.MAX_SAFE_INTEGER, bucketFullAtMs(bucket, terms));
    this.#writeBucket.run(name, Math.floor(bucket.units), bucket.atMs, fullAtMs);
  }

  #guarded<Result>(nowMs: number, work: () => Result): Result {
    try {
      return inTransaction(this.#database, () => {
        this.#claims += 1;
        if (this.#claims % CLAIMS_A_SWEEP === 0) for (const sweep of this.#sweeps) sweep.run(nowMs);
        return work();
      });
    } catch (error) {
      throw storeFault('cannot use the store of limits', error);
    }
  }
}

/**
 * Opens a store of limits; the file is made when it is not there, its folder must exist.
 * @throws FarthingError `store-unavailable`
 * @public
 */
export async function openSqliteLimitStore(path: string, driver?: SqliteDriver): Promise<SqliteLimitStore> {
  const pragmas = { synchronous: 'NORMAL', busy_timeout: BUSY_TIMEOUT_MS };
  const options = { pragmas, migrations: MIGRATIONS, ...(driver === undefined ? {} : { driver }) };
  return new SqliteLimitStore(await openDatabase(path, options));
}
