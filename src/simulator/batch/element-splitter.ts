import { keptBytes } from './kept-bytes.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
/** The root object is 1 deep, a list in it 2. */
const LIST_DEPTH = 2;

/**
 * Takes the objects out of the lists of a JSON object as its bytes come, so that a body of hundreds of megabytes is never one text. Whether
 * all of it is JSON shows when the rest and each object are parsed.
 * @internal
 */
export class ElementSplitter {
  readonly #elements: Buffer[] = [];
  #rest = '';
  #open: Buffer[] = [];
  #depth = 0;
  #isInText = false;
  #isEscaped = false;
  /** Whether what is two deep is a list. */
  #isInList = false;
  #isInElement = false;

  push(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = 0;
    for (let index = 0; index < chunk.byteLength; index += 1) {
      const edge = this.#edgeAt(chunk[index] ?? 0);
      if (edge === 'opens') {
        this.#rest += `${chunk.toString('utf8', start, index)}0`;
        start = index;
        this.#isInElement = true;
      } else if (edge === 'closes') {
        this.#elements.push(keptBytes([...this.#open, chunk.subarray(start, index + 1)]));
        this.#open = [];
        start = index + 1;
        this.#isInElement = false;
      }
    }
    if (this.#isInElement) this.#open.push(Buffer.from(chunk.subarray(start)));
    else this.#rest += chunk.toString('utf8', start);
  }

  /** The objects, and the body with a 0 in the place of each. */
  end(): { readonly elements: readonly Buffer[]; readonly rest: string } {
    return { elements: this.#elements, rest: this.#rest };
  }

  #edgeAt(byte: number): 'opens' | 'closes' | undefined {
    if (this.#isInText) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#isInText = false;
      return undefined;
    }
    if (byte === QUOTE) this.#isInText = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return this.#deeper(byte);
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      this.#depth -= 1;
      if (this.#isInElement && this.#depth === LIST_DEPTH) return 'closes';
    }
    return undefined;
  }

  #deeper(byte: number): 'opens' | undefined {
    this.#depth += 1;
    if (this.#depth === LIST_DEPTH) this.#isInList = byte === OPEN_BRACKET;
    const opens = this.#depth === LIST_DEPTH + 1 && this.#isInList && byte === OPEN_BRACE && !this.#isInElement;
    return opens ? 'opens' : undefined;
  }
}
