/**
 * A value as JSON or Python write it. A text is exact; a number is its plain digits. What `entries` of a `map` are called is the canonical text of their keys, since in Python a
 * key may be any value.
 * @internal
 */
export type LiteralValue =
  | { readonly kind: 'number'; readonly digits: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'word'; readonly word: 'true' | 'false' | 'null' }
  | { readonly kind: 'list' | 'tuple' | 'set'; readonly items: readonly LiteralValue[] }
  | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, LiteralValue> };

/** How a value of several parts is written, by its kind. */
const BRACKETS = { list: '[]', tuple: '()', set: '{}' } as const;

/** The same text for the same value: keys and members of sets in order, nothing between them. @internal */
export function canonicalText(value: LiteralValue): string {
  switch (value.kind) {
    case 'number':
      return value.digits;
    case 'text':
      return JSON.stringify(value.text);
    case 'word':
      return value.word;
    case 'list':
    case 'tuple':
      return bracketed(value.kind, value.items.map(canonicalText));
    case 'set':
      return bracketed(value.kind, [...new Set(value.items.map(canonicalText))].toSorted());
    case 'map': {
      const entries = [...value.entries].map(([key, part]) => `${key}:${canonicalText(part)}`);
      return `{${entries.toSorted().join(',')}}`;
    }
  }
}

function bracketed(kind: keyof typeof BRACKETS, parts: readonly string[]): string {
  const [open, close] = BRACKETS[kind];
  return `${open}${parts.join(',')}${close}`;
}
