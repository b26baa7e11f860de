import { EventWriter } from './replay-events.ts';
import type { ReplyFrame } from './reply-frame.ts';
import type { Fields } from './usage-count.ts';

/** One event as a frame; chat events have no name. @internal */
export function eventFrame(name: string | undefined, data: Fields, role: ReplyFrame['role'] = 'content'): ReplyFrame {
  const writer = new EventWriter();
  writer.write(name, data);
  return { bytes: writer.bytes(), role };
}
