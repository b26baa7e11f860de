import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import * as z from 'zod';
import type { TakenCall } from './send-traffic.ts';

/** What became of the calls that could wait. @internal */
export interface LaterAnswers {
  /** Taken, to be answered later. */
  readonly taken: number;
  /** Whose answer is there. */
  readonly answered: number;
  /** Of those: by a batch of the provider. */
  readonly byBatch: number;
  /** Of those: asked live or by the flex tier after all. */
  readonly byLive: number;
  /** That ended without an answer. */
  readonly failed: number;
  /** Whose answer was not there when the demo stopped waiting. */
  readonly missing: number;
}

/** Where answers are asked for and how long they are waited for. @internal */
export interface CollectOptions {
  readonly gatewayUrl: string;
  readonly withinMs: number;
}

/** Clients of a real day would wait as long as `retry-after` says; this day takes a minute. */
const PAUSE_MS = 250;
const CONNECTIONS = 16;

const doneSchema = z.object({ status: z.string(), way: z.string() });
type Done = z.infer<typeof doneSchema>;

/**
 * Asks for the answers of calls that were taken until all are there, or the time is over.
 * @throws Error when the gateway does not know a call that it took, and the socket's error when it cannot be reached.
 * @internal
 */
export async function collectAnswers(
  calls: readonly TakenCall[],
  { gatewayUrl, withinMs }: CollectOptions,
): Promise<LaterAnswers> {
  const pool = new Pool(gatewayUrl, { connections: CONNECTIONS });
  const done: Done[] = [];
  const endMs = performance.now() + withinMs;
  let open = calls;
  try {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- each round asks for what the one before it lacked
      const ends = await Promise.all(open.map((call) => askFor(pool, call)));
      done.push(...ends.filter((end) => end !== undefined));
      open = open.filter((_, index) => ends[index] === undefined);
      if (open.length === 0 || performance.now() >= endMs) break;
      await sleep(PAUSE_MS); // oxlint-disable-line no-await-in-loop -- the pause between two rounds
    }
  } finally {
    await pool.close();
  }
  const completed = done.filter(({ status }) => status === 'completed');
  const byBatch = completed.filter(({ way }) => way === 'batch').length;
  return {
    taken: calls.length,
    answered: completed.length,
    byBatch,
    byLive: completed.length - byBatch,
    failed: done.length - completed.length,
    missing: open.length,
  };
}

/** Undefined while the call waits. */
async function askFor(pool: Pool, { path, credentials }: TakenCall): Promise<Done | undefined> {
  const { statusCode, body } = await pool.request({ method: 'GET', path, headers: credentials });
  const text = await body.text();
  if (statusCode === 202) return undefined;
  if (statusCode === 200) return doneSchema.parse(JSON.parse(text));
  throw new Error(`the gateway does not tell of a call that it took: ${statusCode}`);
}
