import type { ReplyFacts } from '../core/model/reply.ts';
import { BROKEN_REPLY, replyError } from './reply-error.ts';
import { objectOf, parseObject } from './reply-fields.ts';
import { MessagesTally } from './reply-messages.ts';
import type { SseFrame } from './sse-framer.ts';
import { DONE } from './stream-chat.ts';
import type { FrameRole, StreamReader } from './stream-contract.ts';
import { type Fields, wordOf } from './usage-count.ts';

/** Reads an Anthropic messages stream. @internal */
export class MessagesStreamReader implements StreamReader {
  readonly #messages: MessagesTally = new MessagesTally();

  read(frame: SseFrame): FrameRole {
    const data = frame.data;
    if (data === undefined || data === '' || data.trim() === DONE) return 'other';
    const event = parseObject(data);
    if (event === undefined) {
      this.#messages.tally.fail(BROKEN_REPLY);
      return 'error';
    }
    const type = wordOf(event['type']) ?? frame.event ?? '';
    if (type === 'error' || objectOf(event['error']) !== undefined) {
      this.#messages.tally.fail(replyError(event) ?? BROKEN_REPLY);
      return 'error';
    }
    return this.#take(type, event);
  }

  facts(): ReplyFacts {
    return this.#messages.facts();
  }

  hasContent(): boolean {
    return !this.#messages.tally.isEmpty;
  }

  #take(type: string, event: Fields): FrameRole {
    switch (type) {
      case 'message_start':
        this.#messages.takeMessage(objectOf(event['message']) ?? {});
        return 'content';
      case 'content_block_start':
        this.#messages.takeBlock(objectOf(event['content_block']) ?? {});
        return 'content';
      case 'content_block_delta':
        this.#takeDelta(objectOf(event['delta']) ?? {});
        return 'content';
      case 'content_block_stop':
        return 'content';
      case 'message_delta':
        this.#messages.takeStop(objectOf(event['delta']), event['usage']);
        return 'content';
      case 'message_stop':
        this.#messages.tally.ended = true;
        return 'terminal';
      default:
        return 'other';
    }
  }

  #takeDelta(delta: Fields): void {
    const { tally } = this.#messages;
    tally.text(delta['text']);
    tally.text(delta['thinking']);
    tally.text(delta['partial_json']);
    if (delta['type'] === 'compaction_delta') tally.text(delta['content']);
  }
}
