import type { Prompt, PromptBlock } from '../model/prompt.ts';

/** A change of a conversation, by indexes into the prompt as it was. @public */
export type ConversationEdit =
  | { readonly kind: 'drop-message'; readonly message: number }
  /** Another text for a block that has one: of `text` and `tool-result` blocks only. */
  | { readonly kind: 'replace-text'; readonly message: number; readonly block: number; readonly text: string };

/** The prompt after edits. @public */
export function editedPrompt(prompt: Prompt, edits: readonly ConversationEdit[]): Prompt {
  const dropped = new Set<number>();
  const texts = new Map<number, Map<number, string>>();
  for (const edit of edits) {
    if (edit.kind === 'drop-message') dropped.add(edit.message);
    else {
      const blocks = texts.get(edit.message) ?? new Map<number, string>();
      texts.set(edit.message, blocks.set(edit.block, edit.text));
    }
  }
  const messages = prompt.messages.flatMap((message, index) => {
    if (dropped.has(index)) return [];
    const replaced = texts.get(index);
    if (replaced === undefined) return [message];
    return [{ ...message, blocks: message.blocks.map((block, place) => withText(block, replaced.get(place))) }];
  });
  return { ...prompt, messages };
}

function withText(block: PromptBlock, text: string | undefined): PromptBlock {
  return text === undefined || (block.kind !== 'text' && block.kind !== 'tool-result') ? block : { ...block, text };
}
