import { formatTarget, type Target } from '../../core/model/target.ts';
import { type RemovedTokens, withRemovedTokens } from '../../core/optimise/usage-without.ts';
import { profileOfModel } from '../../core/tokens/profile-of-model.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { TokenEncoding, Tokenizer } from '../../ports/tokenizer.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { editRequest } from '../../wire/prompt/edit-request.ts';
import { isManageable } from '../../wire/prompt/is-manageable.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';
import type { RequestEdit } from '../../wire/prompt/request-edit.ts';
import type { RequestPrompt } from '../../wire/prompt/request-prompt.ts';
import { attemptOf, type Attempt, type Call, type Middleware, type PromptChange } from '../compose.ts';
import type { ImageFitter } from './fitted-images.ts';
import type { ConversationPin, PlannedChange, PromptPlanner, PromptToPlan } from './prompt-plan.ts';

/** What {@link optimiseMiddleware} needs. @internal */
export interface OptimiseOptions {
  readonly planner: PromptPlanner;
  /** Undefined: images stay as they are. */
  readonly images: ImageFitter | undefined;
  readonly tokenizerOf: (encoding: TokenEncoding) => Promise<Tokenizer>;
  /** What the conversation is held to at a target. */
  readonly pinOf: (call: Call, attempt: Attempt) => Promise<ConversationPin>;
  /** Tokens that the target bills for one that we estimate. */
  readonly billedForOne: (target: Target) => number;
  readonly vendorOf: (target: Target) => string | undefined;
  readonly events: EventSink;
}

/** Smaller bodies have nothing to save that would be worth the work, in UTF-16 units. Ours. */
const LEAST_BODY_CHARS = 800;

/** More than any prompt has. */
const ALL_MESSAGES = 1_000_000_000;

/**
 * Makes the prompt of an attempt cheaper, as far as the operator's policy allows: tools and turns that may go, texts that can be shorter, images that
 * can be smaller. What it makes of a part depends on the part and on what stands before it alone, so that a conversation which goes on sends the
 * same beginning again and stays in the provider's cache.
 *
 * It steps aside: whatever fails, the request goes out as the caller wrote it.
 * @internal
 */
export function optimiseMiddleware(options: OptimiseOptions): Middleware {
  return {
    name: 'optimise',
    async handle(call, next) {
      const attempt = attemptOf(call);
      const { endpoint, text } = attempt.request;
      if (endpoint === 'embeddings' || endpoint === 'count-tokens' || text.length < LEAST_BODY_CHARS) return next(call);
      let optimised: Attempt | undefined;
      try {
        optimised = await optimisedAttempt(call, attempt, options);
      } catch (error) {
        call.state.decisions.push({ step: 'optimise', verdict: 'fault', target: formatTarget(attempt.target) });
        options.events.emit({ kind: 'internal-fault', callId: call.id, error });
        // What is cached now is what the caller wrote: later turns leave that so.
        optimised = { ...attempt, verbatimMessages: ALL_MESSAGES };
      }
      return next(optimised === undefined ? call : { ...call, attempt: optimised });
    },
  };
}

async function optimisedAttempt(call: Call, attempt: Attempt, options: OptimiseOptions): Promise<Attempt | undefined> {
  const { request, target } = attempt;
  const read = promptOf(request);
  if (read === undefined || !isManageable(read)) return undefined;
  const profile = profileOfModel({
    model: target.model,
    provider: options.vendorOf(target),
    endpoint: request.endpoint,
  });
  const [tokenizer, pin] = await Promise.all([options.tokenizerOf(profile.encoding), options.pinOf(call, attempt)]);
  const { changes, verbatimMessages } = await plannedChanges(
    { request, read, profile, tokenizer, pin: noted(pin, call, target) },
    options.planner,
  );
  const gone = new Set(
    changes.flatMap(({ kind, removed }) => (kind === 'history' ? removed : [])).map(({ message }) => message),
  );
  const images = (await options.images?.edits(read, target.model)) ?? [];
  const edits = [...changes.flatMap((change) => change.edits), ...images.filter((edit) => !isWithin(edit, read, gone))];
  if (edits.length === 0) return { ...attempt, verbatimMessages };
  note(call, attempt, changes, images.length > 0);
  return changedAttempt(attempt, editRequest(request, edits), {
    removed: placed(changes, read, options.billedForOne(target)),
    droppedMessages: [...gone],
    verbatimMessages,
  });
}

