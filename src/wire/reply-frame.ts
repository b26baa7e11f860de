import type { FrameRole } from './stream-reader.ts';

/** Bytes of a reply with what they are. A whole reply is one frame with the role `content`. @internal */
export interface ReplyFrame {
  readonly bytes: Uint8Array;
  /**
   * As a reader says, but `opening` for parts of an answer that come before its first text, reasoning, tool call or other content, and `ping` for signs of
   * life of our own: they are no part of the reply.
   */
  readonly role: FrameRole | 'opening' | 'ping';
}
