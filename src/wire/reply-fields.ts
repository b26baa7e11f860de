import type { Fields } from './usage-count.ts';

/** The value when it is a JSON object, else undefined. @internal */
export function objectOf(value: unknown): Fields | undefined {
  return isFields(value) ? value : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const NONE: readonly Fields[] = Object.freeze([]);

/** The objects of a list; none when the value is no list. Lists of objects, which all should be, are not copied. @internal */
export function objectsOf(value: unknown): readonly Fields[] {
  if (!Array.isArray(value)) return NONE;
  return value.every(isFields) ? value : value.filter(isFields);
}

/** Whether the value is a list that holds anything. @internal */
export function isFilledList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** The parsed JSON object; undefined when the text is not JSON or holds something else. @internal */
export function parseObject(text: string): Fields | undefined {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * UTF-8 bytes of a text. Half a surrogate pair counts two, so that a pair split between two events adds up to its four bytes.
 * @internal
 */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
