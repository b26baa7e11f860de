import { closingQuote, isJsonSpace, unescaped } from './json-string.ts';

const MAX_SEGMENTS = 8;
const MAX_KEY_CHARS = 40;
const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;

/**
 * Names the place of an offset in a JSON text, `messages[2].content`; `''` is the outermost value itself. For error messages: long keys
 * and deep paths are cut. Tolerates text that is not JSON. Linear; called only where there is a fault.
 * @internal
 */
export function jsonPathAt(text: string, offset: number): string {
  const segments: (string | number | undefined)[] = [];
  for (let at = 0; at <= offset && at < text.length; at += 1) {
    const character = text[at];
    const inner = segments.length - 1;
    const segment = segments[inner];
    if (character === '{') segments.push(undefined);
    else if (character === '[') segments.push(0);
    else if ((character === '}' || character === ']') && at < offset) segments.pop();
    else if (character === ',' && typeof segment === 'number') segments[inner] = segment + 1;
    else if (character === '"') {
      const end = closingQuote(text, at + 1);
      if (end === -1) break;
      if (inner >= 0 && typeof segment !== 'number' && isKey(text, end)) segments[inner] = unescaped(text, at + 1, end);
      at = end;
    }
  }
  return format(segments);
}

function isKey(text: string, end: number): boolean {
  let next = end + 1;
  while (isJsonSpace(text.charCodeAt(next))) next += 1;
  return text[next] === ':';
}

function format(segments: readonly (string | number | undefined)[]): string {
  let path = '';
  for (const segment of segments.slice(0, MAX_SEGMENTS)) {
    if (segment === undefined) break;
    if (typeof segment === 'number') path += `[${segment}]`;
    else if (segment.length <= MAX_KEY_CHARS && PLAIN_KEY.test(segment)) path += path === '' ? segment : `.${segment}`;
    else
      path += `[${JSON.stringify(segment.length > MAX_KEY_CHARS ? `${segment.slice(0, MAX_KEY_CHARS)}…` : segment)}]`;
  }
  return segments.length > MAX_SEGMENTS ? `${path}…` : path;
}
