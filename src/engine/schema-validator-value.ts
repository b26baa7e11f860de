import type { ValueExtent } from './schema-validator-work.ts';

/** Characters of all names and strings of a value. Ours: no answer of a model comes near (its limits are some 500,000 characters). */
const MAX_CHARACTERS = 1_000_000;
/** Values in a value. Ours: more would take more steps than a validation has. */
const MAX_PARTS = 100_000;
/** Levels of nesting. Ours: the evaluator takes some stack for each. */
const MAX_DEPTH = 256;

/** Measures a JSON value. Undefined where it is too large or too deep to be validated. Takes no stack. @internal */
export function valueExtent(value: unknown): ValueExtent | undefined {
  const extent = { longestString: 0, longestArray: 0, widestObject: 0 };
  let characters = 0;
  let parts = 1;
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return undefined;
    const below: unknown[] = [];
    for (const part of level) {
      characters += stringsOf(part, extent);
      const children = childrenOf(part);
      parts += children.length;
      if (parts > MAX_PARTS || characters > MAX_CHARACTERS) return undefined;
      for (const child of children) below.push(child);
    }
    level = below;
  }
  return extent;
}

type MutableExtent = { -readonly [Name in keyof ValueExtent]: ValueExtent[Name] };

/** Enters what a part alone says; returns how many characters it has of its own. */
function stringsOf(part: unknown, extent: MutableExtent): number {
  if (typeof part === 'string') {
    extent.longestString = Math.max(extent.longestString, part.length);
    return part.length;
  }
  if (typeof part !== 'object' || part === null) return 0;
  if (Array.isArray(part)) {
    extent.longestArray = Math.max(extent.longestArray, part.length);
    return 0;
  }
  let characters = 0;
  let members = 0;
  for (const name of Object.keys(part)) {
    characters += name.length;
    members += 1;
    extent.longestString = Math.max(extent.longestString, name.length);
  }
  extent.widestObject = Math.max(extent.widestObject, members);
  return characters;
}

function childrenOf(part: unknown): readonly unknown[] {
  if (Array.isArray(part)) return part;
  return typeof part === 'object' && part !== null ? Object.values(part) : [];
}
