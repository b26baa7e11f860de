import type { OutputUnit } from '@cfworker/json-schema';

/** Keywords that say by themselves what is wrong. The others only lead to one of these. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['type', 'wrong-type'],
  ['const', 'wrong-constant'],
  ['enum', 'not-in-enum'],
  ['required', 'missing-required'],
  ['dependentRequired', 'missing-required'],
  ['minProperties', 'too-few-properties'],
  ['maxProperties', 'too-many-properties'],
  ['minItems', 'too-few-items'],
  ['maxItems', 'too-many-items'],
  ['uniqueItems', 'duplicate-items'],
  ['contains', 'missing-item'],
  ['minContains', 'missing-item'],
  ['maxContains', 'too-many-items'],
  ['minLength', 'too-short'],
  ['maxLength', 'too-long'],
  ['minimum', 'too-small'],
  ['exclusiveMinimum', 'too-small'],
  ['maximum', 'too-large'],
  ['exclusiveMaximum', 'too-large'],
  ['multipleOf', 'no-multiple'],
  ['propertyNames', 'wrong-name'],
  ['not', 'excluded-value'],
  ['anyOf', 'no-alternative'],
  ['oneOf', 'no-alternative'],
]);

/**
 * Turns the evaluator's errors into reason codes, each once, in the order in which they were found. Its own messages hold names and values of the caller, so none
 * of them goes out.
 * @internal
 */
export function schemaReasons(errors: readonly OutputUnit[]): readonly string[] {
  const codes = new Set<string>();
  for (const [index, error] of errors.entries()) {
    const next = errors[index + 1];
    const isForbidden = next !== undefined && next.keywordLocation === `${error.keywordLocation}/not`;
    const code = isForbidden ? FORBIDDEN.get(error.keyword) : REASONS.get(error.keyword);
    if (code !== undefined) codes.add(code);
  }
  if (FORBIDDEN_CODES.some((code) => codes.has(code))) codes.delete('excluded-value');
  // All alternatives fail for the same reason: then that reason tells more.
  if (codes.size === 2) codes.delete('no-alternative');
  return codes.size > 0 ? [...codes] : ['invalid'];
}

/** What stands where the schema is `false`, which here reads `{ not: {} }`. */
const FORBIDDEN: ReadonlyMap<string, string> = new Map([
  ['additionalProperties', 'unexpected-property'],
  ['unevaluatedProperties', 'unexpected-property'],
  ['properties', 'unexpected-property'],
  ['items', 'too-many-items'],
  ['prefixItems', 'too-many-items'],
]);
const FORBIDDEN_CODES: readonly string[] = [...new Set(FORBIDDEN.values())];