/**
 * What is done to a prompt. Where its beginning is cached as it came, it is changed only if what that saves in the turns to come is more than writing
 * the changed beginning once more.
 */
async function plannedChanges(
  prompt: PromptToPlan,
  planner: PromptPlanner,
): Promise<{ readonly changes: readonly PlannedChange[]; readonly verbatimMessages: number }> {
  const { pin } = prompt;
  if (pin.verbatimMessages === 0) return { changes: await planner.plan(prompt), verbatimMessages: 0 };
  const all = await planner.plan({ ...prompt, pin: { ...pin, verbatimMessages: 0 } });
  const within = all
    .flatMap(({ removed }) => removed)
    .filter(({ message }) => message < pin.verbatimMessages)
    .reduce((sum, { tokens }) => sum + tokens, 0);
  if (pin.dropping(within, pin.cachedTokens - within).isWorthIt) return { changes: all, verbatimMessages: 0 };
  return { changes: await planner.plan(prompt), verbatimMessages: pin.verbatimMessages };
}

/** The pin, with what it weighs told among the call's decisions. */
function noted(pin: ConversationPin, { state }: Call, target: Target): ConversationPin {
  return {
    ...pin,
    dropping: (droppedTokens, tokensBehind) => {
      const worth = pin.dropping(droppedTokens, tokensBehind);
      state.decisions.push({
        step: 'optimise',
        verdict: worth.isWorthIt ? 'rewrite' : 'keep',
        reason: `worth-${Math.round(worth.tokens)}-tokens`,
        target: formatTarget(target),
        ...(worth.amount === undefined ? {} : { effectNanoUsd: worth.amount }),
      });
      return worth;
    },
  };
}

/** Whether an edit touches a message that goes as a whole. */
function isWithin({ path }: RequestEdit, { messages }: RequestPrompt, gone: ReadonlySet<number>): boolean {
  return [...gone].some((message) => messages[message]?.path.every((step, index) => path[index] === step) === true);
}

function changedAttempt(
  attempt: Attempt,
  request: DecodedRequest,
  {
    removed,
    droppedMessages,
    verbatimMessages,
  }: {
    readonly removed: readonly RemovedTokens[];
    readonly droppedMessages: readonly number[];
    readonly verbatimMessages: number;
  },
): Attempt {
  const change: PromptChange = {
    step: 'optimise',
    removed,
    usageWithout: (usage) => withRemovedTokens(usage, removed),
  };
  return { ...attempt, request, changes: [...attempt.changes, change], droppedMessages, verbatimMessages };
}

/** Where in the prompt the removed tokens stood, by the sizes of what is before them. */
function placed(
  changes: readonly PlannedChange[],
  { prompt }: RequestPrompt,
  billedForOne: number,
): readonly RemovedTokens[] {
  const sizes = prompt.messages.map(({ blocks }) =>
    blocks.reduce((sum, block) => sum + ('text' in block ? block.text.length : 100), 0),
  );
  const toolChars = prompt.tools.reduce((sum, { text }) => sum + text.length, 0);
  const total = sizes.reduce((sum, size) => sum + size, toolChars) || 1;
  const before: number[] = [];
  let sum = toolChars;
  for (const size of sizes) {
    before.push(sum);
    sum += size;
  }
  return changes.flatMap(({ removed }) =>
    removed.map(({ message, tokens }) => ({
      atRatio: (before[message] ?? 0) / total,
      tokens: Math.floor(tokens * billedForOne),
    })),
  );
}

function note(call: Call, { target }: Attempt, changes: readonly PlannedChange[], hasImages: boolean): void {
  const tokens = changes.flatMap(({ removed }) => removed).reduce((sum, removed) => sum + removed.tokens, 0);
  const kinds = [...changes.map(({ kind }) => kind), ...(hasImages ? ['images'] : [])];
  const reason = `${kinds.join('-')}-${tokens}-tokens`;
  call.state.decisions.push({ step: 'optimise', verdict: 'changed', reason, target: formatTarget(target) });
}
