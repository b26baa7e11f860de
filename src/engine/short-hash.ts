import { hash } from 'node:crypto';

/** Characters of a hash that names a prefix or a conversation: 132 bits. */
const HASH_CHARS = 22;

/** A hash that is short enough for a key and long enough for a name. @internal */
export function shortHash(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, HASH_CHARS);
}
