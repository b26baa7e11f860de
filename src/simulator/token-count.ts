/** The bytes of one simulated token. @internal */
export const TOKEN_BYTES = 4;

/** Tokens that each message costs beside its parts (the role and its delimiters). @internal */
export const MESSAGE_OVERHEAD_TOKENS = 4;

/**
 * The simulated tokenizer: UTF-8 bytes of the text divided by four, rounded up. English prose comes out near what real
 * tokenizers say (about four bytes a token); what matters here is that anybody can recount it.
 * @internal
 */
export function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / TOKEN_BYTES);
}
