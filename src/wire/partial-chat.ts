import { PartialProgress } from './partial-progress.ts';
import type { ChatPartial } from './partial-text.ts';
import { isFilledList, objectOf, objectsOf } from './reply-fields.ts';
import type { StreamEvent } from './replay-events.ts';
import { DONE } from './stream-chat.ts';
import { type Fields, wordOf } from './usage-count.ts';

/** Gathers what a chat completion stream has brought so far. @internal */
export class ChatProgress {
  readonly progress: PartialProgress = new PartialProgress();
  readonly #head: Record<string, unknown> = {};
  #hasStarted = false;
  #hasRole = false;
  #hasParts = false;
  #hasReasoningDetails = false;

  take({ type, data }: StreamEvent): void {
    if (type === DONE) this.progress.giveUp('finished');
    if (data === undefined) return;
    // Azure's first chunk has empty ones.
    for (const name of ['id', 'created', 'model']) this.#head[name] ||= data[name];
    if (isFilledList(data['citations']) || isFilledList(data['search_results'])) this.progress.giveUp('hosted-tool');
    for (const choice of objectsOf(data['choices'])) this.#takeChoice(choice);
  }

  partial(): ChatPartial | 'not-started' {
    if (!this.#hasStarted) return 'not-started';
    const { text, hasThinking } = this.progress;
    const head: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(this.#head)) if (value !== undefined) head[name] = value;
    return {
      endpoint: 'chat',
      text,
      hasThinking,
      isTextClosed: false,
      head,
      hasRole: this.#hasRole,
      hasParts: this.#hasParts,
      hasReasoningDetails: this.#hasReasoningDetails,
    };
  }

  #takeChoice(choice: Fields): void {
    this.#hasStarted = true;
    const { progress } = this;
    if ((choice['index'] ?? 0) !== 0) progress.giveUp('several-choices');
    if (isFilledList(objectOf(choice['logprobs'])?.['content'])) progress.giveUp('log-probabilities');
    const delta = objectOf(choice['delta']);
    if (delta !== undefined) this.#takeDelta(delta);
    if (wordOf(choice['finish_reason']) !== undefined) progress.giveUp('finished');
  }

  #takeDelta(delta: Fields): void {
    const { progress } = this;
    if (wordOf(delta['role']) !== undefined) this.#hasRole = true;
    if (isFilledList(delta['tool_calls'])) progress.giveUp('tool-call');
    const call = objectOf(delta['function_call']);
    if (wordOf(call?.['name']) !== undefined || wordOf(call?.['arguments']) !== undefined) progress.giveUp('tool-call');
    if (wordOf(delta['refusal']) !== undefined) progress.giveUp('refusal');
    if (objectOf(delta['audio']) !== undefined || isFilledList(delta['images'])) progress.giveUp('media');
    if (isFilledList(delta['annotations']) || isFilledList(delta['executed_tools'])) progress.giveUp('hosted-tool');
    if (isFilledList(delta['reasoning_details'])) this.#hasReasoningDetails = true;
    const hasReasoning = wordOf(delta['reasoning_content']) ?? wordOf(delta['reasoning']);
    if (hasReasoning !== undefined || this.#hasReasoningDetails) progress.hasThinking = true;
    this.#takeContent(delta['content']);
  }

  #takeContent(content: unknown): void {
    if (!Array.isArray(content)) {
      this.progress.addText(content);
      return;
    }
    this.#hasParts = true;
    for (const part of objectsOf(content)) {
      if (part['type'] === 'text') this.progress.addText(part['text']);
      else if (part['type'] === 'thinking') this.progress.hasThinking = true;
      else this.progress.giveUp('hosted-tool');
    }
  }
}
