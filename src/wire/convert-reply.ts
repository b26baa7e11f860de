import type { ReplyForm } from '../core/model/cache-entry.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import { streamFromWhole } from './replay-stream-from-whole.ts';
import { wholeFromStream } from './replay-whole-from-stream.ts';
import type { ReplyFrame } from './reply-frame.ts';
import { SseFramer } from './sse-framer.ts';
import { streamReader } from './stream-reader.ts';

/** Makes the other form of a whole answer; undefined where that cannot be done faithfully. @internal */
export function convertReply(endpoint: Endpoint, from: ReplyForm, body: Uint8Array): readonly ReplyFrame[] | undefined {
  if (from === 'stream') {
    const whole = wholeFromStream(endpoint, body);
    return whole === undefined ? undefined : [{ bytes: whole, role: 'content' }];
  }
  const stream = streamFromWhole(endpoint, body);
  return stream === undefined ? undefined : streamFrames(endpoint, stream);
}

function streamFrames(endpoint: Endpoint, stream: Uint8Array): readonly ReplyFrame[] {
  const reader = streamReader(endpoint);
  // Our own stream: one event may be as long as the whole answer.
  return new SseFramer({ maxFrameBytes: stream.byteLength + 1 })
    .push(stream)
    .map((frame) => ({ bytes: frame.bytes, role: reader.read(frame) }));
}
