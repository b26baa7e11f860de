import type { PromptMessage } from '../model/prompt.ts';

/**
 * Messages that stay or go together, in their order.
 *
 * - `system`: a system message; always stays.
 * - `ask`: a message of the user that answers no tool call.
 * - `reply`: a run of assistant messages with the results of all tools that it calls.
 * @public
 */
export interface ConversationUnit {
  readonly kind: 'system' | 'ask' | 'reply';
  /** Index of its first message. */
  readonly start: number;
  /** Index behind its last message. */
  readonly end: number;
  /** Which turn it belongs to: a turn is a run of asks with the replies to them. -1 for what comes before the first ask. */
  readonly turn: number;
  /** Whether it calls tools or holds their results. */
  readonly hasTools: boolean;
}

/**
 * Cuts a conversation into the smallest pieces that may be left out without orphans: a tool call never parts from its result, whatever stands between
 * them, and items of one answer (reasoning, text, calls) never from each other. The units cover all messages in order. Linear.
 * @public
 */
export function conversationUnits(messages: readonly PromptMessage[]): readonly ConversationUnit[] {
  const reach = pairEnds(messages);
  const units: ConversationUnit[] = [];
  let turn = -1;
  let start = 0;
  let lastKind: ConversationUnit['kind'] | undefined;
  while (start < messages.length) {
    const end = unitEnd(messages, reach, start);
    const run = messages.slice(start, end);
    const kind = unitKind(run);
    if (kind === 'ask' && lastKind !== 'ask') turn += 1;
    units.push({ kind, start, end, turn, hasTools: run.some(touchesTools) });
    if (kind !== 'system') lastKind = kind;
    start = end;
  }
  return units;
}

/** A unit that had to take in messages of several kinds is a reply; it stays whole. */
function unitKind(run: readonly PromptMessage[]): ConversationUnit['kind'] {
  if (run.every(({ role }) => role === 'system')) return 'system';
  return run.every(isAsk) ? 'ask' : 'reply';
}

/** For each message the index of the last one that it cannot be parted from by a tool call. */
function pairEnds(messages: readonly PromptMessage[]): readonly number[] {
  const ends = messages.map((_, index) => index);
  // Ids may come again in a later turn: a result belongs to the latest open call of its id.
  const open = new Map<string, number>();
  for (const [index, message] of messages.entries()) {
    for (const block of message.blocks) {
      if (block.kind === 'tool-call') open.set(block.callId === '' ? block.name : block.callId, index);
      if (block.kind !== 'tool-result') continue;
      const called = open.get(block.callId);
      if (called !== undefined) ends[called] = Math.max(ends[called] ?? index, index);
    }
  }
  return ends;
}

function unitEnd(messages: readonly PromptMessage[], reach: readonly number[], start: number): number {
  let last = reach[start] ?? start;
  for (let index = start + 1; index < messages.length; index += 1) {
    if (index > last && startsUnit(messages, index)) return index;
    last = Math.max(last, reach[index] ?? index);
  }
  return messages.length;
}

function startsUnit(messages: readonly PromptMessage[], index: number): boolean {
  const message = messages[index];
  const before = messages[index - 1];
  if (message === undefined || before === undefined) return true;
  if (message.role === 'system' || isAsk(message)) return true;
  // A result without a call goes with what stands before it.
  return message.role === 'assistant' && before.role !== 'assistant';
}

function isAsk(message: PromptMessage): boolean {
  return message.role === 'user' && !message.blocks.some(({ kind }) => kind === 'tool-result');
}

function touchesTools(message: PromptMessage): boolean {
  return message.blocks.some(({ kind }) => kind === 'tool-call' || kind === 'tool-result');
}
