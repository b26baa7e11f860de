import { FolderJobs } from '../../engine/folder-jobs.ts';
import type { Jobs } from '../../ports/job-store.ts';
import { storageOf } from '../command-storage.ts';
import type { DataOptions } from '../data-folder.ts';

/**
 * Opens what is kept of calls that are answered later, also while others work on it. A folder without any stays as it is.
 * @throws FarthingError `store-unavailable`, or `configuration` when a package is missing.
 * @internal
 */
export async function openJobs(options: DataOptions): Promise<Jobs> {
  const storage = await storageOf(options);
  if (storage.kind === 'folder') return new FolderJobs(storage.path);
  const { openPostgresJobStore } = await import('../../stores/postgres/postgres-job-store.ts');
  return openPostgresJobStore({ url: storage.postgresUrl, maxConnections: 1 });
}
