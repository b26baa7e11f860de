/** A JSON value in a box, so that `null` is told from nothing. Undefined where the text is no JSON. @internal */
export function parsedJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined; // SyntaxError is how the parser says no; a text so deep that it overflows is none that we can use.
  }
}
