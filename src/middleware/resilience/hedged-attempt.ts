import { isFarthingError } from '../../core/errors.ts';
import { nanoUsd } from '../../core/money.ts';
import type { HedgePolicy } from '../../core/resilience/resilience-policy.ts';
import type { Call } from '../compose.ts';
import type { AttemptEnd } from './attempt-end.ts';
import type { AttemptRunner, AttemptTask } from './attempt-runner.ts';
import type { CallCandidates } from './call-candidates.ts';
import { type Lane, Race } from './lane.ts';

/** How an attempt ended, with one that was made beside it. @internal */
export interface HedgedEnd {
  readonly end: AttemptEnd;
  /** Undefined where there was none, or a step of ours refused it. */
  readonly beside: AttemptEnd | undefined;
}

/** What {@link hedgedAttempt} works with. @internal */
export interface HedgeParts {
  readonly call: Call;
  readonly runner: AttemptRunner;
  readonly candidates: CallCandidates;
}

/**
 * Makes an attempt, and a second one beside it when the first shows nothing for longer than most do. The first to have something to show wins; the
 * other is called off and charged for what it cost. Second attempts come out of the retry budget of their target, and of the call's money.
 * @internal
 */
export async function hedgedAttempt(task: AttemptTask, policy: HedgePolicy, parts: HedgeParts): Promise<HedgedEnd> {
  const { call, runner, candidates } = parts;
  const delayMs = hedgeDelayMs(candidates, task.index, policy, call.state.shape?.isStream === true);
  if (delayMs === undefined) return { end: await runner.run(task), beside: undefined };
  const race = new Race();
  const first = race.lane(call.signal);
  const firstEnd = settled(runner.run({ ...task, lane: first }));
  const isSlow = await isStillOut(firstEnd, race, delayMs);
  const index = isSlow && !call.signal.aborted ? secondIndex(candidates, task.index) : undefined;
  if (index === undefined) return { end: unwrap(await firstEnd), beside: undefined };
  candidates.at(index).entry.budget.spend();
  const second = race.lane(call.signal);
  const ends = await Promise.all([firstEnd, settled(runner.run({ ...task, index, lane: second }))]);
  report(call, race, second, ends[1]);
  const told = race.winner === second ? ends[1] : betterFailure(ends, race, first);
  const other = told === ends[0] ? ends[1] : ends[0];
  return { end: unwrap(told), beside: 'end' in other ? other.end : undefined };
}

function hedgeDelayMs(
  candidates: CallCandidates,
  index: number,
  policy: HedgePolicy,
  isStream: boolean,
): number | undefined {
  const { entry } = candidates.at(index);
  const usualMs = (isStream ? entry.streamLatency : entry.wholeLatency).percentile(policy.percentileRatio);
  return usualMs === undefined ? undefined : Math.max(usualMs, policy.minDelayMs);
}

/** The next target that is well; the same one where it is alone. */
function secondIndex(candidates: CallCandidates, first: number): number | undefined {
  const states = candidates.states();
  const isFit = (index: number): boolean => {
    const state = states[index];
    return state?.state === 'good' && !state.isSpent && state.mayRetry;
  };
  const other = states.findIndex((state, index) => index !== first && state.visits === 0 && isFit(index));
  if (other >= 0) return other;
  return isFit(first) ? first : undefined;
}

type Settled = { readonly end: AttemptEnd } | { readonly error: unknown };

function settled(attempt: Promise<AttemptEnd>): Promise<Settled> {
  return attempt.then(
    (end) => ({ end }),
    (error: unknown) => ({ error }),
  );
}

function unwrap(result: Settled): AttemptEnd {
  if ('end' in result) return result.end;
  throw result.error;
}

/** False once the attempt has ended or shown something. */
async function isStillOut(attempt: Promise<Settled>, race: Race, delayMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, delayMs, true).unref();
  });
  try {
    return await Promise.race([attempt.then(() => false), race.decided.then(() => false), elapsed]);
  } finally {
    clearTimeout(timer);
  }
}

/** Where the second did not win: the first, unless a step of ours refused that one, or the second says that the request is wrong wherever it goes. */
function betterFailure([first, second]: readonly [Settled, Settled], race: Race, lane: Lane): Settled {
  if (race.winner === lane) return first;
  const isWrong = 'end' in second && second.end.failure === 'wrong';
  return 'end' in first && !isWrong ? first : second;
}

function report(call: Call, race: Race, second: Lane, end: Settled): void {
  const { state } = call;
  if ('error' in end) {
    const reason = isFarthingError(end.error) ? end.error.code : 'fault';
    state.decisions.push({ step: 'hedge', verdict: 'refused', reason });
    return;
  }
  const dropped = state.spending.charges.filter(({ outcome }) => outcome === 'attempt-dropped');
  const spent = dropped.reduce((sum, { amountNanoUsd }) => sum + (amountNanoUsd ?? 0), 0);
  const verdict = race.winner === second ? 'won' : 'lost';
  state.decisions.push({ step: 'hedge', verdict, effectNanoUsd: nanoUsd(-spent) });
}
