import type { PromptCacheRegime } from '../../core/model-catalogue.ts';
import { inputTokensOf, type Usage } from '../../core/model/usage.ts';
import { formatTarget } from '../../core/model/target.ts';
import { withImplicitCache, withoutPromptCache } from '../../core/optimise/usage-without.ts';
import { turnOf } from '../../core/prefix/turn-of.ts';
import type { CacheKeySpread } from '../../core/prefix/cache-key-spread.ts';
import type { TurnsToCome } from '../../core/prefix/turns-to-come.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Pricer } from '../../ports/pricer.ts';
import { type CallerMarks, callerMarks } from '../../wire/prompt/caller-marks.ts';
import { editRequest } from '../../wire/prompt/edit-request.ts';
import { breakpointEdit } from '../../wire/prompt/prompt-edits.ts';
import { isManageable } from '../../wire/prompt/is-manageable.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';
import type { RequestEdit } from '../../wire/prompt/request-edit.ts';
import type { RequestPrompt } from '../../wire/prompt/request-prompt.ts';
import {
  attemptOf,
  type Attempt,
  type Call,
  type Middleware,
  type Next,
  type Outcome,
  type PromptChange,
} from '../compose.ts';
import { type BlockChain, blockChain } from './block-chain.ts';
import type { Conversations } from './conversations.ts';
import { FirstFrameReceiver } from './first-frame-receiver.ts';
import type { PrefixWriters } from './prefix-writers.ts';
import { LIFE_MS, type TargetPlan, type TargetPrefixes } from './target-prefixes.ts';

/** What {@link prefixMiddleware} needs. @internal */
export interface PrefixOptions {
  /** False: prompts get no marks, and only what replies state is noted. */
  readonly plans: boolean;
  /** For how long a call may wait for another one that writes its prefix, in milliseconds. */
  readonly maxWaitMs: number;
  /** Names all that the optimiser makes of prompts; `''`: nothing. */
  readonly optimizerVersion: string;
  readonly prefixesOf: (target: string, regime: PromptCacheRegime) => TargetPrefixes;
  readonly conversations: Conversations;
  readonly conversationOf: (call: Call) => string;
  readonly writers: PrefixWriters;
  readonly keys: CacheKeySpread;
  readonly turns: TurnsToCome;
  readonly hash: (text: string) => string;
  readonly pricer: Pricer;
  readonly clock: Clock;
  readonly events: EventSink;
  /** Called when something was learnt of a target. */
  readonly onLearnt: (target: string) => void;
}

/** Vendors whose API takes `prompt_cache_key` (OpenAI's reference; docs.mistral.ai, chat completions). */
const TAKES_CACHE_KEY: ReadonlySet<string | undefined> = new Set(['openai', 'mistral']);

/** An attempt with its prompt read. */
interface Sending {
  /** Names the attempt among the writers of prefixes. */
  readonly name: string;
  readonly attempt: Attempt;
  readonly read: RequestPrompt;
  readonly marks: CallerMarks;
  readonly prefixes: TargetPrefixes;
  readonly chain: BlockChain;
  readonly conversation: string;
}

/**
 * Tells providers which part of a prompt to cache, where that pays by what was seen to come again, and notes what they state about it. What a caller says of
 * the cache itself is left alone. Of concurrent calls on one unwritten prefix one writes it.
 *
 * It steps aside: whatever fails, the request goes out as it came.
 * @internal
 */
export function prefixMiddleware(options: PrefixOptions): Middleware {
  return {
    name: 'prefix',
    async handle(call, next) {
      let sending: Sending | undefined;
      let marked: Marked | undefined;
      try {
        sending = sendingOf(call, options);
        if (sending !== undefined) marked = await markedAttempt(call, sending, options);
      } catch (error) {
        options.events.emit({ kind: 'internal-fault', callId: call.id, error });
      }
      if (sending === undefined) return next(call);
      return send(call, next, sending, marked, options);
    },
  };
}

