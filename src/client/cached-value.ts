import { FarthingError } from '../core/errors.ts';

/** What the first byte of a stored value says about the rest. */
const JSON_MARK = 0;
const BYTES_MARK = 1;

/**
 * A value as a store keeps it: one byte that names its kind, then the bytes or the JSON text. Always a copy.
 * @throws FarthingError `invalid-request` when the value is no JSON (a function, undefined, a circle).
 * @internal
 */
export function encodeValue(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return marked(BYTES_MARK, value);
  return marked(JSON_MARK, Buffer.from(jsonText(value), 'utf8'));
}

/** The value of {@link encodeValue}: a fresh copy, so that what one caller changes no other sees. @internal */
export function decodeValue(stored: Uint8Array): unknown {
  const rest = stored.subarray(1);
  if (stored[0] === BYTES_MARK) return Uint8Array.from(rest);
  return JSON.parse(Buffer.from(rest.buffer, rest.byteOffset, rest.byteLength).toString('utf8'));
}

function marked(mark: number, bytes: Uint8Array): Uint8Array {
  const stored = new Uint8Array(bytes.byteLength + 1);
  stored[0] = mark;
  stored.set(bytes, 1);
  return stored;
}

function jsonText(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new FarthingError('invalid-request', 'the value to cache cannot be written as JSON', { cause: error });
  }
  if (text === undefined) throw new FarthingError('invalid-request', 'the value to cache is neither JSON nor bytes');
  return text;
}
