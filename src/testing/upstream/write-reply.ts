import type { ServerResponse } from 'node:http';
import { wait } from '../../simulator/paced-writing.ts';
import type { PlannedReply } from './reply-plan.ts';

/** How fast a reply is written. @internal */
export interface ReplyPace {
  readonly firstFrameMs: number;
  /** 0 writes as fast as the reader reads. */
  readonly msPerFrame: number;
}

/** Without a pace, frames go out together up to this size. */
const WRITE_BYTES = 16_384;
/** For how long what was written has time to arrive before the connection breaks: a reset throws away what is under way. */
const ARRIVAL_MS = 10;

/**
 * Writes a planned reply; ends early when the client leaves.
 * @param isOver is called before the connection is broken from this side.
 * @internal
 */
export async function writeReply(
  response: ServerResponse,
  planned: PlannedReply,
  pace: ReplyPace,
  left: AbortSignal,
  isOver: () => void,
): Promise<void> {
  if (planned.delayMs + pace.firstFrameMs > 0) await wait(planned.delayMs + pace.firstFrameMs, left);
  if (left.aborted) return;
  response.useChunkedEncodingByDefault = !planned.isUnframed;
  response.writeHead(planned.status, { ...planned.headers, ...(planned.isUnframed ? { connection: 'close' } : {}) });
  response.flushHeaders();
  const everyMs = planned.trickle?.everyMs ?? pace.msPerFrame;
  let sizeBytes = 0;
  for (const part of writes(planned, everyMs)) {
    if (left.aborted) return;
    sizeBytes += part.byteLength;
    // oxlint-disable-next-line no-await-in-loop -- never faster than the reader
    if (!response.write(part)) await drained(response, left);
    // oxlint-disable-next-line no-await-in-loop -- one part after the other
    if (everyMs > 0) await wait(everyMs, left);
  }
  // With its length it has ended for its reader, whatever comes: what happens to the connection then would hit the next call.
  if (planned.headers['content-length'] === String(sizeBytes)) response.end();
  else await endReply(response, planned, left, isOver);
}

function* writes({ parts, trickle }: PlannedReply, everyMs: number): Generator<Uint8Array> {
  if (trickle !== undefined) {
    for (const part of parts) {
      for (let start = 0; start < part.byteLength; start += trickle.bytes)
        yield part.subarray(start, start + trickle.bytes);
    }
  } else if (everyMs > 0) yield* parts;
  else yield* joined(parts);
}

function* joined(parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let sizeBytes = 0;
  for (const part of parts) {
    pending.push(part);
    sizeBytes += part.byteLength;
    if (sizeBytes < WRITE_BYTES) continue;
    yield Buffer.concat(pending);
    pending = [];
    sizeBytes = 0;
  }
  if (pending.length > 0) yield Buffer.concat(pending);
}

async function endReply(
  response: ServerResponse,
  { ending }: PlannedReply,
  left: AbortSignal,
  isOver: () => void,
): Promise<void> {
  switch (ending.kind) {
    case 'end':
      response.end();
      return;
    case 'fin':
    case 'rst': {
      await wait(ARRIVAL_MS, left);
      if (left.aborted) return;
      isOver();
      const { socket } = response;
      if (ending.kind === 'rst') socket?.resetAndDestroy();
      else socket?.end();
      return;
    }
    case 'silence': {
      const { ping } = ending;
      while (!left.aborted) {
        // oxlint-disable-next-line no-await-in-loop -- until the client leaves
        await (ping === undefined ? aborted(left) : wait(ping.everyMs, left));
        if (ping !== undefined && !left.aborted) response.write(ping.text);
      }
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function drained(response: ServerResponse, left: AbortSignal): Promise<void> {
  if (left.aborted || !response.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      left.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    left.addEventListener('abort', done);
  });
}
