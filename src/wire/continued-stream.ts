import type { ContinuedEvents } from './continued-events.ts';
import type { ContinuationWay } from './continuation-way.ts';
import { ContinuedChat } from './continued-chat.ts';
import { ContinuedMessages } from './continued-messages.ts';
import { ContinuedResponses } from './continued-responses.ts';
import type { PartialText } from './partial-text.ts';
import { eventsOf } from './replay-events.ts';
import type { ReplyFrame } from './reply-frame.ts';
import { TextSeam } from './text-seam.ts';

/**
 * Turns the frames of the next target's stream into the continuation of one that broke: what opens a stream is dropped, ids, model, indexes
 * and sequence numbers go on as the first stream had them, text is joined without repetition ({@link TextSeam}), the events that repeat the text
 * hold all of it, and the end comes once, with the second reply's finish and usage as stated. Errors and comments pass as they are.
 * Text may be held back for a while; it comes with the end of its block. When the second stream breaks, ask the `PartialAnswer` again, which has
 * seen what was relayed.
 * @public
 */
export class ContinuedStream {
  readonly #events: ContinuedEvents;

  constructor(partial: PartialText, way: ContinuationWay) {
    const seam = new TextSeam(partial.text, way);
    this.#events = continuedEvents(partial, seam);
  }

  /** Takes the next frames of the second stream and gives those to relay for them, perhaps none. Never throws. */
  take(frames: readonly ReplyFrame[]): readonly ReplyFrame[] {
    return frames.flatMap((frame) => this.#takeFrame(frame));
  }

  #takeFrame(frame: ReplyFrame): readonly ReplyFrame[] {
    const events = frame.role === 'error' ? undefined : eventsOf(frame.bytes);
    if (events === undefined || events.length === 0) return [frame];
    return events.flatMap((event) => this.#events.take(event, frame)).map(withoutOpening);
  }
}

/** The client has the opening already, so nothing here waits for what follows it. */
function withoutOpening(frame: ReplyFrame): ReplyFrame {
  return frame.role === 'opening' ? { ...frame, role: 'content' } : frame;
}

function continuedEvents(partial: PartialText, seam: TextSeam): ContinuedEvents {
  switch (partial.endpoint) {
    case 'chat':
      return new ContinuedChat(partial, seam);
    case 'messages':
      return new ContinuedMessages(partial, seam);
    case 'responses':
      return new ContinuedResponses(partial, seam);
  }
}
