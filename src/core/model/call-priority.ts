/** Who goes first when not all calls can: interactive ones before those of a batch. @public */
export type CallPriority = 'interactive' | 'batch';

/** Whether a text names a priority. @public */
export function isCallPriority(text: string): text is CallPriority {
  return text === 'interactive' || text === 'batch';
}
