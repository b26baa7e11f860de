import type { Endpoint } from '../core/model/protocol.ts';
import type { MemberRange } from './json-scan.ts';

/** A request that has been read and found sound, with what the gateway acts on. @public */
export interface DecodedRequest {
  readonly endpoint: Endpoint;
  /** The body as text, without a byte order mark; the offsets of `members` refer to it. */
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Where the members of the body stand in `text`. */
  readonly members: ReadonlyMap<string, MemberRange>;
  /** The model as the caller asked for it. */
  readonly model: string;
  /** Whether the caller wants an event stream; false on endpoints that have none. */
  readonly isStream: boolean;
  /** Whether the caller of a chat stream asked for the extra usage chunk (`stream_options.include_usage`). */
  readonly wantsUsageChunk: boolean;
  /**
   * The caller's own limit on output tokens, for one sample. Where a chat request has both `max_tokens` and `max_completion_tokens`, the
   * larger one, since providers differ in which of them they heed. Undefined where there is none.
   */
  readonly maxOutputTokens: number | undefined;
  /** Answers asked for at once (`n`); 1 where the caller does not say. */
  readonly samples: number;
}
