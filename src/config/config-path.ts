/** Where a value stands in the file: names of mappings and indices of lists. @internal */
export type ConfigPath = readonly (string | number)[];

const PLAIN_NAME = /^[A-Za-z_][\w-]*$/;

/** Writes a path as messages show it: `keys[0].name`, `prices["backup/gpt"].input`. @internal */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!PLAIN_NAME.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** Splits a pattern such as `providers.*.apiKeys[].weight` into its parts; each `[]` is a part of its own. @internal */
export function patternParts(pattern: string): readonly string[] {
  return pattern.replaceAll('[]', '.[]').split('.');
}

/** Whether a path is one that the pattern means: `*` stands for any name, `[]` for any index. @internal */
export function matchesPattern(pattern: string, path: ConfigPath): boolean {
  const parts = patternParts(pattern);
  return (
    parts.length === path.length &&
    parts.every((part, index) =>
      typeof path[index] === 'number' ? part === '[]' : part === '*' || part === path[index],
    )
  );
}
