/** A line of a reply. @internal */
export type ReplyLine =
  | { readonly kind: 'line'; readonly bytes: Uint8Array }
  /** It was passed over. */
  | { readonly kind: 'too-long' };

const LINE_FEED = 10;

/** The lines of a stream of bytes, the last one whether a line feed ends it or not. Holds one line at a time, and of one that is too long nothing. @internal */
export async function* replyLines(chunks: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator<ReplyLine> {
  let open: Uint8Array[] = [];
  let openBytes = 0;
  const take = (rest: Uint8Array): void => {
    openBytes += rest.byteLength;
    if (openBytes > maxLineBytes) open = [];
    else open.push(rest);
  };
  const close = (): ReplyLine => {
    const line: ReplyLine =
      openBytes > maxLineBytes ? { kind: 'too-long' } : { kind: 'line', bytes: Buffer.concat(open) };
    open = [];
    openBytes = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      take(chunk.subarray(start, end));
      yield close();
      start = end + 1;
    }
    take(chunk.subarray(start));
  }
  if (openBytes > 0) yield close();
}
