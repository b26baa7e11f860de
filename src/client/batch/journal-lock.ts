import { readFile, unlink, writeFile } from 'node:fs/promises';
import { FarthingError } from '../../core/errors.ts';

/** Locks of this process. */
const own = new Set<string>();

/** Takes over from the dead more than once only when others do so at the same time. */
const MOST_TRIES = 3;

/**
 * Keeps other processes off a journal, with a file beside it that names this one. The lock of a process that is dead is taken over.
 * @returns gives it back.
 * @throws FarthingError `configuration` when another process has it.
 * @internal
 */
export async function lockJournal(path: string): Promise<() => Promise<void>> {
  const lockPath = `${path}.lock`;
  for (let tries = 1; ; tries += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one try after the other
    if (await isMade(lockPath)) {
      own.add(lockPath);
      return async () => {
        await unlink(lockPath).catch(ignoreMissing);
        own.delete(lockPath);
      };
    }
    // oxlint-disable-next-line no-await-in-loop
    const owner = await ownerOf(lockPath);
    if (tries === MOST_TRIES || isHeld(owner, lockPath)) {
      throw new FarthingError('configuration', `the journal ${path} is in use by process ${owner ?? 'unknown'}`);
    }
    // oxlint-disable-next-line no-await-in-loop
    await unlink(lockPath).catch(ignoreMissing);
  }
}

async function isMade(lockPath: string): Promise<boolean> {
  try {
    await writeFile(lockPath, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function ownerOf(lockPath: string): Promise<number | undefined> {
  const text = await readFile(lockPath, 'utf8').catch(ignoreMissing);
  const owner = Number(text);
  return Number.isSafeInteger(owner) && owner > 0 ? owner : undefined;
}

/** Process ids begin anew with a container: a lock with our own that we do not have was left by one before us. */
function isHeld(owner: number | undefined, lockPath: string): boolean {
  if (owner === undefined) return false;
  if (owner === process.pid) return own.has(lockPath);
  try {
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT') return undefined;
  throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
