import type { Prompt, PromptMessage } from '../model/prompt.ts';

/**
 * Elements that agents put into the user's turn beside what the user wrote: reminders, their own state, what a command of theirs printed. As Claude Code,
 * Cline, Roo Code, Codex and Cursor send them; whoever scores them scores the agent, not the task (BerriAI/litellm#42720).
 */
const HARNESS_ELEMENTS: ReadonlySet<string> = new Set([
  'additional_data',
  'attached_files',
  'bash-stderr',
  'bash-stdout',
  'command-contents',
  'command-message',
  'command-name',
  'environment_context',
  'environment_details',
  'ide_diagnostics',
  'ide_opened_file',
  'ide_selection',
  'local-command-caveat',
  'local-command-stderr',
  'local-command-stdout',
  'open_and_recently_viewed_files',
  'project_layout',
  'system-reminder',
  'system_reminder',
  'task-notification',
  'user-prompt-submit-hook',
  'user_info',
  'user_instructions',
]);

/** Longer than any name above. */
const MAX_NAME_CHARS = 40;

const LESS_THAN = 0x3c;

/** What stands behind a name: a blank, the end of the tag, or another one's beginning. */
const NAME_ENDS: ReadonlySet<number> = new Set([0x09, 0x0a, 0x20, 0x3e, LESS_THAN]);

/**
 * The latest words of the user's own: neither tool results nor what an agent put around them. A turn that has nothing else, as between two calls of
 * tools, is passed over. Linear in the prompt.
 * @returns '' where the user said nothing.
 * @public
 */
export function latestUserText({ messages }: Prompt): string {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    if (message?.role !== 'user') continue;
    const text = ownWords(message);
    if (text !== '') return text;
  }
  return '';
}

function ownWords({ blocks }: PromptMessage): string {
  const texts: string[] = [];
  for (const block of blocks) {
    if (block.kind !== 'text') continue;
    const text = withoutHarness(block.text).trim();
    if (text !== '') texts.push(text);
  }
  return texts.join('\n');
}

/** An element that is never closed is left: somebody wrote about it. */
function withoutHarness(text: string): string {
  const unclosed = new Set<string>();
  let kept = '';
  let from = 0;
  let at = text.indexOf('<');
  while (at !== -1) {
    const name = elementName(text, at + 1);
    const end = name === undefined || unclosed.has(name) ? -1 : text.indexOf(`</${name}>`, at);
    if (end !== -1 && name !== undefined) {
      kept += text.slice(from, at);
      from = end + name.length + 3;
      at = text.indexOf('<', from);
      continue;
    }
    // So that many openings of one that never ends are looked for once.
    if (name !== undefined) unclosed.add(name);
    at = text.indexOf('<', at + 1);
  }
  return kept + text.slice(from);
}

/** Names hold no `<`: so no character is read twice, however many openings there are. */
function elementName(text: string, from: number): string | undefined {
  const most = Math.min(text.length, from + MAX_NAME_CHARS);
  let end = from;
  while (end < most && !NAME_ENDS.has(text.charCodeAt(end))) end += 1;
  if (text.charCodeAt(end) === LESS_THAN) return undefined;
  const name = text.slice(from, end);
  return HARNESS_ELEMENTS.has(name) ? name : undefined;
}
