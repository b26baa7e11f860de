import type { LedgerOperation } from './ledger-schema.ts';

interface CallPack {
  readonly texts: string[];
  firstAtMs: number;
  lastAtMs: number;
  sizeBytes: number;
}

/** A pack is full at so many records: about a millisecond's work to read. */
const MAX_RECORDS = 256;

/** Or at so many bytes of text (UTF-16 units, to be exact): 256 KiB. */
const MAX_BYTES = 262_144;

/** Packs that wait for a disk that hangs: 64 MiB at most. Beyond that records are refused. */
const MAX_WAITING = 256;

/** Gathers call records into few rows. @internal */
export class CallPacks {
  #full: CallPack[] = [];
  #next: CallPack | undefined;

  /** @returns false when too many wait already: the record is not kept. */
  add(text: string, atMs: number): boolean {
    if (this.#full.length >= MAX_WAITING) return false;
    const pack = (this.#next ??= { texts: [], firstAtMs: atMs, lastAtMs: atMs, sizeBytes: 0 });
    pack.texts.push(text);
    pack.sizeBytes += text.length;
    if (atMs < pack.firstAtMs) pack.firstAtMs = atMs;
    if (atMs > pack.lastAtMs) pack.lastAtMs = atMs;
    if (pack.texts.length < MAX_RECORDS && pack.sizeBytes < MAX_BYTES) return true;
    this.#full.push(pack);
    this.#next = undefined;
    return true;
  }

  get isEmpty(): boolean {
    return this.#next === undefined && !this.hasFull;
  }

  /** Whether a pack should wait no longer. */
  get hasFull(): boolean {
    return this.#full.length > 0;
  }

  /** One row a pack. */
  take(): readonly LedgerOperation[] {
    const packs = this.#next === undefined ? this.#full : [...this.#full, this.#next];
    this.#full = [];
    this.#next = undefined;
    return packs.map(({ texts, firstAtMs, lastAtMs }) => ['insertCalls', firstAtMs, lastAtMs, `[${texts.join(',')}]`]);
  }
}
