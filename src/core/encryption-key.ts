import { FarthingError } from './errors.ts';

/** Bytes of a key: AES-256. */
const KEY_BYTES = 32;

const HEX = /^[0-9a-f]{64}$/i;

/** 32 bytes in base64, of either alphabet; the padding may be left out. */
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;

/** What to say of a text that is no key. Never holds the text. @internal */
export const NO_ENCRYPTION_KEY = 'is not a key of 32 bytes in base64 or hex; make one with: openssl rand -base64 32';

/** The bytes of an encryption key that was written in base64 or hex; undefined when it is not 32 bytes in either. @internal */
export function parseEncryptionKey(text: string): Uint8Array | undefined {
  if (HEX.test(text)) {
    return Uint8Array.from({ length: KEY_BYTES }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
  }
  if (!BASE64.test(text)) return undefined;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/**
 * The bytes of several keys.
 * @throws FarthingError `configuration` when there is none, or one cannot be read.
 * @internal
 */
export function readEncryptionKeys(texts: readonly string[]): readonly Uint8Array[] {
  if (texts.length === 0) throw new FarthingError('configuration', 'an encrypted cache needs at least one key');
  return texts.map((text, index) => {
    const key = parseEncryptionKey(text);
    if (key !== undefined) return key;
    throw new FarthingError('configuration', `encryption key ${index + 1} of the cache ${NO_ENCRYPTION_KEY}`);
  });
}
