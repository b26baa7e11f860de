import { type NanoUsd, nanoUsd } from '../../src/core/money.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import { parseTarget } from '../../src/core/model/target.ts';
import { NO_USAGE } from '../../src/core/model/usage.ts';
import type { EngineRequest } from '../../src/engine/engine-request.ts';
import type { AskedEngine } from '../../src/jobs/own-call.ts';
import type { ReplySink } from '../../src/ports/reply-sink.ts';

/** What a fake target says: a text, the code of a refusal, or {@link HANGS}. */
export type FakeAnswer = string | { readonly refusal: string } | typeof HANGS;

/** Nothing comes until the call is aborted. */
export const HANGS: unique symbol = Symbol('hangs');

/** A call record with sensible values. */
export function recordOf(changes: Partial<CallRecord> = {}): CallRecord {
  return {
    callId: 'call_1',
    atMs: 0,
    project: 'tests',
    keyId: 'key_1',
    tags: {},
    endpoint: 'chat',
    modelAsked: 'house',
    target: 'p/strong',
    servedModel: undefined,
    isStream: false,
    status: 200,
    outcome: 'complete',
    cacheStatus: 'miss',
    usage: NO_USAGE,
    costNanoUsd: nanoUsd(1000),
    baselineNanoUsd: undefined,
    savedNanoUsd: undefined,
    savedParts: undefined,
    isEstimate: false,
    missedByMode: undefined,
    attempts: 1,
    durationMs: 1,
    firstByteMs: 1,
    decisions: [],
    route: undefined,
    ...changes,
  };
}

/** A whole reply with one text. */
export function replyText(endpoint: Endpoint, text: string): string {
  if (endpoint === 'messages') return JSON.stringify({ content: [{ type: 'text', text }], stop_reason: 'end_turn' });
  if (endpoint === 'responses') {
    const output = [{ type: 'message', content: [{ type: 'output_text', text }] }];
    return JSON.stringify({ status: 'completed', output });
  }
  return JSON.stringify({
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
  });
}

/** A request that the fake engine was given. */
export interface AskedCall extends EngineRequest {
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An engine whose targets say what a test wants; each call costs as much as `costs` says. */
export class FakeAskedEngine implements AskedEngine {
  readonly calls: AskedCall[] = [];
  readonly records: CallRecord[] = [];
  costNanoUsd: NanoUsd = nanoUsd(10);
  readonly #answer: (model: string, call: AskedCall) => FakeAnswer;

  /** @param answer - by the model's name without its provider. */
  constructor(answer: (model: string, call: AskedCall) => FakeAnswer) {
    this.#answer = answer;
  }

  /** Models that were asked, in order, with what for. */
  asked(): readonly string[] {
    return this.calls.map(({ kind, fields }) => `${kind} ${String(fields['model'])}`);
  }

  async handle(request: EngineRequest, sink: ReplySink): Promise<void> {
    const fields = JSON.parse(Buffer.from(request.body).toString()) as Record<string, unknown>;
    const call = { ...request, fields };
    this.calls.push(call);
    const answer = this.#answer(parseTarget(String(fields['model']))?.model ?? '', call);
    if (answer === HANGS) await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
    const refusal = answer === HANGS ? 'client-left' : typeof answer === 'string' ? undefined : answer.refusal;
    const callId = `own_${this.calls.length}`;
    const costNanoUsd = refusal === undefined ? this.costNanoUsd : nanoUsd(0);
    const status = refusal === undefined ? 200 : 402;
    const { project, keyId } = request.caller;
    this.records.push(recordOf({ callId, project, keyId, costNanoUsd, status, outcome: refusal ?? 'complete' }));
    sink.head({ status, headers: { 'x-farthing-request-id': callId } });
    sink.write(Buffer.from(typeof answer === 'string' ? replyText(request.endpoint, answer) : '{}'));
    sink.end();
  }

  async callRecord(callId: string, project: string): Promise<CallRecord | undefined> {
    return this.records.find((record) => record.callId === callId && record.project === project);
  }
}
