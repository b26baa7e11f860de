import type { Prompt } from '../model/prompt.ts';

/** Which tools may be left out of a call. @public */
export interface UnusedToolsPolicy {
  /** Names that the operator declared safe to leave out; `*` stands for any run of characters. */
  readonly patterns: readonly string[];
  /** Names that `tool_choice` (or a list of allowed tools) gives. */
  readonly chosenNames: readonly string[];
  /** Whether the call says anything about the choice of tools: providers refuse a choice where there is no tool. */
  readonly hasToolChoice: boolean;
}

/**
 * The indexes of tools that may be left out, in order: those that were declared, that the conversation has not called or got a result of, that the call does
 * not choose, and that no words of the user name. One that was needed once stays for the rest of the conversation, so that its prefix changes but once.
 * @public
 */
export function unusedTools(prompt: Prompt, policy: UnusedToolsPolicy): readonly number[] {
  if (policy.patterns.length === 0 || prompt.tools.length === 0) return [];
  const needed = new Set(policy.chosenNames);
  let hasCalls = false;
  let asked = '';
  for (const { role, blocks } of prompt.messages) {
    for (const block of blocks) {
      if (block.kind === 'tool-call') needed.add(block.name);
      if (block.kind === 'tool-call' || block.kind === 'tool-result') hasCalls = true;
      if (block.kind === 'text' && role === 'user') asked += `${block.text}\n`;
    }
  }
  const unused = prompt.tools.flatMap(({ name }, index) => {
    const isNeeded = name === '' || needed.has(name) || asked.includes(name);
    return isNeeded || !policy.patterns.some((pattern) => isNamed(name, pattern)) ? [] : [index];
  });
  // A history with tool calls needs a list of tools (Anthropic), and so does a choice among them.
  const needsSome = hasCalls || policy.hasToolChoice || prompt.mustCallTool;
  return needsSome && unused.length === prompt.tools.length ? [] : unused;
}

/** Whether a name fits a pattern in which `*` stands for any run of characters. Each step back goes to the latest star only: name x pattern at the most. */
function isNamed(name: string, pattern: string): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    if (pattern[place] === '*') {
      star = place;
      resume = at;
      place += 1;
    } else if (pattern[place] === name[at]) {
      at += 1;
      place += 1;
    } else if (star >= 0) {
      resume += 1;
      at = resume;
      place = star + 1;
    } else return false;
  }
  while (pattern[place] === '*') place += 1;
  return place === pattern.length;
}
