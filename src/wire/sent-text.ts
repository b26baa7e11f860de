/**
 * What of a partial text the next target is shown: all but the whitespace at its end. Anthropic refuses a prefill that ends in whitespace
 * (`final assistant content cannot end with trailing whitespace`, docs.claude.com, prefill-claudes-response), and any model goes on better
 * behind a word. Half a surrogate pair at the end, which no request can carry, is left out too; others become U+FFFD.
 * @returns '' when there is nothing to show: the next target is then asked as if nothing had come.
 * @internal
 */
export function sentText(partialText: string): string {
  return seenText(partialText).replace(/\p{Surrogate}/gu, '\uFFFD');
}

/** The part of a partial text that {@link sentText} shows, as the client has it. @internal */
export function seenText(partialText: string): string {
  return partialText.replace(/[\uD800-\uDBFF]$/, '').trimEnd();
}
