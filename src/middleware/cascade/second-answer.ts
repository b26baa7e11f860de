import { FarthingError, isFarthingError } from '../../core/errors.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import type { AnswerView } from '../../core/verify/answer-view.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { editRequest } from '../../wire/prompt/edit-request.ts';
import type { RequestEdit } from '../../wire/prompt/request-edit.ts';
import type { Call, Next } from '../compose.ts';
import { collectedAnswers } from './collected-answers.ts';
import { ReplyCollector } from './reply-collector.ts';
import { subState } from './sub-state.ts';

/** An answer that is asked for to hold the first one against. @internal */
export interface SecondAnswer {
  /** Undefined: there is none. Settles once it is charged; never rejects. */
  readonly views: Promise<readonly AnswerView[] | undefined>;
  /** Calls it off: nobody needs it any more. Nothing where it is over. */
  drop(): void;
}

/** What {@link secondAnswer} needs. @internal */
export interface SecondAnswerOptions {
  readonly maxReplyBytes: number;
  readonly deadlineAt: number;
  /** Told of a fault of ours, for which no call fails: it is a check without an answer. */
  readonly onFault: (error: unknown) => void;
}

/** A second sample differs by chance alone: from the middle of what the model may say, and not by the seed of the first. */
const SAMPLE_EDITS: readonly RequestEdit[] = [{ kind: 'set-member', path: [], name: 'temperature', json: '1' }];

/** What would make the second sample the first once more; some models refuse `top_p` beside a temperature. */
const SAMPLE_REMOVED = ['seed', 'top_p'];

/**
 * Asks a call's question a second time, of another target or as another sample of the same one. Its cost is a side call of the call; its decisions are
 * told as those of step `verify`.
 * @internal
 */
export function secondAnswer(
  call: Call,
  { target, isSample }: { readonly target: Target; readonly isSample: boolean },
  next: Next,
  options: SecondAnswerOptions,
): SecondAnswer {
  const dropped = new AbortController();
  const drop = (): void => dropped.abort(new FarthingError('attempt-dropped', 'the answer needs no second one'));
  const views = asked(call, target, isSample, next, { ...options, dropped, drop }).catch((error: unknown) => {
    if (!isFarthingError(error)) options.onFault(error);
    return undefined;
  });
  return { views, drop };
}

interface AskOptions extends SecondAnswerOptions {
  readonly dropped: AbortController;
  readonly drop: () => void;
}

async function asked(
  call: Call,
  target: Target,
  isSample: boolean,
  next: Next,
  { dropped, drop, maxReplyBytes, deadlineAt }: AskOptions,
): Promise<readonly AnswerView[] | undefined> {
  const { request } = call.state;
  if (request === undefined) return undefined;
  const decided = call.state.decisions.length;
  // Its own list, which begins as the call's: steps look back in it.
  const decisions = [...call.state.decisions];
  const state = { ...subState(call.state, [target]), request: isSample ? sampledAgain(request) : request, decisions };
  const reply = new ReplyCollector(maxReplyBytes, drop);
  const body = state.request === request ? call.body : new TextEncoder().encode(state.request.text);
  const signal = AbortSignal.any([call.signal, dropped.signal]);
  try {
    const verifying = {
      ...call,
      kind: 'verify' as const,
      state,
      body,
      receiver: reply,
      signal,
      deadlineAt,
      mayMoveOn: true,
    };
    const outcome = await next(verifying);
    return outcome.kind === 'complete' && reply.failure === undefined
      ? collectedAnswers(call.endpoint, reply)
      : undefined;
  } finally {
    for (const decision of decisions.slice(decided)) {
      const isAttempt = decision.step === 'attempt';
      call.state.decisions.push(isAttempt ? { ...decision, step: 'verify', target: formatTarget(target) } : decision);
    }
  }
}

function sampledAgain(request: DecodedRequest): DecodedRequest {
  const removed = SAMPLE_REMOVED.filter((name) => request.members.has(name)).map((name) => ({
    kind: 'remove-member' as const,
    path: [],
    name,
  }));
  return editRequest(request, [...SAMPLE_EDITS, ...removed]);
}
