import { type ConfigPath, formatPath } from './config-path.ts';
import type { ExplainedValue, ProviderConfig } from './config.ts';
import type { Place, RawMap, RawValue } from './read-yaml.ts';
import { isSecretPath, withoutCredentials } from './secret-paths.ts';

/**
 * Every effective value and where it came from, in the order of the given parts. Secrets are never among them.
 * @internal
 */
export function explainValues(
  tree: RawMap,
  places: ReadonlyMap<string, Place>,
  parts: readonly string[],
  providers: readonly ProviderConfig[],
): readonly ExplainedValue[] {
  const values: ExplainedValue[] = [];
  const visit = (value: RawValue, path: ConfigPath): void => {
    if (typeof value === 'object' && Object.keys(value).length > 0) {
      for (const [name, member] of Object.entries(value))
        visit(member, [...path, Array.isArray(value) ? Number(name) : name]);
      return;
    }
    const text = formatPath(path);
    values.push({ path: text, value: shown(value, path), origin: places.get(text)?.origin ?? { kind: 'default' } });
  };
  for (const part of parts) {
    const value = tree[part];
    if (value !== undefined) visit(value, [part]);
    if (part !== 'providers') continue;
    for (const { name, vendor } of providers) {
      const path = formatPath(['providers', name, 'vendor']);
      // Told by the address or the name: a default as well, only not the same one for all.
      if (!places.has(path)) values.push({ path, value: vendor ?? '(none)', origin: { kind: 'default' } });
    }
  }
  return values;
}

function shown(value: RawValue, path: ConfigPath): string {
  if (typeof value === 'object') return Array.isArray(value) ? '[]' : '{}';
  if (isSecretPath(path)) return value === '' ? '(empty)' : '(set)';
  return withoutCredentials(value);
}
