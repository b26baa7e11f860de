import type { StreamEvent } from './replay-events.ts';
import type { ReplyFrame } from './reply-frame.ts';

/** Turns the events of a second stream into those that go on in the first. @internal */
export interface ContinuedEvents {
  take(event: StreamEvent, frame: ReplyFrame): readonly ReplyFrame[];
}
