import type { ReplyFacts } from '../core/model/reply.ts';
import { BROKEN_REPLY, replyError } from './reply-error.ts';
import { objectOf, parseObject } from './reply-fields.ts';
import { ResponsesTally } from './reply-responses.ts';
import type { SseFrame } from './sse-framer.ts';
import { DONE } from './stream-chat.ts';
import type { FrameRole, StreamReader } from './stream-contract.ts';
import { type Fields, wordOf } from './usage-count.ts';

/** The events after which nothing of the answer comes. */
const RESPONSES_ENDS: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed']);

/** Reads a Responses stream. @internal */
export class ResponsesStreamReader implements StreamReader {
  readonly #responses: ResponsesTally = new ResponsesTally();

  read(frame: SseFrame): FrameRole {
    const data = frame.data;
    // OpenRouter and others close with `[DONE]`; the answer was whole before it, or is not.
    if (data === undefined || data === '' || data.trim() === DONE) return 'other';
    const event = parseObject(data);
    if (event === undefined) {
      this.#responses.tally.fail(BROKEN_REPLY);
      return 'error';
    }
    const type = wordOf(event['type']) ?? frame.event ?? '';
    if (type === 'error' || objectOf(event['error']) !== undefined) {
      this.#responses.tally.fail(replyError(event) ?? BROKEN_REPLY);
      return 'error';
    }
    if (!type.startsWith('response.')) return 'other';
    this.#take(type, event);
    return RESPONSES_ENDS.has(type) ? 'terminal' : 'content';
  }

  facts(): ReplyFacts {
    return this.#responses.facts();
  }

  hasContent(): boolean {
    return !this.#responses.tally.isEmpty;
  }

  hasEnded(): boolean {
    return this.#responses.tally.ended;
  }

  #take(type: string, event: Fields): void {
    const { tally } = this.#responses;
    if (type.endsWith('.delta')) {
      // Audio comes as base64: produced, but no text to count.
      if (type === 'response.audio.delta') tally.isEmpty = false;
      else tally.text(event['delta']);
      if (type === 'response.refusal.delta') this.#responses.refuse();
      return;
    }
    const item = objectOf(event['item']);
    if (item !== undefined) this.#responses.takeItem(item);
    const response = objectOf(event['response']);
    if (response === undefined) return;
    if (!RESPONSES_ENDS.has(type)) {
      tally.name(response);
      return;
    }
    this.#responses.takeResponse(response);
    if (type === 'response.failed' && tally.error === undefined) {
      tally.fail({ type: 'provider_error', message: 'The provider said that the response failed.' });
    }
  }
}
