import type { ReplyFacts } from '../core/model/reply.ts';
import { ChatTally, isUsageOnlyChunk } from './reply-chat.ts';
import { BROKEN_REPLY, replyError } from './reply-error.ts';
import { isFilledList, parseObject } from './reply-fields.ts';
import type { SseFrame } from './sse-framer.ts';
import type { FrameRole, StreamReader } from './stream-contract.ts';

/** The data that ends a chat stream. @internal */
export const DONE = '[DONE]';

/** Reads a chat completion stream, also those of compatible providers. @internal */
export class ChatStreamReader implements StreamReader {
  readonly #chat: ChatTally = new ChatTally();

  read(frame: SseFrame): FrameRole {
    const data = frame.data;
    if (data === undefined || data === '') return 'other';
    if (data.trim() === DONE) {
      this.#chat.tally.ended = true;
      return 'terminal';
    }
    const chunk = parseObject(data);
    if (chunk === undefined) {
      this.#chat.tally.fail(BROKEN_REPLY);
      return 'error';
    }
    const hadError = this.#chat.tally.error !== undefined;
    this.#chat.take(chunk);
    if (frame.event === 'error') this.#chat.tally.fail(replyError(chunk) ?? BROKEN_REPLY);
    if (!hadError && this.#chat.tally.error !== undefined) return 'error';
    if (isUsageOnlyChunk(chunk)) return 'usage-only';
    return isFilledList(chunk['choices']) ? 'content' : 'other';
  }

  facts(): ReplyFacts {
    return this.#chat.facts();
  }

  hasContent(): boolean {
    return !this.#chat.tally.isEmpty;
  }
}
