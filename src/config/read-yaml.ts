import { isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, Scalar, type YAMLMap } from 'yaml';
import type { ConfigProblem } from './config-error.ts';
import { type ConfigPath, formatPath } from './config-path.ts';
import type { ValueOrigin } from './config.ts';
import { expandText, type ExpansionSources } from './expand.ts';

/** A file's content: every scalar is text, as it was written; the schema decides what it means. @internal */
export type RawValue = string | RawMap | RawValue[];

/** A mapping of a file. @internal */
export interface RawMap {
  [name: string]: RawValue;
}

/** Where a value stands and what was written there. @internal */
export interface Place {
  readonly origin: ValueOrigin;
  /** The scalar before expansion; undefined for mappings and lists. */
  readonly written: string | undefined;
  /** Of the name before the value; equal to the value's own place in lists. */
  readonly nameLine: number;
  readonly nameColumn: number;
}

/** What reading gave. With any problem the tree may lack what was at fault. @internal */
export interface RawFile {
  readonly tree: RawMap;
  /** By path, see {@link formatPath}. */
  readonly places: ReadonlyMap<string, Place>;
  readonly problems: readonly ConfigProblem[];
}

/** Largest file read: a configuration has kilobytes; the parser needs some hundred bytes of memory for each byte. */
const MAX_CHARACTERS = 1_000_000;
/** Most values, aliases counted each time they are used: bounds what a "billion laughs" file can cost. */
const MAX_VALUES = 50_000;
/** Deepest nesting, aliases of themselves included. The schema needs six. */
const MAX_DEPTH = 32;

class ReadLimit extends Error {}

interface Reader {
  readonly lines: LineCounter;
  readonly sources: ExpansionSources;
  readonly places: Map<string, Place>;
  readonly problems: ConfigProblem[];
  readonly resolve: (node: unknown) => unknown;
  values: number;
}

/**
 * Reads YAML (so JSON as well) and expands references, keeping where each value stands. All scalars stay text (YAML's failsafe schema):
 * no `0x1F`, `1e3` or `no` is turned into something else on the way, and money keeps all its digits.
 * Never throws: whatever is wrong with the text is a problem.
 * @internal
 */
export function readYaml(text: string, sources: ExpansionSources): RawFile {
  const lines = new LineCounter();
  const places = new Map<string, Place>();
  const problems: ConfigProblem[] = [];
  const tree: RawMap = {};
  const fault = (message: string): RawFile => ({
    tree,
    places,
    problems: [...problems, { path: '', message, line: 1, column: 1 }],
  });
  if (text.length > MAX_CHARACTERS) return fault(`is larger than ${MAX_CHARACTERS} characters`);
  try {
    const document = parseDocument(text, {
      schema: 'failsafe',
      resolveKnownTags: false,
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'silent',
    });
    for (const { pos, message } of [...document.errors, ...document.warnings]) {
      const { line, col } = lines.linePos(pos[0]);
      problems.push({ path: '', message: oneLine(message), line, column: col });
    }
    if (problems.length > 0) return { tree, places, problems };
    const resolve = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
    const reader: Reader = { lines, sources, places, problems, resolve, values: 0 };
    const root: unknown = document.contents;
    if (isMap(root)) Object.assign(tree, readMap(reader, root, []));
    else if (!isEmpty(root)) return fault('must be a mapping (name: value) at its top level');
    return { tree, places, problems };
  } catch (error) {
    // RangeError: nesting that overflowed the parser's own stack.
    if (error instanceof ReadLimit || error instanceof RangeError) return fault('is nested too deeply or too large');
    return fault(`cannot be read: ${oneLine(error instanceof Error ? error.message : String(error))}`);
  }
}

function oneLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 200);
}

/** `name:` with nothing behind it says nothing, so the default holds. */
function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && node.type === Scalar.PLAIN && node.source === '');
}

function readMap(reader: Reader, map: YAMLMap, path: ConfigPath): RawMap {
  const result: RawMap = {};
  for (const pair of map.items) {
    const name = nameOf(reader, pair, path);
    if (name === undefined || isEmpty(pair.value)) continue;
    result[name] = readValue(reader, pair.value, [...path, name], pair.key);
  }
  return result;
}

/** The name of a pair, or undefined when it cannot be one. */
function nameOf(reader: Reader, pair: Pair, path: ConfigPath): string | undefined {
  const name = isScalar(pair.key) && typeof pair.key.value === 'string' ? pair.key.value : undefined;
  // An object would take `__proto__` for its prototype and not for a name.
  if (name !== undefined && name !== '__proto__' && name !== '<<' && name.length <= 256) return name;
  const { line, column } = positionOf(reader, pair.key);
  const what = name === undefined ? 'a name must be plain text' : `"${name.slice(0, 32)}" cannot be used as a name`;
  reader.problems.push({ path: formatPath(path), message: what, line, column });
  return undefined;
}

function readValue(reader: Reader, node: unknown, path: ConfigPath, nameNode: unknown): RawValue {
  if (++reader.values > MAX_VALUES || path.length > MAX_DEPTH) throw new ReadLimit();
  const value = reader.resolve(node);
  const { line, column } = positionOf(reader, node);
  const name = positionOf(reader, nameNode ?? node);
  const isText = isScalar(value);
  const written = isText ? String(value.value) : undefined;
  const place = { written, nameLine: name.line, nameColumn: name.column };
  reader.places.set(formatPath(path), { ...place, origin: { kind: 'file', line, column } });
  if (isMap(value)) return readMap(reader, value, path);
  if (isSeq(value)) return value.items.map((item, index) => readValue(reader, item, [...path, index], undefined));
  const expansion = expandText(written ?? '', reader.sources);
  if (expansion.kind === 'fault') {
    reader.problems.push({ path: formatPath(path), message: expansion.message, line, column });
    return '';
  }
  if (expansion.origin !== undefined) {
    reader.places.set(formatPath(path), { ...place, origin: { ...expansion.origin, line, column } });
  }
  return expansion.text;
}

function positionOf(reader: Reader, node: unknown): { readonly line: number; readonly column: number } {
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  const offset: unknown = Array.isArray(range) ? range[0] : 0;
  const { line, col } = reader.lines.linePos(typeof offset === 'number' ? offset : 0);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
