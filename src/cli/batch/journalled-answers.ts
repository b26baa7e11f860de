import { type FileHandle, open } from 'node:fs/promises';
import { readJournalLine } from '../../client/batch/journal-line.ts';
import { journalLines } from '../../client/batch/journal-reader.ts';

/** How many answers a journal holds; 0 where there is none. @internal */
export async function journalledAnswers(path: string): Promise<number> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
  try {
    let answers = 0;
    for await (const { line } of journalLines(handle)) if (readJournalLine(line)?.kind === 'answer') answers += 1;
    return answers;
  } finally {
    await handle.close();
  }
}
