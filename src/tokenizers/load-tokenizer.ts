import { open } from 'node:fs/promises';
import { FarthingError } from '../core/errors.ts';
import type { TokenEncoding, Tokenizer } from '../ports/tokenizer.ts';
import { BytePairTokenizer } from './byte-pair-tokenizer.ts';
import { type Vocabulary, vocabularyOf } from './vocabulary.ts';

const loading = new Map<TokenEncoding, Promise<Tokenizer>>();

/**
 * The tokenizer of an encoding. Its vocabulary is read from the package's files when it is first asked for, once for all callers, and then kept: some
 * 11 MB for o200k_base and 8 MB for cl100k_base. Where reading fails, the next caller tries again.
 * @throws FarthingError `configuration` when the file is absent (in a checkout: `npm run generate` writes it) or of another version.
 * @public
 */
export function loadTokenizer(encoding: TokenEncoding): Promise<Tokenizer> {
  const known = loading.get(encoding);
  if (known !== undefined) return known;
  const tokenizer = readTokenizer(encoding);
  loading.set(encoding, tokenizer);
  tokenizer.catch(() => loading.delete(encoding));
  return tokenizer;
}

/** Reads a vocabulary from the package's files; whoever asks keeps it. @internal */
export function readTokenizer(encoding: TokenEncoding): Promise<Tokenizer> {
  return tokenizerFrom(encoding, fileOf(encoding));
}

/** @internal */
export async function tokenizerFrom(encoding: TokenEncoding, file: URL): Promise<Tokenizer> {
  return new BytePairTokenizer(await readVocabulary(encoding, file));
}

/** @internal */
export async function readVocabulary(encoding: TokenEncoding, file: URL = fileOf(encoding)): Promise<Vocabulary> {
  try {
    return vocabularyOf(encoding, await contentOf(file));
  } catch (cause) {
    const message = `the vocabulary ${encoding} cannot be read; in a checkout of the source, run: npm run generate`;
    throw new FarthingError('configuration', message, { cause });
  }
}

function fileOf(encoding: TokenEncoding): URL {
  return new URL(`generated/${encoding}.bin`, import.meta.url);
}

/** A whole file by one reading, into memory that is nobody else's: `readFile` takes a turn for each half megabyte. */
async function contentOf(file: URL): Promise<ArrayBuffer> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const content = new ArrayBuffer(size);
    const { bytesRead } = await handle.read(new Uint8Array(content), 0, size, 0);
    if (bytesRead < size) throw new Error(`${bytesRead} of ${size} bytes could be read`);
    return content;
  } finally {
    await handle.close();
  }
}
