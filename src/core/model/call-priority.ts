/** Who goes first when not all calls can: interactive ones before those of a batch. @public */
export type CallPriority = 'interactive' | 'batch';

/** All priorities, the least first. @public */
export const CALL_PRIORITIES: readonly CallPriority[] = ['batch', 'interactive'];

/** Whether a text names a priority. @public */
export function isCallPriority(text: string): text is CallPriority {
  return CALL_PRIORITIES.some((priority) => priority === text);
}
