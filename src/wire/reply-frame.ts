import type { FrameRole } from './stream-reader.ts';

/** Bytes of a reply with what they are. A whole reply is one frame with the role `content`. @internal */
export interface ReplyFrame {
  readonly bytes: Uint8Array;
  readonly role: FrameRole;
}
