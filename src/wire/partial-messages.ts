import { PartialProgress } from './partial-progress.ts';
import type { MessagesPartial } from './partial-text.ts';
import { objectOf } from './reply-fields.ts';
import type { StreamEvent } from './replay-events.ts';
import { type Fields, wordOf } from './usage-count.ts';

/** Gathers what a messages stream has brought so far. @internal */
export class MessagesProgress {
  readonly progress: PartialProgress = new PartialProgress();
  #hasStarted = false;
  #blocks = 0;
  #openType: string | undefined;

  take({ type, data }: StreamEvent): void {
    if (data === undefined) return;
    switch (type) {
      case 'message_start':
        this.#hasStarted = true;
        break;
      case 'content_block_start':
        this.#start(data['index'], objectOf(data['content_block']) ?? {});
        break;
      case 'content_block_delta':
        this.#add(objectOf(data['delta']) ?? {});
        break;
      case 'content_block_stop':
        this.#openType = undefined;
        break;
      case 'message_delta':
        if (wordOf(objectOf(data['delta'])?.['stop_reason']) !== undefined) this.progress.giveUp('finished');
        break;
      case 'message_stop':
        this.progress.giveUp('finished');
        break;
      default:
    }
  }

  partial(): MessagesPartial | 'not-started' | 'open-thinking' {
    if (!this.#hasStarted) return 'not-started';
    if (this.#openType !== undefined && this.#openType !== 'text') return 'open-thinking';
    const { text, hasThinking } = this.progress;
    const openIndex = this.#openType === undefined ? undefined : this.#blocks - 1;
    const isTextClosed = text !== '' && openIndex === undefined;
    return { endpoint: 'messages', text, hasThinking, isTextClosed, openIndex, nextIndex: this.#blocks };
  }

  #start(index: unknown, block: Fields): void {
    if (index !== this.#blocks || this.#openType !== undefined) this.progress.giveUp('unknown-event');
    this.#blocks += 1;
    this.#openType = wordOf(block['type']) ?? 'unknown';
    switch (this.#openType) {
      case 'text':
        this.progress.addText(block['text']);
        return;
      case 'thinking':
      case 'redacted_thinking':
        this.progress.hasThinking = true;
        return;
      case 'tool_use':
        this.progress.giveUp('tool-call');
        return;
      default:
        this.progress.giveUp('hosted-tool');
    }
  }

  #add(delta: Fields): void {
    switch (delta['type']) {
      case 'text_delta':
        this.progress.addText(delta['text']);
        return;
      case 'thinking_delta':
      case 'signature_delta':
        return;
      case 'citations_delta':
        this.progress.giveUp('citations');
        return;
      default:
        this.progress.giveUp('unknown-event');
    }
  }
}
