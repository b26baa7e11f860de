import type { ReplyFrame } from '../wire/reply-frame.ts';

/**
 * The bytes of frames in as few pieces as can be had without copying: frames that lie side by side in one chunk of the provider
 * leave as one piece. With `hidesUsage` the extra usage event of a chat stream is left out.
 * @internal
 */
export function joinedFrames(frames: readonly ReplyFrame[], hidesUsage: boolean): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let last: Uint8Array | undefined;
  for (const { bytes, role } of frames) {
    if (hidesUsage && role === 'usage-only') continue;
    if (last !== undefined && last.buffer === bytes.buffer && last.byteOffset + last.byteLength === bytes.byteOffset) {
      last = new Uint8Array(last.buffer, last.byteOffset, last.byteLength + bytes.byteLength);
      pieces[pieces.length - 1] = last;
    } else {
      last = bytes;
      pieces.push(bytes);
    }
  }
  return pieces;
}
