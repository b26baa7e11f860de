import { setTimeout as delay } from 'node:timers/promises';

/** Waits; false when the signal ended the wait. @internal */
export async function pause(waitMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await delay(waitMs, undefined, { signal });
    return true;
  } catch {
    return false; // a delay fails in no other way
  }
}
