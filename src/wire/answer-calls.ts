import type { AnsweredToolCall } from '../core/verify/answer-view.ts';
import { type Fields, wordOf } from './usage-count.ts';

/**
 * Items of a response that the client has to answer although no function of its own is called, by the name of the tool that is meant (OpenAI's API reference). All
 * other `..._call` items ran at the provider.
 */
const CLIENT_TOOLS: ReadonlyMap<string, string> = new Map([
  ['local_shell_call', 'local_shell'],
  ['shell_call', 'shell'],
  ['apply_patch_call', 'apply_patch'],
  ['computer_call', 'computer'],
  ['mcp_approval_request', 'mcp'],
  ['tool_search_call', 'tool_search'],
]);

/** The tool call that an output item of a response is; undefined where it is something else. @internal */
export function calledItem(item: Fields): AnsweredToolCall | undefined {
  const type = wordOf(item['type']) ?? '';
  if (type === 'function_call') return { name: nameOf(item), argumentsText: stringOf(item['arguments']) };
  if (type === 'custom_tool_call') return { name: nameOf(item), argumentsText: stringOf(item['input']) };
  const tool = CLIENT_TOOLS.get(type);
  if (tool === undefined || item['execution'] === 'server') return undefined;
  const { action, operation } = item;
  return { name: tool, argumentsText: JSON.stringify(action ?? operation ?? item['arguments'] ?? {}) };
}

function nameOf(item: Fields): string {
  return wordOf(item['name']) ?? '';
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