function sendingOf(call: Call, options: PrefixOptions): Sending | undefined {
  const attempt = attemptOf(call);
  const { request, target } = attempt;
  const { endpoint, text } = request;
  if (endpoint === 'embeddings' || endpoint === 'count-tokens') return undefined;
  const regime = options.pricer.promptCache(target);
  if (regime === undefined) return undefined;
  const prefixes = options.prefixesOf(formatTarget(target), regime);
  // A body has more bytes than its prompt.
  if (text.length * prefixes.tokensPerByte < prefixes.minimum.tokens()) return undefined;
  const read = promptOf(request);
  if (read === undefined || !isManageable(read)) return undefined;
  return {
    name: options.writers.name(call.id),
    attempt,
    read,
    marks: callerMarks(request),
    prefixes,
    chain: blockChain(request, read, prefixes.tokensPerByte, options.hash),
    conversation: options.conversationOf(call),
  };
}

/** What an attempt says about the cache. */
interface Marked {
  readonly attempt: Attempt;
  /** Undefined: a cache key alone, which promises nothing. */
  readonly plan: TargetPlan | undefined;
  /** Tokens up to the last breakpoint. */
  readonly markedTokens: number;
}

async function markedAttempt(call: Call, sending: Sending, options: PrefixOptions): Promise<Marked | undefined> {
  const { attempt, prefixes, marks } = sending;
  const nowMs = options.clock.nowMs();
  if (!options.plans || !attempt.mayMark || !prefixes.takesMarks(nowMs)) return undefined;
  const { regime } = prefixes;
  const hasMarks = marks.breakpoints > 0 || marks.automatic || marks.options || marks.retention;
  const keyEdits = cacheKeyEdits(call, sending, options);
  if (hasMarks || !regime.writesPriced) {
    if (keyEdits.length === 0) return undefined;
    noteAdded(call, attempt, keyEdits);
    call.state.decisions.push({ step: 'prefix', verdict: 'key', target: formatTarget(attempt.target) });
    return { attempt: edited(attempt, keyEdits, undefined), plan: undefined, markedTokens: 0 };
  }
  return plannedAttempt(call, sending, keyEdits, options);
}

async function plannedAttempt(
  call: Call,
  sending: Sending,
  keyEdits: readonly RequestEdit[],
  options: PrefixOptions,
): Promise<Marked | undefined> {
  const { attempt, prefixes, chain } = sending;
  const nowMs = options.clock.nowMs();
  const rates = options.pricer.inputRates(attempt.target, chain.tokens, nowMs);
  const warm = (await options.conversations.find(sending.conversation))?.prefix;
  const isHere = warm?.target === formatTarget(attempt.target) && warm.keyIndex === (attempt.keyIndex ?? 0);
  const warmTokens = isHere ? warm.cachedTokens : 0;
  const planned = rates === undefined ? undefined : prefixes.plan(chain, rates, nowMs, warmTokens);
  if (planned === undefined) return undefined;
  // Half of what is left of the call's time is the provider's.
  const leftMs = Math.max(0, attempt.deadlineAt - options.clock.monotonicMs());
  const writeUntil = planned.breakpoints.at(-1)?.depth ?? 0;
  const mayMarkUntil = await options.writers.turn({
    name: sending.name,
    chain: chain.chain,
    writeFrom: planned.readsWarm ? writeUntil : planned.plan.cachedDepth,
    writeUntil,
    terms: { ...planned.ratios, maxWaitMs: Math.min(options.maxWaitMs, leftMs / 2) },
    signal: call.signal,
  });
  const lives = new Map(
    planned.breakpoints
      .filter(({ depth }) => depth <= mayMarkUntil)
      .map(({ depth, life }) => [markableDepth(chain, depth), life] as const),
  );
  lives.delete(0);
  const depths = [...lives.keys()];
  const markedDepth = Math.max(0, ...depths);
  planned.planner.placed(chain.chain, depths, nowMs);
  const edits: RequestEdit[] = prefixes.regime.kind === 'explicit' ? [] : [...keyEdits, explicitMode()];
  for (const [depth, life] of lives) {
    const place = chain.blocks[depth - 1]?.markPath ?? [];
    edits.push(breakpointEdit(attempt.request.endpoint, place, life === '1h' ? '1h' : '5m'));
  }
  noteAdded(call, attempt, edits);
  note(call, attempt, planned, markedDepth);
  if (edits.length === 0) return { attempt, plan: planned, markedTokens: 0 };
  const change: PromptChange = { step: 'prefix', usageWithout: undoMarks(sending, nowMs) };
  const markedTokens = chain.chain.slice(0, markedDepth).reduce((sum, { tokens }) => sum + tokens, 0);
  return { attempt: edited(attempt, edits, change), plan: planned, markedTokens };
}

