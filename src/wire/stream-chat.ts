import type { ReplyFacts } from '../core/model/reply.ts';
import { ChatTally, isUsageOnlyChunk } from './reply-chat.ts';
import { BROKEN_REPLY, replyError } from './reply-error.ts';
import { DeltaTemplate, isEmptyBeside, isPlainBeside } from './delta-template.ts';
import { isFilledList, objectOf, parseObject } from './reply-fields.ts';
import type { SseFrame } from './sse-framer.ts';
import type { FrameRole, StreamReader } from './stream-contract.ts';
import type { Fields } from './usage-count.ts';

/** The data that ends a chat stream. @internal */
export const DONE = '[DONE]';

/** Reads a chat completion stream, also those of compatible providers. @internal */
export class ChatStreamReader implements StreamReader {
  readonly #chat: ChatTally;
  readonly #template = new DeltaTemplate('content');

  constructor(samples: number) {
    this.#chat = new ChatTally(samples);
  }

  read(frame: SseFrame): FrameRole {
    const data = frame.data;
    if (data === undefined || data === '') return 'other';
    const text = frame.event === undefined ? this.#template.textOf(data) : undefined;
    if (text === undefined) return this.#parse(frame, data);
    this.#chat.tally.text(text);
    return 'content';
  }

  facts(): ReplyFacts {
    return this.#chat.facts();
  }

  hasContent(): boolean {
    return !this.#chat.tally.isEmpty;
  }

  hasEnded(): boolean {
    return this.#chat.tally.ended || this.#chat.hasFinished;
  }

  #parse(frame: SseFrame, data: string): FrameRole {
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
    const plain = frame.event === undefined ? plainText(chunk) : undefined;
    if (plain !== undefined) this.#template.remember(data, plain);
    return isFilledList(chunk['choices']) ? 'content' : 'other';
  }
}

/** The text of a chunk that does nothing but add it to one choice. */
function plainText(chunk: Fields): string | undefined {
  const choices = chunk['choices'];
  const choice: unknown = Array.isArray(choices) && choices.length === 1 ? choices[0] : undefined;
  const delta = objectOf(objectOf(choice)?.['delta']);
  const text = delta?.['content'];
  if (delta === undefined || typeof text !== 'string' || !isEmptyBeside(delta, ['content', 'role'])) return undefined;
  const isPlain = isPlainBeside(chunk, ['choices']) && isEmptyBeside(objectOf(choice) ?? {}, ['index', 'delta']);
  return isPlain && chunk['error'] === undefined ? text : undefined;
}
