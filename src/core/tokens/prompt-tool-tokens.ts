import type { Prompt, PromptTool } from '../model/prompt.ts';
import type { CountTokens } from './count-tokens.ts';
import { hasParameters, openaiToolsText } from './openai-tools-text.ts';
import type { ToolBilling } from './token-profile.ts';

/** What marks a tool that Anthropic shows to the model only once it was searched for (its page on the tool search tool). */
const DEFERRED = '"defer_loading":true';

/** The block by which a search that was given back names a tool that it found. */
const REFERENCE = 'tool_reference';

/** What the tools of a prompt come to, with the words that come with them. @internal */
export function promptToolTokens(prompt: Prompt, billing: ToolBilling, count: CountTokens): number {
  const { tools, mustCallTool, mustNotCallTool } = prompt;
  const own = tools.filter(({ kind }) => kind !== 'hosted');
  const shown = own.filter(({ text }) => !text.includes(DEFERRED));
  const deferred = own.filter(({ text }) => text.includes(DEFERRED));
  const hostedTokens = tools.reduce((sum, tool) => sum + hostedToolTokens(tool, billing), 0);
  const loadedShare = deferred.length === 0 ? 0 : Math.min(1, referencesIn(prompt) / deferred.length);
  const hasNone = shown.length === 0 && hostedTokens === 0 && loadedShare === 0;
  if (hasNone || (mustNotCallTool === true && billing.omitsWhenForbidden)) return 0;
  const hasSystem = prompt.messages.some(
    ({ role, blocks }) => role === 'system' && blocks.some((block) => block.kind !== 'text' || block.text !== ''),
  );
  return (
    toolListTokens(shown, billing, count) +
    // Which of them were found is not known here.
    (loadedShare === 0 ? 0 : loadedShare * toolListTokens(deferred, billing, count)) +
    (hasSystem ? billing.firstToolWithSystemTokens : billing.firstToolTokens) +
    (mustCallTool ? billing.mustCallTokens : 0) +
    (shown.some(hasParameters) ? billing.withArgumentsTokens : 0) +
    hostedTokens
  );
}

function toolListTokens(tools: readonly PromptTool[], billing: ToolBilling, count: CountTokens): number {
  const written =
    billing.form === 'typescript'
      ? count(openaiToolsText(tools))
      : tools.reduce((sum, tool) => sum + count(toolJson(tool, billing.omitsEmptyParameters)), 0);
  return billing.factor * written + billing.perToolTokens * tools.length;
}

function referencesIn({ messages }: Prompt): number {
  return messages.reduce(
    (sum, { blocks }) => sum + blocks.filter((block) => block.kind === 'opaque' && block.type === REFERENCE).length,
    0,
  );
}

function hostedToolTokens({ kind, name }: PromptTool, { hostedTokens }: ToolBilling): number {
  return kind === 'hosted' && Object.hasOwn(hostedTokens, name) ? (hostedTokens[name] ?? 0) : 0;
}

function toolJson(tool: PromptTool, omitsEmptyParameters: boolean): string {
  if (tool.kind === 'custom') return tool.text;
  const { name, description } = tool;
  const parameters = omitsEmptyParameters && !hasParameters(tool) ? undefined : tool.parameters;
  try {
    return JSON.stringify({ description, name, parameters });
  } catch {
    // Thousands of levels: the tool's own text is there without recursion.
    return tool.text;
  }
}
