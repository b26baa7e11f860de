import type { AnswerCheck, CheckedRequest } from '../core/verify/answer-check.ts';
import type { AnswerView } from '../core/verify/answer-view.ts';
import { type CheckPorts, checkAnswer } from '../core/verify/check-answer.ts';
import { inTime } from '../engine/in-time.ts';

/** For how long a program's own test may look at an answer, in milliseconds: one that never ends would keep its sample, and those behind it, for ever. Ours. */
export const TEST_PATIENCE_MS = 30_000;

/** Whether an answer passes checks. A test that takes too long has not said so. @internal */
export async function passesInTime(
  checks: readonly AnswerCheck[],
  answer: AnswerView,
  request: CheckedRequest,
  ports: CheckPorts,
): Promise<boolean> {
  try {
    return (await inTime(checkAnswer(checks, [answer], request, ports), TEST_PATIENCE_MS)).kind === 'passed';
  } catch {
    return false; // the time was over: checks never throw
  }
}