/** What the provider would have stated without our marks: nothing cached, or all of it where the provider does so by itself. */
function undoMarks({ prefixes, chain }: Sending, nowMs: number): (usage: Usage) => Usage {
  if (prefixes.regime.kind === 'explicit') return withoutPromptCache;
  const seenRatio = prefixes.seenRatio(chain, nowMs);
  return (usage) => withImplicitCache(usage, seenRatio, prefixes.regime.minimumTokens);
}

/** The depth itself, or the nearest one before it, at which a breakpoint can be put; 0: there is none. */
function markableDepth({ blocks }: BlockChain, depth: number): number {
  return blocks.slice(0, depth).findLastIndex(({ markPath }) => markPath !== undefined) + 1;
}

function explicitMode(): RequestEdit {
  return { kind: 'set-member', path: [], name: 'prompt_cache_options', json: '{"mode":"explicit"}' };
}

/** One key for requests that share a beginning, so that they meet the same machine. */
function cacheKeyEdits(call: Call, sending: Sending, options: PrefixOptions): readonly RequestEdit[] {
  const { attempt, marks, chain, conversation } = sending;
  if (!TAKES_CACHE_KEY.has(options.pricer.vendorOf(attempt.target)) || attempt.request.endpoint === 'messages')
    return [];
  if (marks.cacheKey !== undefined) return [];
  const shared = chain.blocks[(chain.sectionDepths.at(-1) ?? 1) - 1]?.key ?? conversation;
  const key = options.keys.keyFor(
    options.hash(`${call.caller.project}\n${shared}`),
    conversation,
    options.clock.nowMs(),
  );
  return [{ kind: 'set-member', path: [], name: 'prompt_cache_key', json: JSON.stringify(key) }];
}

function edited(attempt: Attempt, edits: readonly RequestEdit[], change: PromptChange | undefined): Attempt {
  const request = editRequest(attempt.request, edits);
  return { ...attempt, request, changes: change === undefined ? attempt.changes : [...attempt.changes, change] };
}

function noteAdded({ state }: Call, { target }: Attempt, edits: readonly RequestEdit[]): void {
  const names = edits.flatMap((edit) => (edit.kind === 'mark' || edit.kind === 'set-member' ? [edit.name] : []));
  if (names.length > 0) state.addedMarks.set(formatTarget(target), [...new Set(names)]);
}

function note(call: Call, { target }: Attempt, { plan, life }: TargetPlan, markedDepth: number): void {
  const verdict =
    markedDepth === 0 ? 'plain' : plan.writeTokens > 0 && markedDepth > plan.cachedDepth ? 'write' : 'read';
  const reason = `${life}-${plan.cachedTokens}-cached-${verdict === 'write' ? plan.writeTokens : 0}-written-worth-${Math.round(plan.expectedWorthTokens)}`;
  call.state.decisions.push({ step: 'prefix', verdict, reason, target: formatTarget(target) });
}

