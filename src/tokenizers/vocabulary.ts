import type { TokenEncoding } from '../ports/tokenizer.ts';
import {
  HEADER_WORDS,
  LAYOUT_VERSION,
  SECTIONS,
  SECTIONS_WORD,
  type SectionName,
  VOCABULARY_MAGIC,
} from './vocabulary-layout.ts';

/** A vocabulary file as views on its bytes; nothing is built when it is loaded. What each view holds stands in `SECTIONS`. @internal */
export interface Vocabulary {
  readonly encoding: TokenEncoding;
  readonly byteIds: Int32Array;
  readonly bytePairs: Int32Array;
  readonly shortTokens: Int32Array;
  readonly shortIds: Int32Array;
  readonly longHashes: Int32Array;
  readonly longTokens: Int32Array;
  readonly longBytes: Uint8Array;
  readonly pairs: Int32Array;
  readonly pairBits: Int32Array;
  readonly neighbourBits: Int32Array;
  readonly raggedAfterBits: Int32Array;
  readonly raggedBeforeBits: Int32Array;
  readonly basicClasses: Uint8Array;
  readonly astralBlocks: Uint8Array;
  readonly astralClasses: Uint8Array;
}

/**
 * Reads a vocabulary file.
 * @throws Error when the bytes are not such a file of this version and this machine's byte order.
 * @internal
 */
export function vocabularyOf(encoding: TokenEncoding, file: ArrayBuffer): Vocabulary {
  const header = new Int32Array(file, 0, HEADER_WORDS);
  if (header[0] !== VOCABULARY_MAGIC || header[1] !== LAYOUT_VERSION) {
    throw new Error(`not a vocabulary file of version ${LAYOUT_VERSION} in this machine's byte order`);
  }
  const place = (name: SectionName): readonly [number, number] => {
    const word = SECTIONS_WORD + SECTIONS.indexOf(name) * 2;
    return [header[word] ?? 0, header[word + 1] ?? 0];
  };
  const bytes = (name: SectionName): Uint8Array => new Uint8Array(file, ...place(name));
  const words = (name: SectionName): Int32Array => {
    const [offset, sizeBytes] = place(name);
    return new Int32Array(file, offset, sizeBytes / 4);
  };
  return {
    encoding,
    byteIds: words('byteIds'),
    bytePairs: words('bytePairs'),
    shortTokens: words('shortTokens'),
    shortIds: words('shortIds'),
    longHashes: words('longHashes'),
    longTokens: words('longTokens'),
    longBytes: bytes('longBytes'),
    pairs: words('pairs'),
    pairBits: words('pairBits'),
    neighbourBits: words('neighbourBits'),
    raggedAfterBits: words('raggedAfterBits'),
    raggedBeforeBits: words('raggedBeforeBits'),
    basicClasses: bytes('basicClasses'),
    astralBlocks: bytes('astralBlocks'),
    astralClasses: bytes('astralClasses'),
  };
}
