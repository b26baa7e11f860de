import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the log stands and what it may keep. @internal */
export interface CallLogFilesOptions {
  readonly folder: string;
  readonly maxFileBytes: number;
  readonly maxTotalBytes: number;
  readonly retentionMs: number;
}

interface LogFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly changedAtMs: number;
}

interface OpenFile {
  readonly day: string;
  readonly path: string;
  readonly handle: FileHandle;
  sizeBytes: number;
  /** A line was cut short (a crash, a full disk): the next one starts on a fresh line. */
  isTorn: boolean;
}

const FILE_NAME = /^calls-(\d{4}-\d{2}-\d{2})-(\d{4,})\.jsonl$/;
const LINE_FEED = 0x0a;

function fileName(day: string, number: number): string {
  return `calls-${day}-${String(number).padStart(4, '0')}.jsonl`;
}

async function endsTorn(handle: FileHandle, sizeBytes: number): Promise<boolean> {
  if (sizeBytes === 0) return false;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, sizeBytes - 1);
  return buffer[0] !== LINE_FEED;
}

/**
 * The files of a call log: one at a time is written, a new one begins with each day (UTC) and when the size is reached.
 * Several processes may write one folder: a chunk of whole lines goes out in one appending write.
 * @internal
 */
export class CallLogFiles {
  readonly #options: CallLogFilesOptions;
  #current: OpenFile | undefined;

  constructor(options: CallLogFilesOptions) {
    this.#options = options;
  }

  /** Appends whole lines. */
  async write(lines: Buffer, nowMs: number): Promise<void> {
    const file = await this.#fileFor(lines.byteLength, nowMs);
    const chunk = file.isTorn ? Buffer.concat([Buffer.of(LINE_FEED), lines]) : lines;
    file.isTorn = true; // until the write is known to be whole
    const { bytesWritten } = await file.handle.write(chunk);
    if (bytesWritten !== chunk.byteLength) throw new Error(`wrote ${bytesWritten} of ${chunk.byteLength} bytes`);
    file.isTorn = false;
    file.sizeBytes = (await file.handle.stat()).size; // other processes write it too
  }

  async close(): Promise<void> {
    const handle = this.#current?.handle;
    this.#current = undefined;
    await handle?.close();
  }

  async #fileFor(lengthBytes: number, nowMs: number): Promise<OpenFile> {
    const day = new Date(nowMs).toISOString().slice(0, 10);
    const current = this.#current;
    if (current?.day === day && this.#fits(current.sizeBytes, lengthBytes)) return current;
    await this.close();
    const next = await this.#openFile(day, lengthBytes);
    this.#current = next;
    await this.#dropOld(next.path, nowMs);
    return next;
  }

  /** An empty file takes any chunk, so that a line longer than a file is kept too. */
  #fits(sizeBytes: number, lengthBytes: number): boolean {
    return sizeBytes === 0 || sizeBytes + lengthBytes <= this.#options.maxFileBytes;
  }

  async #openFile(day: string, lengthBytes: number): Promise<OpenFile> {
    const { folder } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 }); // bodies are private
    const ofDay = (await this.#files()).filter((file) => file.path.startsWith(join(folder, `calls-${day}-`)));
    const last = ofDay.at(-1);
    const lastNumber = last === undefined ? 0 : Number(FILE_NAME.exec(last.path.slice(folder.length + 1))?.[2] ?? 0);
    const goesOn = last !== undefined && this.#fits(last.sizeBytes, lengthBytes);
    const path = join(folder, fileName(day, goesOn ? lastNumber : lastNumber + 1));
    const handle = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
    const { size } = await handle.stat();
    return { day, path, handle, sizeBytes: size, isTorn: await endsTorn(handle, size) };
  }

  /** All files of the log, the oldest first. */
  async #files(): Promise<readonly LogFile[]> {
    const { folder } = this.#options;
    const names = (await readdir(folder)).filter((name) => FILE_NAME.test(name));
    const files = names.map(async (name): Promise<LogFile | undefined> => {
      const path = join(folder, name);
      const facts = await stat(path).catch(() => undefined); // another process may have dropped it just now
      return facts && { path, sizeBytes: facts.size, changedAtMs: facts.mtimeMs };
    });
    const known = (await Promise.all(files)).filter((file) => file !== undefined);
    return known.toSorted((left, right) => left.path.localeCompare(right.path, 'en', { numeric: true }));
  }

  async #dropOld(currentPath: string, nowMs: number): Promise<void> {
    const { retentionMs, maxTotalBytes } = this.#options;
    const others = (await this.#files()).filter((file) => file.path !== currentPath);
    let totalBytes = others.reduce((sum, file) => sum + file.sizeBytes, 0);
    const drops: Promise<void>[] = [];
    for (const file of others) {
      if (nowMs - file.changedAtMs <= retentionMs && totalBytes <= maxTotalBytes) continue;
      totalBytes -= file.sizeBytes;
      drops.push(unlink(file.path).catch(() => undefined)); // gone already, or tried again with the next file
    }
    await Promise.all(drops);
  }
}