async function send(
  call: Call,
  next: Next,
  sending: Sending,
  marked: Marked | undefined,
  options: PrefixOptions,
): Promise<Outcome> {
  const { name } = sending;
  const receiver = new FirstFrameReceiver(call.receiver, () => options.writers.begun(name));
  let outcome: Outcome | undefined;
  try {
    outcome = await next({ ...call, receiver, attempt: marked?.attempt ?? sending.attempt });
    return outcome;
  } finally {
    options.writers.over(name);
    learnSafely(call, sending, marked, outcome, options);
  }
}

/** What cannot be learnt from an answer is no reason to lose it. */
function learnSafely(
  call: Call,
  sending: Sending,
  marked: Marked | undefined,
  outcome: Outcome | undefined,
  options: PrefixOptions,
): void {
  try {
    learn(sending, marked, outcome, options);
  } catch (error) {
    options.events.emit({ kind: 'internal-fault', callId: call.id, error });
  }
}

/** Takes in what the reply states: what is cached now, how long prompts must be, how many tokens a byte is. */
function learn(
  sending: Sending,
  marked: Marked | undefined,
  outcome: Outcome | undefined,
  options: PrefixOptions,
): void {
  const { attempt, prefixes, chain, conversation, read } = sending;
  const nowMs = options.clock.nowMs();
  const isMarked = marked !== undefined && marked.attempt !== attempt;
  if (outcome?.kind === 'complete' && (isMarked || !attempt.mayMark)) {
    prefixes.observeMarks(attempt.mayMark, nowMs);
  }
  const usage = outcome?.kind === 'complete' ? outcome.facts?.usage : undefined;
  const planned = marked?.plan;
  if (usage === undefined) {
    planned?.planner.correct(chain.chain, planned.plan.cachedTokens);
    return;
  }
  const inputTokens = inputTokensOf(usage);
  const writtenTokens = usage.cacheWrite5m + usage.cacheWrite30m + usage.cacheWrite1h;
  const cachedTokens = usage.cacheRead + writtenTokens;
  prefixes.sent(chain, nowMs);
  options.turns.observe(turnOf(read.prompt));
  prefixes.observeSize(chain.textBytes, inputTokens);
  if (planned !== undefined && marked !== undefined && marked.markedTokens > 0) {
    // Ours are estimates: what was read and written is told as a share of the prompt.
    const scale = inputTokens === 0 ? 1 : chain.tokens / inputTokens;
    planned.planner.correct(chain.chain, cachedTokens * scale);
    prefixes.minimum.observe({ markedTokens: marked.markedTokens, readTokens: usage.cacheRead, writtenTokens });
    options.onLearnt(formatTarget(attempt.target));
  }
  const isImplicit = prefixes.regime.kind === 'implicit' && marked?.plan === undefined;
  const rates = options.pricer.inputRates(attempt.target, inputTokens, nowMs);
  const input = rates?.input ?? 0;
  options.conversations.observe(
    conversation,
    {
      target: formatTarget(attempt.target),
      keyIndex: attempt.keyIndex ?? 0,
      readTokens: usage.cacheRead,
      // Where the provider caches by itself, all of a prompt of some length is there for the next turn.
      writtenTokens:
        isImplicit && inputTokens >= prefixes.regime.minimumTokens ? inputTokens - usage.cacheRead : writtenTokens,
      ttlMs: usage.cacheWrite1h > 0 ? LIFE_MS['1h'] : prefixes.regime.ttlMs,
      readRatio: input === 0 ? 1 : (rates?.cacheRead ?? input) / input,
      writeRatio: planned?.ratios.writeRatio ?? 1,
      optimizerVersion: options.optimizerVersion,
    },
    {
      messages: read.prompt.messages.length + attempt.droppedMessages.length,
      verbatimMessages: attempt.verbatimMessages,
      droppedMessages: attempt.droppedMessages,
    },
  );
}
