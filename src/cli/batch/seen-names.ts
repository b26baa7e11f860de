import { hash } from 'node:crypto';
import { HashTable } from '../../core/batch/hash-table.ts';

/** Words of a hash as the table takes them. */
const HASH_WORDS = 2;
const WORD_BYTES = 4;

/** Remembers names and the lines that they stood in, in some 16 bytes each, however long they are. @internal */
export class SeenNames {
  readonly #lines = new HashTable({ hashWords: 2, valueBytes: 4 });
  readonly #words = new Uint32Array(HASH_WORDS);

  /**
   * Takes note of a name.
   * @returns the line where it stood before; undefined: it is new.
   */
  note(name: string, line: number): number | undefined {
    const digest = hash('sha256', name, 'buffer');
    for (let word = 0; word < HASH_WORDS; word += 1) this.#words[word] = digest.readUInt32LE(word * WORD_BYTES);
    const before = this.#lines.get(this.#words);
    if (before === undefined) this.#lines.set(this.#words, line);
    return before;
  }

  /** Forgets all, and gives back the room at once. */
  clear(): void {
    this.#lines.clear();
  }
}
