import { openDatabase } from '../../../src/stores/sqlite/sqlite-database.ts';

/** Holds the lock of a file of SQLite, as a process does that stands still in the midst of a write. */
export async function lockFile(path: string): Promise<{ release(): void }> {
  const database = await openDatabase(path);
  database.exec('BEGIN IMMEDIATE');
  return {
    release() {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}
