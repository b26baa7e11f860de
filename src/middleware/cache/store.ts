import { asksForJson, storability } from '../../core/cacheability.ts';
import { entryTimes } from '../../core/freshness.ts';
import type { CacheEntry, ReplyForm } from '../../core/model/cache-entry.ts';
import { formatTarget } from '../../core/model/target.ts';
import { NO_USAGE } from '../../core/model/usage.ts';
import { answerTexts } from '../../wire/answer-texts.ts';
import { wholeFromStream } from '../../wire/replay-whole-from-stream.ts';
import { type CacheOptions, keyOfAnswer, writeEntry } from './cache-access.ts';
import { type Call, decide, type Middleware, type Outcome } from '../compose.ts';
import { RecordingRoom, ReplyRecorder } from './reply-recorder.ts';

const decoder = new TextDecoder();

/** Answers of the largest size that may be recorded at a time; beyond it answers are passed on and not stored. Ours. */
const ENTRIES_AT_A_TIME = 2;

/**
 * Puts whole, good answers into the cache, under the model that answered. Runs for the leader of a shared call only. A fault of the
 * store is reported and counted; the answer is not touched: this step steps aside.
 * @param room - What all answers may take that are being recorded. @defaultValue that of {@link ENTRIES_AT_A_TIME}
 * @internal
 */
export function storeMiddleware(
  options: CacheOptions,
  room: RecordingRoom = new RecordingRoom(options.maxEntryBytes * ENTRIES_AT_A_TIME),
): Middleware {
  return {
    name: 'store',
    async handle(call, next) {
      const { key, mayStore } = call.state;
      if (key === undefined || !mayStore || call.endpoint === 'embeddings') return next(call);
      const recorder = new ReplyRecorder(call.receiver, options.maxEntryBytes, room);
      let outcome: Outcome;
      let entry: CacheEntry | undefined;
      try {
        outcome = await next({ ...call, receiver: recorder });
        entry = entryOf(call, outcome, recorder, options);
      } finally {
        recorder.forget();
      }
      if (entry === undefined) return outcome;
      const answerKey = keyOfAnswer(call, key, call.state.request?.body ?? {}, options);
      call.state.stored = await writeEntry(answerKey, entry, options);
      return outcome;
    },
  };
}

function entryOf(call: Call, outcome: Outcome, recorder: ReplyRecorder, options: CacheOptions): CacheEntry | undefined {
  const { state } = call;
  const { facts } = outcome;
  const charge = state.answer?.charge;
  if (outcome.kind !== 'complete' || facts === undefined || charge === undefined || state.answer === undefined)
    return undefined;
  // It was put together from the answers of two targets.
  if (!state.mayStore) return undefined;
  // The same question may have another answer next time.
  if (state.isResampled && options.policy.mode === 'deterministic') {
    decide(call, 'store', 'skip', 'sampling');
    return undefined;
  }
  const body = recorder.body();
  const { form } = recorder;
  const verdict = storability(facts, {
    status: charge.status ?? 0,
    sizeBytes: body?.byteLength ?? Infinity,
    maxEntryBytes: options.maxEntryBytes,
    samples: state.request?.samples ?? 1,
    isJson:
      body === undefined || !asksForJson(call.endpoint, state.request?.body ?? {})
        ? undefined
        : isJsonAnswer(call, form, body),
  });
  if (verdict.kind === 'skip' || body === undefined) {
    decide(call, 'store', 'skip', verdict.kind === 'skip' ? verdict.reason : 'too-large');
    return undefined;
  }
  return {
    ...entryTimes(options.clock.nowMs(), options),
    endpoint: call.endpoint,
    form,
    body,
    project: call.caller.project,
    tags: state.tags,
    target: formatTarget(state.answer.target),
    servedModel: facts.model,
    usage: facts.usage ?? NO_USAGE,
    ...(state.answer.baselineUsage === charge.usage ? {} : { baselineUsage: state.answer.baselineUsage }),
    terms: facts.terms,
    costNanoUsd: charge.amountNanoUsd,
  };
}

function isJsonAnswer(call: Call, form: ReplyForm, body: Uint8Array): boolean {
  const whole = form === 'whole' ? body : wholeFromStream(call.endpoint, body);
  if (whole === undefined) return false;
  try {
    return answerTexts(call.endpoint, JSON.parse(decoder.decode(whole))).every(
      (text) => JSON.parse(text) !== undefined,
    );
  } catch {
    return false; // the text is not JSON: the answer must not be served again
  }
}
