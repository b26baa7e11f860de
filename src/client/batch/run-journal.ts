import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HashTable } from '../../core/batch/hash-table.ts';
import { FarthingError } from '../../core/errors.ts';
import { addUsd, type NanoUsd, ZERO_USD } from '../../core/money.ts';
import { GroupCommit } from './group-commit.ts';
import type { ItemOrigin, KeptAnswer } from './item-outcome.ts';
import { type JournalEntry, journalLine, readJournalLine } from './journal-line.ts';
import { lockFile } from './file-lock.ts';
import { JournalReader, journalLines } from './journal-reader.ts';
import { hashWords } from './prepared-item.ts';

/** An answer out of a journal. @internal */
export interface JournalledAnswer extends ItemOrigin {
  readonly answer: KeptAnswer;
}

/**
 * The answers of a run on disk, by the hash of the item that they belong to: an answer that stands here is never asked for again. Append-only; memory holds some 18
 * bytes for each. The last line is cut off when the process died over it.
 * @internal
 */
export class RunJournal {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #unlock: () => Promise<void>;
  /** Where an item's line begins, times two; one more once the run has come by the item. */
  readonly #places: HashTable;
  readonly #commit: GroupCommit;
  readonly #reader: JournalReader;
  readonly #resumedEnd: number;
  /** What the run had spent when it was opened. */
  readonly spentNanoUsd: NanoUsd;
  /** Of this, on items that got no answer. */
  readonly lostNanoUsd: NanoUsd;
  /** Items that were answered when it was opened. */
  readonly resumedItems: number;

  private constructor(path: string, handle: FileHandle, unlock: () => Promise<void>, contents: Contents) {
    this.#path = path;
    this.#handle = handle;
    this.#unlock = unlock;
    this.#places = contents.places;
    this.#commit = new GroupCommit(handle, contents.end);
    this.#reader = new JournalReader(handle);
    this.#resumedEnd = contents.end;
    this.spentNanoUsd = contents.spentNanoUsd;
    this.lostNanoUsd = contents.lostNanoUsd;
    this.resumedItems = contents.places.size;
  }

  /**
   * Opens a journal, or begins one.
   * @param settings - names what else decides about answers; a journal of other settings is not taken.
   * @throws FarthingError `configuration` when it belongs to another run, or to another process; the system's error where it cannot be read.
   */
  static async open(path: string, settings: string): Promise<RunJournal> {
    await mkdir(dirname(path), { recursive: true });
    const unlock = await lockFile(path);
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'a+', 0o600);
      const contents = await readContents(handle, path, settings);
      await handle.truncate(contents.end);
      const journal = new RunJournal(path, handle, unlock, contents);
      if (contents.end === 0) await journal.#append({ kind: 'head', settings });
      return journal;
    } catch (error) {
      await handle?.close();
      await unlock();
      throw error;
    }
  }

  /** The answer of an item; undefined when it has none. Asked a second time, it is that of a repeat. */
  async answerOf(hash: Uint32Array, hashHex: string): Promise<JournalledAnswer | undefined> {
    const marked = this.#places.get(hash);
    if (marked === undefined) return undefined;
    const isRepeat = marked % 2 === 1;
    const place = (marked - (isRepeat ? 1 : 0)) / 2;
    const entry = readJournalLine(await this.#reader.lineAt(place));
    // The table has half of each hash: the line says whose answer it is.
    if (entry?.kind !== 'answer' || entry.hashHex !== hashHex) return undefined;
    this.#places.set(hash, place * 2 + 1);
    return { answer: entry.answer, isRepeat, isResumed: place < this.#resumedEnd };
  }

  /** Resolves when the answer is durable. */
  async keep(hash: Uint32Array, hashHex: string, answer: KeptAnswer): Promise<void> {
    const place = await this.#append({ kind: 'answer', hashHex, answer });
    this.#places.set(hash, place * 2 + 1);
  }

  /** Resolves when it is durable that an item without an answer cost money. */
  async keepCost(hashHex: string, costNanoUsd: NanoUsd): Promise<void> {
    await this.#append({ kind: 'cost', hashHex, costNanoUsd });
  }

  /** @param isDropped - whether nobody will take the run up again. */
  async close(isDropped: boolean): Promise<void> {
    await this.#commit.settled();
    await this.#handle.close();
    if (isDropped) await unlink(this.#path);
    await this.#unlock();
  }

  async #append(entry: JournalEntry): Promise<number> {
    try {
      return await this.#commit.append(journalLine(entry));
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
      throw new FarthingError('store-unavailable', `the journal ${this.#path} cannot be written${reason}`, { cause });
    }
  }
}

interface Contents {
  readonly places: HashTable;
  /** Behind the last whole line. */
  readonly end: number;
  readonly spentNanoUsd: NanoUsd;
  readonly lostNanoUsd: NanoUsd;
}

async function readContents(handle: FileHandle, path: string, settings: string): Promise<Contents> {
  const places = new HashTable({ hashWords: 2, valueBytes: 6 });
  let [spentNanoUsd, lostNanoUsd] = [ZERO_USD, ZERO_USD];
  let end = 0;
  for await (const { line, offset, nextOffset } of journalLines(handle)) {
    const entry = readJournalLine(line);
    if (offset === 0) demandHead(entry, path, settings);
    end = nextOffset;
    // A line in the middle that is spoilt: its item is asked again.
    if (entry === undefined || entry.kind === 'head') continue;
    if (entry.kind === 'answer') places.set(hashWords(entry.hashHex), offset * 2);
    else lostNanoUsd = addUsd(lostNanoUsd, entry.costNanoUsd);
    const cost = entry.kind === 'answer' ? entry.answer.costNanoUsd : entry.costNanoUsd;
    spentNanoUsd = addUsd(spentNanoUsd, cost ?? ZERO_USD);
  }
  return { places, end, spentNanoUsd, lostNanoUsd };
}

function demandHead(entry: JournalEntry | undefined, path: string, settings: string): void {
  if (entry?.kind !== 'head') {
    throw new FarthingError('configuration', `${path} is no journal of a run; name another file, or remove this one`);
  }
  if (entry.settings !== settings) {
    throw new FarthingError(
      'configuration',
      `the journal ${path} belongs to a run with other settings (model, system prompt, limits, headers); name another file, or remove this one`,
    );
  }
}
