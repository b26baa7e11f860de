import { readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FarthingError } from '../../core/errors.ts';
import { systemClock } from '../../engine/system-ports.ts';

/** Locks of this process. */
const own = new Set<string>();

/** Takes over from the dead more than once only when others do so at the same time. */
const MOST_TRIES = 4;

/** How long a lock may be there without the name of its owner, in milliseconds. Ours: it is written at once. */
const NAMELESS_MS = 50;

/** After how long whoever was about to remove a dead lock is dead as well, in milliseconds. Ours: it takes less than one. */
const DEAD_TURN_MS = 10_000;

/** Where a process's time of start stands in `/proc/<id>/stat`, behind its name in brackets. */
const START_FIELD = 19;

interface Owner {
  /** As it stands in the lock. */
  readonly text: string;
  readonly processId: number;
  /** When it began, in the system's own count; undefined where that cannot be told. */
  readonly start: string | undefined;
}

/**
 * Keeps other processes off a file, with another one beside it that names this one. The lock of a process that is dead is taken over; one whose id another process
 * has got since is known by the time of start, where the system tells it (Linux).
 * @returns gives it back.
 * @throws FarthingError `configuration` when another process has it; the system's error where it cannot be made.
 * @internal
 */
export async function lockFile(path: string): Promise<() => Promise<void>> {
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
    // oxlint-disable-next-line no-await-in-loop
    if (tries === MOST_TRIES || (await isHeld(owner, lockPath))) {
      const who = owner === undefined ? 'another process' : `process ${owner.processId}`;
      throw new FarthingError('configuration', `${path} is in use by ${who} (if that is no run, remove ${lockPath})`);
    }
    // Whoever has just made it is about to write its name.
    // oxlint-disable-next-line no-await-in-loop
    if (owner === undefined && tries === 1) await sleep(NAMELESS_MS);
    // oxlint-disable-next-line no-await-in-loop
    else await takeAway(lockPath, owner?.text ?? '');
  }
}

async function isMade(lockPath: string): Promise<boolean> {
  try {
    const start = await startOf(process.pid);
    await writeFile(lockPath, start === undefined ? `${process.pid}` : `${process.pid} ${start}`, {
      flag: 'wx',
      mode: 0o600,
    });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function ownerOf(lockPath: string): Promise<Owner | undefined> {
  const text = (await readFile(lockPath, 'utf8').catch(ignoreMissing)) ?? '';
  const [id, start] = text.split(' ');
  const processId = Number(id);
  return Number.isSafeInteger(processId) && processId > 0 ? { text, processId, start } : undefined;
}

/** Removes the lock of the dead: one at a time, for another one may have done so meanwhile, and have made its own. */
async function takeAway(lockPath: string, text: string): Promise<void> {
  const turnPath = `${lockPath}.turn`;
  try {
    await writeFile(turnPath, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    await sleep(NAMELESS_MS);
    const turn = await stat(turnPath).catch(ignoreMissing);
    if (turn !== undefined && systemClock.nowMs() - turn.mtimeMs > DEAD_TURN_MS)
      await unlink(turnPath).catch(ignoreMissing);
    return;
  }
  try {
    const present = await readFile(lockPath, 'utf8').catch(ignoreMissing);
    if (present === text) await unlink(lockPath).catch(ignoreMissing);
  } finally {
    await unlink(turnPath).catch(ignoreMissing);
  }
}

/** Process ids begin anew with a container: a lock with our own that we do not have was left by one before us. */
async function isHeld(owner: Owner | undefined, lockPath: string): Promise<boolean> {
  if (owner === undefined) return false;
  const { processId, start } = owner;
  if (processId === process.pid) return own.has(lockPath);
  try {
    process.kill(processId, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
  const present = await startOf(processId);
  return start === undefined || present === undefined || start === present;
}

async function startOf(processId: number): Promise<string | undefined> {
  const facts = await readFile(`/proc/${processId}/stat`, 'utf8').catch(() => undefined);
  return facts?.slice(facts.lastIndexOf(')') + 2).split(' ')[START_FIELD];
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT') return undefined;
  throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
