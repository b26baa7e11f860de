/** Words of a schema that OpenAI's models are not shown (the format `harmony` of gpt-oss leaves them out as well; the counts of recorded calls agree). */
const HIDDEN: ReadonlySet<string> = new Set(['additionalProperties', 'required', 'title', '$schema']);

/**
 * The schema that an answer must have as a model is shown it.
 * @param format - a JSON Schema, or a format without one, as JSON.
 * @param isOpenai - whether what OpenAI's models are not shown is left out.
 * @returns an empty string for a format without a schema, which costs nothing.
 * @internal
 */
export function formatText(format: string, isOpenai: boolean): string {
  try {
    const value: unknown = JSON.parse(format);
    if (isObject(value) && (value['type'] === 'json_object' || value['type'] === 'text')) return '';
    return isOpenai ? `# Response Formats\n\n## format\n\n${JSON.stringify(withoutHidden(value))}` : format;
  } catch {
    return format;
  }
}

/** Names of properties are kept, also where they are called like a word that is hidden. */
function withoutHidden(value: unknown, isNames = false): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutHidden(item));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([name]) => isNames || !HIDDEN.has(name));
  return Object.fromEntries(
    kept.map(([name, child]) => [name, withoutHidden(child, !isNames && (name === 'properties' || name === '$defs'))]),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
