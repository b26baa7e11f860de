import { CONFIG_DEFAULTS } from './config-defaults.ts';
import { patternParts } from './config-path.ts';
import type { RawMap, RawValue } from './read-yaml.ts';

/**
 * Puts every default of {@link CONFIG_DEFAULTS} that the file left open into the tree.
 * @internal
 */
export function applyDefaults(tree: RawMap): void {
  for (const [pattern, text] of Object.entries(CONFIG_DEFAULTS)) applyDefault(tree, patternParts(pattern), text);
}

function applyDefault(value: RawValue | undefined, parts: readonly string[], text: string): void {
  const [part = '', ...rest] = parts;
  if (typeof value !== 'object') return;
  if (part === '[]' || part === '*') {
    // Neither a list nor a record gets members that nobody wrote.
    if (Array.isArray(value) !== (part === '[]')) return;
    for (const member of Object.values(value)) applyDefault(member, rest, text);
    return;
  }
  if (Array.isArray(value)) return;
  const isOptional = part.endsWith('?');
  const name = isOptional ? part.slice(0, -1) : part;
  if (rest.length === 0) {
    if (!Object.hasOwn(value, name)) value[name] = text;
    return;
  }
  const isOpen = rest[0] === '[]' || rest[0] === '*';
  if (!Object.hasOwn(value, name) && !isOptional && !isOpen) value[name] = {};
  if (Object.hasOwn(value, name)) applyDefault(value[name], rest, text);
}
