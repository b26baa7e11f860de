/** A JSON object whose fields have not been looked at yet. @internal */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value as an object; undefined when it is none. @internal */
export function asObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of an array; an empty list when it is none. @internal */
export function objectsOf(value: unknown): readonly JsonObject[] {
  if (!Array.isArray(value)) return [];
  return value.map(asObject).filter((item) => item !== undefined);
}

/** The value as a text; undefined when it is none. @internal */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The value as a number; undefined when it is none. @internal */
export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
