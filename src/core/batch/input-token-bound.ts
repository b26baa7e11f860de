/** UTF-8 bytes a token at least, as providers estimate what is enqueued: English prose has 4 to 4.5, and JSON around it less. Ours. */
const BYTES_PER_TOKEN = 3;

/** Tokens that a body of so many bytes is taken to hold, for what a provider lets be enqueued. @internal */
export function inputTokenBound(bodyBytes: number): number {
  return Math.ceil(bodyBytes / BYTES_PER_TOKEN);
}
