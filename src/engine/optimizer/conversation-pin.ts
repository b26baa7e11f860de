import { droppingWorth } from '../../core/prefix/dropping-worth.ts';
import type { TurnsToCome } from '../../core/prefix/turns-to-come.ts';
import { turnOf } from '../../core/prefix/turn-of.ts';
import type { PicoUsd } from '../../core/money.ts';
import { formatTarget } from '../../core/model/target.ts';
import type { Attempt } from '../../middleware/compose.ts';
import type { ConversationPin } from '../../middleware/optimise/prompt-plan.ts';
import type { WarmConversation } from '../../middleware/prefix/conversations.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';

const FREE: ConversationPin = {
  verbatimMessages: 0,
  cachedTokens: 0,
  droppedMessages: undefined,
  dropping: () => ({ isWorthIt: true, tokens: 0, amount: undefined }),
};

/**
 * What a conversation is held to at a target. Where nothing of it is cached there, to nothing. What was sent before the optimiser had begun stays as it was,
 * unless changing it is worth more than writing the prefix anew.
 * @param inputPrice - of uncached input at the target; undefined where it is not known.
 * @internal
 */
export function conversationPin(
  warm: WarmConversation | undefined,
  { request, target }: Attempt,
  optimizerVersion: string,
  turns: TurnsToCome,
  inputPrice: PicoUsd | undefined,
): ConversationPin {
  if (warm === undefined || warm.prefix.target !== formatTarget(target)) return FREE;
  const { prefix, turn } = warm;
  const read = promptOf(request);
  const turnsToCome = read === undefined ? 1 : turns.expected(turnOf(read.prompt)) + 1;
  return {
    verbatimMessages: prefix.optimizerVersion === optimizerVersion ? turn.verbatimMessages : sentAsTheyCame(warm),
    cachedTokens: prefix.cachedTokens,
    droppedMessages: turn.droppedMessages,
    dropping: (droppedTokens, tokensBehind) =>
      droppingWorth({
        writeRatio: prefix.writeRatio,
        readRatio: prefix.readRatio,
        droppedTokens,
        droppedAre: 'cached',
        cachedTokensBehind: Math.max(0, Math.min(tokensBehind, prefix.cachedTokens)),
        turnsToCome,
        inputPrice,
      }),
  };
}

/** Of an optimiser of another version nobody can say what it made: its prefix is lost anyway. */
function sentAsTheyCame({ prefix, turn }: WarmConversation): number {
  return prefix.optimizerVersion === '' ? turn.messages : 0;
}
