import type { Prompt } from '../model/prompt.ts';

/** Which request of its conversation a prompt is, from 1: each answer that it holds was one before it. @public */
export function turnOf({ messages }: Prompt): number {
  let answers = 0;
  let wasAnswer = false;
  for (const { role } of messages) {
    if (role === 'assistant' && !wasAnswer) answers += 1;
    wasAnswer = role === 'assistant';
  }
  return answers + 1;
}
