/** How many inputs the body of an embeddings request has: an array of texts, or of lists of tokens, has as many as it is long; a list of tokens is one. @internal */
export function embeddingInputs(input: unknown): number {
  if (!Array.isArray(input) || input.length === 0 || typeof input[0] === 'number') return 1;
  return input.length;
}

/**
 * The next power of two. Requests that share a batch by this have at least half as many inputs as they are counted for, so that counting requests is counting inputs.
 * @internal
 */
export function inputClass(inputs: number): number {
  let most = 1;
  while (most < inputs) most *= 2;
  return most;
}
