import type { ReplyFacts } from '../core/model/reply.ts';
import { BROKEN_REPLY, replyError } from './reply-error.ts';
import { DeltaTemplate, isEmptyBeside, isPlainBeside } from './delta-template.ts';
import { objectOf, parseObject } from './reply-fields.ts';
import { MessagesTally } from './reply-messages.ts';
import type { SseFrame } from './sse-framer.ts';
import { DONE } from './stream-chat.ts';
import type { FrameRole, StreamReader } from './stream-contract.ts';
import { type Fields, wordOf } from './usage-count.ts';

/** Reads an Anthropic messages stream. @internal */
export class MessagesStreamReader implements StreamReader {
  readonly #messages: MessagesTally = new MessagesTally();
  readonly #template = new DeltaTemplate('text');

  read(frame: SseFrame): FrameRole {
    const data = frame.data;
    if (data === undefined || data === '') return 'other';
    const text = this.#template.textOf(data);
    if (text === undefined) return this.#parse(frame, data);
    this.#messages.tally.text(text);
    return 'content';
  }

  facts(): ReplyFacts {
    return this.#messages.facts();
  }

  hasContent(): boolean {
    return !this.#messages.tally.isEmpty;
  }

  hasEnded(): boolean {
    return this.#messages.tally.ended;
  }

  #parse(frame: SseFrame, data: string): FrameRole {
    if (data.trim() === DONE) return 'other';
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
    const plain = plainText(event);
    if (plain !== undefined) this.#template.remember(data, plain);
    return this.#take(type, event);
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

/** The text of a delta that does nothing but add it to a block. */
function plainText(event: Fields): string | undefined {
  const delta = objectOf(event['delta']);
  const text = delta?.['text'];
  // The type stands in the event itself, so that an event alike in all but its text is of this type, whatever its name says.
  if (delta?.['type'] !== 'text_delta' || typeof text !== 'string' || event['type'] !== 'content_block_delta')
    return undefined;
  return isEmptyBeside(delta, ['type', 'text']) && isPlainBeside(event, ['delta']) ? text : undefined;
}
