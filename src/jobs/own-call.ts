import type { Caller } from '../core/model/caller.ts';
import type { AttemptKind } from '../core/model/charge.ts';
import type { Decision } from '../core/model/decision.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import { type NanoUsd, ZERO_USD } from '../core/money.ts';
import type { Engine } from '../engine/engine-request.ts';
import type { ReplyHead, ReplySink } from '../ports/reply-sink.ts';
import { type AnswerTokens, answerTokens } from './answer-tokens.ts';

/** The engine as far as calls of our own need it. @internal */
export type AskedEngine = Pick<Engine, 'handle' | 'callRecord'>;

/** A call that nobody but Farthing asked for. @internal */
export interface OwnCall {
  readonly kind: Exclude<AttemptKind, 'call'>;
  readonly endpoint: Endpoint;
  /** Names a target as `provider/model` and asks for no stream. */
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** @defaultValue '' */
  readonly query?: string;
  /** Who pays. */
  readonly caller: Caller;
  /** The caller's own credentials, where they are for the provider that is asked; then the body names the model without it. @defaultValue none */
  readonly access?: CallerAccess | undefined;
  readonly signal: AbortSignal;
}

/** A provider that a caller asks with credentials of his own (library only). @internal */
export interface CallerAccess {
  readonly provider: string;
  readonly credentials: Readonly<Record<string, string>>;
}

/** What came of it. `reason` is the code with which the engine refused it, or how it ended. @internal */
export type OwnAnswer =
  | {
      readonly kind: 'answer';
      readonly reply: unknown;
      readonly tokens: AnswerTokens | undefined;
      readonly costNanoUsd: NanoUsd;
    }
  | { readonly kind: 'failed'; readonly reason: string; readonly costNanoUsd: NanoUsd };

/** Longest answer that is looked at, in bytes: 128,000 tokens of text are half a megabyte. Ours. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Makes a call of our own. It goes around routes and the cache: what is asked is this target, now. An answer from the cache would be the same
 * draw once more, and statistics that count it again would be surer than they may be.
 * Never rejects; an unpriced answer costs nothing that anybody could add up.
 * @internal
 */
export async function ownCall(engine: AskedEngine, call: OwnCall): Promise<OwnAnswer> {
  const sink = new AnswerSink();
  const signal = AbortSignal.any([call.signal, sink.signal]);
  const headers = { ...call.headers, 'x-farthing-route': 'off', 'x-farthing-cache': 'off' };
  const { access, ...asked } = call;
  await engine.handle({ ...asked, ...access, isOwn: true, headers, signal }, sink);
  const record = await engine.callRecord(sink.callId, call.caller.project).catch(() => undefined);
  const costNanoUsd = record?.costNanoUsd ?? ZERO_USD;
  const failed = (reason: string): OwnAnswer => ({ kind: 'failed', reason, costNanoUsd });
  if (sink.signal.aborted) return failed('too-large');
  // Its limit is not the one that the caller's answer had.
  if (record?.decisions.some(isLowered) === true) return failed('budget-lowered');
  if (record?.outcome !== 'complete' || sink.status >= 300) return failed(record?.outcome ?? 'no-record');
  const reply = sink.json();
  if (reply === undefined) return failed('not-json');
  return { kind: 'answer', reply, tokens: answerTokens(record.usage), costNanoUsd };
}

/** Whether a budget has lowered the output limit of a call: its answer may be shorter than another one for no fault of its model. @internal */
export function isLowered({ step, verdict }: Decision): boolean {
  return step === 'budget' && verdict === 'lowered';
}

/** Collects one answer of bounded size. */
class AnswerSink implements ReplySink {
  readonly #chunks: Uint8Array[] = [];
  readonly #full = new AbortController();
  #sizeBytes = 0;
  status = 0;
  callId = '';

  /** Fires when the answer is too long. */
  get signal(): AbortSignal {
    return this.#full.signal;
  }

  json(): unknown {
    try {
      const value: unknown = JSON.parse(Buffer.concat(this.#chunks).toString('utf8'));
      return value;
    } catch {
      return undefined; // as any other answer that is none
    }
  }

  head(head: ReplyHead): void {
    this.status = head.status;
    this.callId = head.headers['x-farthing-request-id'] ?? '';
  }

  write(chunk: Uint8Array): boolean {
    this.#sizeBytes += chunk.byteLength;
    if (this.#sizeBytes > MAX_ANSWER_BYTES) this.#full.abort();
    else this.#chunks.push(chunk);
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    // The record says how it ended.
  }

  abort(): void {
    this.status = 0;
  }
}
