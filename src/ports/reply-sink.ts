/** The head of a reply to a client. @public */
export interface ReplyHead {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names of headers that come as trailers, for streams. */
  readonly trailerNames?: readonly string[];
}

/**
 * Where a reply goes: an HTTP response, a web stream, a recorder. `head` comes first and once, then any number of `write`, then
 * exactly one of `end` and `abort`.
 * @public
 */
export interface ReplySink {
  head(head: ReplyHead): void;
  /** Returns false when the reader is behind: wait for `drained` before writing on. */
  write(chunk: Uint8Array): boolean;
  /** Resolves when the reader has caught up or is gone. */
  drained(): Promise<void>;
  /** Ends the reply well. */
  end(trailers?: Readonly<Record<string, string>>): void;
  /** Cuts the reply so that the client sees it is not whole. */
  abort(error: Error): void;
}
