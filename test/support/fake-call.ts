import type { FarthingError } from '../../src/core/errors.ts';
import type { CacheKey } from '../../src/core/model/cache-entry.ts';
import type { Target } from '../../src/core/model/target.ts';
import {
  type Attempt,
  type Call,
  type CallState,
  newCallState,
  type ReplyReceiver,
  type UpstreamHead,
} from '../../src/middleware/compose.ts';
import type { DecodedRequest } from '../../src/wire/decoded-request.ts';
import { decodeRequest } from '../../src/wire/decode-request.ts';
import type { ReplyFrame } from '../../src/wire/reply-frame.ts';

/** A receiver that writes down what it gets and can be told to fall behind. */
export class NotingReceiver implements ReplyReceiver {
  gotHead: UpstreamHead | undefined;
  text = '';
  ending: 'open' | 'ended' | FarthingError = 'open';
  isSlow = false;
  #release: (() => void)[] = [];

  head(head: UpstreamHead): void {
    this.gotHead = head;
  }

  frames(frames: readonly ReplyFrame[]): boolean {
    for (const { bytes } of frames) this.text += new TextDecoder().decode(bytes);
    return !this.isSlow;
  }

  drained(): Promise<void> {
    return this.isSlow ? new Promise((resolve) => this.#release.push(resolve)) : Promise.resolve();
  }

  /** Catches up. */
  catchUp(): void {
    this.isSlow = false;
    for (const resolve of this.#release.splice(0)) resolve();
  }

  end(): void {
    this.ending = 'ended';
  }

  fail(error: FarthingError): void {
    this.ending = error;
  }
}

/** A call with nothing behind it, for testing one step. */
export function fakeCall(
  id: string,
  receiver: ReplyReceiver,
  signal: AbortSignal = new AbortController().signal,
): Call {
  const state: CallState = {
    ...newCallState(),
    shape: { model: 'm', isStream: true, wantsUsageChunk: false },
    key: 'key' as CacheKey,
    mayShare: true,
    mayStore: true,
    cacheStatus: 'miss',
  };
  return {
    id,
    kind: 'call',
    isOwn: false,
    arrivedAtMs: 0,
    arrivedAt: 0,
    endpoint: 'chat',
    body: new Uint8Array(),
    query: '',
    headers: {},
    caller: { project: 'p', keyId: 'k' },
    signal,
    credentials: undefined,
    pinnedProvider: undefined,
    receiver,
    state,
  };
}

const EMPTY_REQUEST: DecodedRequest = decodeRequest(
  'chat',
  new TextEncoder().encode('{"model":"gpt-5.4-mini","messages":[{"role":"user","content":"hello"}]}'),
);

/** An attempt at a target, for testing one step of the attempt chain. */
export function fakeAttempt(target: Target): Attempt {
  return {
    target,
    request: EMPTY_REQUEST,
    changes: [],
    droppedMessages: [],
    verbatimMessages: 0,
    mayMark: true,
    keyIndex: undefined,
    deadlineAt: Infinity,
    continues: undefined,
    refused: undefined,
    mayAnswer: () => true,
  };
}

/** One frame of text. */
export function frame(text: string, role: ReplyFrame['role'] = 'content'): ReplyFrame {
  return { bytes: new TextEncoder().encode(text), role };
}
