import type { TokenEncoding, Tokenizer } from '../ports/tokenizer.ts';
import { readTokenizer } from './load-tokenizer.ts';

/** For how long a vocabulary is kept that nobody asks for, in milliseconds. Ours: reading one again takes some ten. */
const IDLE_MS = 5000;

const kept = new Map<TokenEncoding, { readonly tokenizer: Promise<Tokenizer>; readonly forget: NodeJS.Timeout }>();

/**
 * As `loadTokenizer`, for a process that is to keep little memory: a vocabulary that nobody has asked for in a while is let go.
 * @internal
 */
export function briefTokenizer(encoding: TokenEncoding): Promise<Tokenizer> {
  const known = kept.get(encoding);
  if (known !== undefined) {
    known.forget.refresh();
    return known.tokenizer;
  }
  const forget = setTimeout(() => kept.delete(encoding), IDLE_MS).unref();
  const tokenizer = readTokenizer(encoding);
  kept.set(encoding, { tokenizer, forget });
  tokenizer.catch(() => kept.delete(encoding));
  return tokenizer;
}
