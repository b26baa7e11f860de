import type * as z from 'zod';
import type { ConfigProblem } from './config-error.ts';
import { type ConfigPath, formatPath } from './config-path.ts';
import type { Place, RawFile, RawValue } from './read-yaml.ts';
import { isSecretPath, withoutCredentials } from './secret-paths.ts';

type Issue = z.core.$ZodIssue;

/** Longest piece of a file that a message repeats. */
const MAX_QUOTE = 60;

/**
 * Tells what a schema found in the words of the file, with the place of each fault.
 * @param base - Where the checked value stands.
 * @internal
 */
export function problemsOf(issue: Issue, base: ConfigPath, file: RawFile): readonly ConfigProblem[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((name, index) =>
      problemAt([...path, name], messages[index] ?? 'is not known here', file, 'name'),
    );
  }
  if (issue.code === 'invalid_union') {
    return chosenBranch(issue.errors).flatMap((inner) => problemsOf(inner, path, file));
  }
  if (issue.code === 'invalid_type')
    return [problemAt(path, typeMessage(issue.expected, valueAt(file.tree, path)), file, 'name')];
  return [problemAt(path, quoted(path, file) + issue.message, file, 'value')];
}

/** A problem with the place of its path, or of the nearest part around it that stands in the file. @internal */
export function problemAt(path: ConfigPath, message: string, file: RawFile, spot: 'name' | 'value'): ConfigProblem {
  for (let length = path.length; length > 0; length--) {
    const place = file.places.get(formatPath(path.slice(0, length)));
    if (place === undefined || place.origin.kind === 'default') continue;
    const isValue = spot === 'value' && length === path.length && place.written !== undefined;
    const line = isValue ? place.origin.line : place.nameLine;
    return { path: formatPath(path), message, line, column: isValue ? place.origin.column : place.nameColumn };
  }
  return { path: formatPath(path), message, line: undefined, column: undefined };
}

/** The value as it was written, in front of a message. Never what a reference became: that may be a secret in a wrong place. @internal */
export function quoted(path: ConfigPath, file: RawFile): string {
  const place: Place | undefined = file.places.get(formatPath(path));
  const value = place === undefined ? valueAt(file.tree, path) : place.written;
  if (typeof value !== 'string' || isSecretPath(path)) return '';
  const text = JSON.stringify(withoutCredentials(value.length > MAX_QUOTE ? `${value.slice(0, MAX_QUOTE)}...` : value));
  if (place === undefined) return `${text} (the default) `;
  return place.origin.kind === 'file' ? `${text} ` : `${text} as it is set now `;
}

/** The branch that the value was meant for: the first that does not fail on the kind of value as a whole. */
function chosenBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const isOtherKind = (issue: Issue): boolean => issue.code === 'invalid_type' && issue.path.length === 0;
  return branches.find((issues) => !issues.some(isOtherKind)) ?? branches[0] ?? [];
}

function typeMessage(expected: string, value: RawValue | undefined): string {
  if (value === undefined) return 'is missing';
  if (expected === 'array') return 'must be a list';
  return expected === 'string' ? 'must be a single value' : 'must be a mapping (name: value)';
}

function valueAt(tree: RawValue, path: ConfigPath): RawValue | undefined {
  let value: RawValue | undefined = tree;
  for (const part of path) {
    if (typeof value !== 'object' || !Object.hasOwn(value, part)) return undefined;
    value = Array.isArray(value) ? value[Number(part)] : value[part];
  }
  return value;
}
