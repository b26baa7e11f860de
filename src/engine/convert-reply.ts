import type { ReplyForm } from '../core/model/cache-entry.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import type { ReplyFrame } from '../middleware/compose.ts';
import { streamFromWhole } from '../wire/replay-stream-from-whole.ts';
import { wholeFromStream } from '../wire/replay-whole-from-stream.ts';
import { SseFramer } from '../wire/sse-framer.ts';
import { streamReader } from '../wire/stream-reader.ts';

/** Makes the other form of a whole answer; undefined where that cannot be done faithfully. @internal */
export function convertReply(
  endpoint: Endpoint,
  from: ReplyForm,
  frames: readonly ReplyFrame[],
): readonly ReplyFrame[] | undefined {
  const bytes = Buffer.concat(frames.map((frame) => frame.bytes));
  if (from === 'stream') {
    const whole = wholeFromStream(endpoint, bytes);
    return whole === undefined ? undefined : [{ bytes: whole, role: 'content' }];
  }
  const stream = streamFromWhole(endpoint, bytes);
  return stream === undefined ? undefined : streamFrames(endpoint, stream);
}

function streamFrames(endpoint: Endpoint, stream: Uint8Array): readonly ReplyFrame[] {
  const reader = streamReader(endpoint);
  return new SseFramer().push(stream).map((frame) => ({ bytes: frame.bytes, role: reader.read(frame) }));
}
