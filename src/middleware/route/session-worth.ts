import type { Target } from '../../core/model/target.ts';
import { inputTokensOf, outputTokensOf, type Usage } from '../../core/model/usage.ts';
import type { TurnsToCome } from '../../core/prefix/turns-to-come.ts';
import { sessionCredit, sessionMove } from '../../core/route/session-move.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { SessionTarget } from './session-targets.ts';

/** What is asked before a conversation moves. @internal */
export interface MoveQuestion {
  readonly session: SessionTarget;
  readonly to: Target;
  /** The route's last target. */
  readonly strong: Target;
  /** By how much the prompt has grown since its last turn; rather too few. */
  readonly turnTokens: number;
  readonly nowMs: number;
}

/** A turn that was answered. @internal */
export interface AnsweredTurn {
  readonly target: Target;
  readonly strong: Target;
  readonly usage: Usage;
  /** Where the conversation was before; undefined: it has just begun. */
  readonly before: SessionTarget | undefined;
  readonly atMs: number;
}

/** What conversations cost here and there. @internal */
export interface SessionWorth {
  readonly pricer: Pick<Pricer, 'sessionPrices' | 'promptCache'>;
  /** How long conversations last. */
  readonly turns: TurnsToCome;
}

/**
 * Whether moving a conversation is worth reading its beginning anew. What answers cost is left out, since they cost no more at a target that conversations
 * may move to: so what moving saves is never overrated.
 * @internal
 */
export function isMoveWorth(
  { session, to, strong, turnTokens, nowMs }: MoveQuestion,
  { pricer, turns }: SessionWorth,
): boolean {
  const { promptTokens, turns: turn, target } = session;
  const prompt = promptTokens + turnTokens;
  const [from, there, best] = [target, to, strong].map((each) => pricer.sessionPrices(each, prompt, nowMs));
  if (from === undefined || there === undefined || best === undefined) return false;
  return (
    sessionMove({
      from,
      // Until a prompt is long enough for its cache, a conversation would read there what the strong target has in its own.
      to: isCached(to, promptTokens, pricer) ? there : { ...there, cacheRead: there.fresh },
      strong: best,
      cachedTokens: isWarm(session, nowMs, pricer) ? promptTokens : 0,
      promptTokens: prompt,
      turnTokens,
      outputTokens: 0,
      turnsToCome: turns.expected(turn + 1),
      creditPicoUsd: session.creditPicoUsd,
    }).kind === 'move'
  );
}

/** What a turn cost less than it would have at the strong target with a warm cache, in pico-dollars; 0 where nobody knows. @internal */
export function turnGain(
  { target, strong, usage, before, atMs }: AnsweredTurn,
  { pricer }: Pick<SessionWorth, 'pricer'>,
): number {
  const promptTokens = inputTokensOf(usage);
  const served = pricer.sessionPrices(target, promptTokens, atMs);
  const best = pricer.sessionPrices(strong, promptTokens, atMs);
  if (served === undefined || best === undefined) return 0;
  // What the strong target would have read, whether or not the one that answered did: short prompts are cached by some models and not by others.
  const wouldRead = before !== undefined && isWarm({ ...before, target: strong }, atMs, pricer);
  return sessionCredit({
    served,
    strong: best,
    promptTokens,
    readTokens: usage.cacheRead,
    strongReadTokens: Math.max(usage.cacheRead, wouldRead ? before.promptTokens : 0),
    outputTokens: outputTokensOf(usage),
  });
}

/** A cache whose life is not known is taken to be warm: then staying looks cheaper. */
function isWarm({ target, atMs }: SessionTarget, nowMs: number, pricer: SessionWorth['pricer']): boolean {
  const regime = pricer.promptCache(target);
  return regime === undefined || nowMs - atMs <= regime.ttlMs;
}

function isCached(target: Target, promptTokens: number, pricer: SessionWorth['pricer']): boolean {
  return promptTokens >= (pricer.promptCache(target)?.minimumTokens ?? Infinity);
}
