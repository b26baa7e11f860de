import type { AnswerView } from './answer-view.ts';

/** Any character that one can see: neither white space nor a control or format character, such as a zero width space. */
const VISIBLE = /[^\s\p{C}\u2800\u3164]/u;

/** `no-text` where an answer says nothing and calls no tool. @internal */
export function emptyFault({ text, toolCalls }: AnswerView): string | undefined {
  return toolCalls.length > 0 || VISIBLE.test(text) ? undefined : 'no-text';
}
