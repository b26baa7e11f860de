import type { PromptBlock } from '../model/prompt.ts';
import type { CountTokens } from './count-tokens.ts';
import type { TokenProfile } from './token-profile.ts';

type Call = Extract<PromptBlock, { readonly kind: 'tool-call' }>;

/** What the calls of tools in one message come to. @internal */
export function callTokens(blocks: readonly PromptBlock[], profile: TokenProfile, count: CountTokens): number {
  const calls = blocks.filter((block) => block.kind === 'tool-call');
  if (calls.length === 0) return 0;
  const { calls: billing, textFactor } = profile;
  if (billing.wrapsParallel && calls.length > 1) return wrappedTokens(calls, billing.names, count);
  return calls.reduce((sum, { name, argumentsText }) => {
    const written =
      billing.form === 'xml' ? argumentElements(argumentsText, billing.perArgumentTokens, count) : count(argumentsText);
    return sum + billing.perCallTokens + textFactor * (billing.names * count(name) + written);
  }, 0);
}

/** Several calls at once are one call of `multi_tool_use.parallel`; each result names its tool again. 7 tokens around it, as billed for 2 calls. */
const WRAPPER_TOKENS = 7;

function wrappedTokens(calls: readonly Call[], names: number, count: CountTokens): number {
  const uses = calls.map(
    ({ name, argumentsText }) => `{"recipient_name":"functions.${name}","parameters":${argumentsText || '{}'}}`,
  );
  const named = calls.reduce((sum, { name }) => sum + (names - 1) * count(name), 0);
  return count(`{"tool_uses":[${uses.join(',')}]}`) + named + WRAPPER_TOKENS;
}

/** Each argument stands in an element of its own; what is no object counts as it stands. */
function argumentElements(argumentsText: string, perArgumentTokens: number, count: CountTokens): number {
  const value = parsed(argumentsText);
  if (value === undefined) return count(argumentsText);
  return Object.entries(value).reduce((sum, [name, argument]) => {
    const text = typeof argument === 'string' ? argument : json(argument);
    return sum + perArgumentTokens + count(name) + count(text);
  }, 0);
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `JSON.stringify` recurses, so a value of thousands of levels throws. */
function json(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '';
  }
}
