import { withoutTrailing } from '../core/without-trailing.ts';
import type { Environment } from './env.ts';

/** What expansion may look at. @public */
export interface ExpansionSources {
  readonly env: Environment;
  /** Reads a text file. Its error is reported without the file's content. */
  readonly readFile: (path: string) => string;
}

/** What a text became, and from where. @internal */
export type Expansion =
  | {
      readonly kind: 'text';
      readonly text: string;
      /** The first variable or file that contributed; undefined when nothing but the text itself did. */
      readonly origin:
        | { readonly kind: 'env'; readonly name: string }
        | { readonly kind: 'secret-file'; readonly path: string }
        | undefined;
    }
  | { readonly kind: 'fault'; readonly message: string };

type Origin = Extract<Expansion, { kind: 'text' }>['origin'];

const REFERENCE = /\$\$\{|\$\{/g;
const ENV_NAME = /^env:([A-Za-z_][A-Za-z0-9_]*)/;
/** Defaults inside defaults inside defaults: more is a mistake, and the bound keeps recursion small. */
const MAX_NESTING = 16;

class ExpansionFault extends Error {}

/** A cursor over one text: `at` is the next character to read. */
interface Cursor {
  readonly text: string;
  at: number;
  origin: Origin;
  readonly sources: ExpansionSources;
}

/**
 * Replaces `${env:NAME}`, `${env:NAME:-default}` (used when the variable is unset or empty, as in a shell; may hold references itself)
 * and `${file:/path}` (the file's text without line ends at its end). `$${` stands for `${`. What comes out is never expanded again.
 * @internal
 */
export function expandText(text: string, sources: ExpansionSources): Expansion {
  if (!text.includes('${')) return { kind: 'text', text, origin: undefined };
  const cursor: Cursor = { text, at: 0, origin: undefined, sources };
  try {
    return { kind: 'text', text: readText(cursor, 0, true), origin: cursor.origin };
  } catch (error) {
    if (!(error instanceof ExpansionFault)) throw error;
    return { kind: 'fault', message: error.message };
  }
}

/** Reads text with references in it, up to the end or, inside a reference, its closing brace. */
function readText(cursor: Cursor, depth: number, isUsed: boolean): string {
  if (depth > MAX_NESTING) throw new ExpansionFault(`references are nested more than ${MAX_NESTING} deep`);
  let result = '';
  for (;;) {
    REFERENCE.lastIndex = cursor.at;
    const match = REFERENCE.exec(cursor.text);
    const reference = match?.index ?? cursor.text.length;
    const close = depth === 0 ? -1 : cursor.text.indexOf('}', cursor.at);
    if (close !== -1 && close < reference) return result + take(cursor, close, 1);
    result += take(cursor, reference, 0);
    if (match === null) break;
    cursor.at += match[0].length;
    result += match[0] === '$${' ? '${' : readReference(cursor, depth, isUsed);
  }
  if (depth > 0) throw new ExpansionFault('a reference is not closed: "}" is missing ($${ writes a plain ${)');
  return result;
}

/** Takes the text up to an offset and skips so many characters behind it. */
function take(cursor: Cursor, until: number, skip: number): string {
  const text = cursor.text.slice(cursor.at, until);
  cursor.at = until + skip;
  return text;
}

/** Reads what stands behind `${`. What is not used (the default of a set variable) is only parsed. */
function readReference(cursor: Cursor, depth: number, isUsed: boolean): string {
  const rest = cursor.text.slice(cursor.at);
  if (rest.startsWith('file:')) {
    cursor.at += 'file:'.length;
    const path = readText(cursor, depth + 1, isUsed);
    return isUsed ? fileText(cursor, path) : '';
  }
  const name = ENV_NAME.exec(rest)?.[1];
  const next = name === undefined ? '' : rest.slice(`env:${name}`.length);
  if (name === undefined || !(next.startsWith('}') || next.startsWith(':-'))) {
    throw new ExpansionFault('write ${env:NAME}, ${env:NAME:-default} or ${file:/path}, and $${ for a plain ${');
  }
  cursor.at += `env:${name}`.length;
  const value = Object.hasOwn(cursor.sources.env, name) ? cursor.sources.env[name] : undefined;
  const hasDefault = next.startsWith(':-');
  const isSet = value !== undefined && !(hasDefault && value === '');
  if (isUsed && isSet) cursor.origin ??= { kind: 'env', name };
  cursor.at += hasDefault ? 2 : 1;
  const fallback = hasDefault ? readText(cursor, depth + 1, isUsed && !isSet) : undefined;
  if (isUsed && !isSet && fallback === undefined) {
    throw new ExpansionFault(`the environment variable ${name} is not set; set it or write \${env:${name}:-default}`);
  }
  return isSet ? value : (fallback ?? '');
}

function fileText(cursor: Cursor, path: string): string {
  cursor.origin ??= { kind: 'secret-file', path };
  try {
    return withoutTrailing(cursor.sources.readFile(path), '\r\n');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new ExpansionFault(`cannot read the file ${path}${code}`, { cause: error });
  }
}
