import { isFarthingError } from '../../core/errors.ts';
import type { BatchStatus } from '../../core/model/batch-reply.ts';

/** What providers answer when a batch is over already: OpenAI 409 or 400, Anthropic 400. */
const OVER: ReadonlySet<number> = new Set([400, 409]);

/**
 * Cancels a batch; one that is over, or on its way to that, is well.
 * @internal
 */
export async function cancelRunning(cancel: () => Promise<unknown>, status: () => Promise<BatchStatus>): Promise<void> {
  try {
    await cancel();
  } catch (error) {
    if (!isFarthingError(error) || !OVER.has(error.status) || (await status()).state === 'running') throw error;
  }
}
