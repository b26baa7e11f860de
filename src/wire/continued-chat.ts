import type { ContinuedEvents } from './continued-events.ts';
import { eventFrame } from './event-frame.ts';
import type { ChatPartial } from './partial-text.ts';
import type { StreamEvent } from './replay-events.ts';
import { isFilledList, objectOf, objectsOf } from './reply-fields.ts';
import type { ReplyFrame } from './reply-frame.ts';
import type { TextSeam } from './text-seam.ts';
import { type Fields, wordOf } from './usage-count.ts';

/**
 * Makes the chunks of another chat completion go on in one that broke. Thoughts in plain text go on too, as their field has no place in the
 * order of the answer; `reasoning_details` are dropped when the first stream had some: they would be joined to those, under a signature that is not theirs.
 * @internal
 */
export class ContinuedChat implements ContinuedEvents {
  readonly #partial: ChatPartial;
  readonly #seam: TextSeam;
  #hasRole: boolean;
  #object: unknown = 'chat.completion.chunk';

  constructor(partial: ChatPartial, seam: TextSeam) {
    this.#partial = partial;
    this.#seam = seam;
    this.#hasRole = partial.hasRole;
  }

  take({ data }: StreamEvent, frame: ReplyFrame): readonly ReplyFrame[] {
    // `[DONE]`: what a stream without a finish reason left is sent before.
    if (data === undefined) return [...this.#heldBack(), frame];
    const choices = objectsOf(data['choices']);
    this.#object = data['object'] ?? this.#object;
    const chunk = { ...data, ...this.#partial.head };
    const choice = choices[0];
    if (choice === undefined || choices.length > 1) return [eventFrame(undefined, chunk, frame.role)];
    const { frames, delta } = this.#takeDelta(choice);
    const hasEnded = wordOf(choice['finish_reason']) !== undefined;
    if (Object.keys(delta).length === 0 && !hasEnded && objectOf(data['usage']) === undefined) return frames;
    return [...frames, eventFrame(undefined, { ...chunk, choices: [{ ...choice, delta }] }, frame.role)];
  }

  #takeDelta(choice: Fields): { readonly frames: readonly ReplyFrame[]; readonly delta: Fields } {
    const { role, content, ...rest } = objectOf(choice['delta']) ?? {};
    const delta: Record<string, unknown> = { ...rest };
    if (role !== undefined && !this.#hasRole) {
      delta['role'] = role;
      this.#hasRole = true;
    }
    if (this.#partial.hasReasoningDetails) delete delta['reasoning_details'];
    const text = this.#seam.take(textOf(content));
    const thoughts = this.#partial.hasParts ? objectsOf(content).filter((part) => part['type'] !== 'text') : [];
    if (thoughts.length > 0) {
      delta['content'] = text === '' ? thoughts : [...thoughts, { type: 'text', text }];
      return { frames: [], delta };
    }
    if (wordOf(choice['finish_reason']) !== undefined || isFilledList(delta['tool_calls'])) {
      return { frames: this.#texts(text + this.#seam.finish()), delta };
    }
    if (text !== '') delta['content'] = text;
    for (const [name, value] of Object.entries(delta)) if (value === null || value === '') delete delta[name];
    return { frames: [], delta };
  }

  #heldBack(): readonly ReplyFrame[] {
    return this.#texts(this.#seam.finish());
  }

  #texts(content: string): readonly ReplyFrame[] {
    if (content === '') return [];
    const choices = [{ index: 0, delta: { content }, finish_reason: null }];
    return [eventFrame(undefined, { object: this.#object, ...this.#partial.head, choices })];
  }
}

/** The text of a content, which is a text or a list of parts. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return objectsOf(content)
    .map((part) => (part['type'] === 'text' ? (wordOf(part['text']) ?? '') : ''))
    .join('');
}
