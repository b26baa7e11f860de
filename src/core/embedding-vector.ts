/** How a caller wants vectors: numbers, or the base64 of little-endian 32-bit floats. @public */
export type VectorEncoding = 'float' | 'base64';

const FLOAT_BYTES = 4;

/**
 * Rewrites one vector, given as JSON text (`[0.1, ...]` or `"AACAPw..."`), in an encoding; text in that encoding already is returned as it is.
 * Models compute in 32 bits, so both directions are exact for what they give.
 * @throws RangeError when base64 does not hold whole 32-bit floats.
 * @public
 */
export function vectorText(text: string, encoding: VectorEncoding): string {
  const isBase64 = text.startsWith('"');
  if (isBase64 === (encoding === 'base64')) return text;
  return isBase64
    ? JSON.stringify(floatsOf(JSON.parse(text) as string))
    : JSON.stringify(base64Of(JSON.parse(text) as number[]));
}

/** Whether a value is a vector in one of the two encodings. @public */
export function isVector(value: unknown): value is string | readonly number[] {
  if (typeof value === 'string') return value !== '';
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number');
}

function floatsOf(base64: string): readonly number[] {
  const binary = atob(base64);
  if (binary.length % FLOAT_BYTES !== 0) throw new RangeError('not whole 32-bit floats');
  const view = new DataView(new ArrayBuffer(binary.length));
  for (let at = 0; at < binary.length; at += 1) view.setUint8(at, binary.charCodeAt(at));
  return Array.from({ length: binary.length / FLOAT_BYTES }, (_, index) => view.getFloat32(index * FLOAT_BYTES, true));
}

function base64Of(floats: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(floats.length * FLOAT_BYTES));
  for (const [index, value] of floats.entries()) view.setFloat32(index * FLOAT_BYTES, value, true);
  let binary = '';
  for (let at = 0; at < view.byteLength; at += 1) binary += String.fromCharCode(view.getUint8(at));
  return btoa(binary);
}
