import type { CallState, RoutePlan } from '../compose.ts';

/**
 * The state of a part of a call that asks some of its targets only. What it spends, holds and decides is the call's; what it learns of an answer is its
 * own until {@link carryAnswer}.
 * @internal
 */
export function subState(state: CallState, targets: RoutePlan['targets']): CallState {
  const plan = state.plan && { ...state.plan, targets, cascade: undefined, balance: undefined };
  return { ...state, plan, answer: undefined, answering: undefined };
}

/** Makes the answer of a part that of the call. @internal */
export function carryAnswer(from: CallState, to: CallState): void {
  to.answer = from.answer;
  to.answering = from.answering;
  to.mayStore = from.mayStore;
  to.isResampled = from.isResampled;
  to.cacheStatus = from.cacheStatus;
  to.served = from.served;
}
