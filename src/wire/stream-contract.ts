import type { ReplyFacts } from '../core/model/reply.ts';
import type { SseFrame } from './sse-framer.ts';

/**
 * What a frame is to whoever relays the stream. `content`: part of the answer. `usage-only`: the extra chat chunk with usage and
 * no choice, withheld from clients who did not ask for it. `terminal`: with it the stream is over (`[DONE]`, `message_stop`,
 * `response.completed`, `.incomplete`, `.failed`). `error`: an error inside the stream, or an event that is not JSON. `other`: comments, pings,
 * events that carry nothing of the answer.
 * @public
 */
export type FrameRole = 'content' | 'usage-only' | 'terminal' | 'error' | 'other';

/** Reads the frames of one reply stream, in order. Keeps counts and no text. @public */
export interface StreamReader {
  /** Takes the next frame and says what it is. Never throws. */
  read(frame: SseFrame): FrameRole;
  /** What is known so far; final when the stream has ended. */
  facts(): ReplyFacts;
  /** Whether a delta with text, reasoning, a tool call, audio or an image has come by now. */
  hasContent(): boolean;
  /** Whether the answer is whole by now, as `facts().ended`: what still may come is its usage. */
  hasEnded(): boolean;
}
