import type { CacheEntry, ReplyForm } from '../../core/model/cache-entry.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import { parseTarget } from '../../core/model/target.ts';
import type { Random } from '../../ports/clock.ts';
import type { Pricer } from '../../ports/pricer.ts';
import { convertReply } from '../../wire/convert-reply.ts';
import { type ReplayMarks, replayMarks, withFreshIds } from '../../wire/replay-marks.ts';
import type { ReplyFrame } from '../../wire/reply-frame.ts';
import type { Call, RequestShape } from '../compose.ts';

/** Digits of chance in a fresh id; ids of OpenAI and Anthropic are 24 to 29 characters long. */
const FRESH_ID_DIGITS = 32;

/** A stored answer in the form that the client asked for. @internal */
export interface Replay {
  readonly form: ReplyForm;
  readonly frames: readonly ReplyFrame[];
}

/** What replaying an entry changes in it. Found at its first replay, since most entries never have one. */
const marksOf = new WeakMap<CacheEntry, ReplayMarks>();

/** Prepares an entry for a client; undefined where it cannot be given in the form asked for. @internal */
export function prepareReplay(entry: CacheEntry, shape: RequestShape, random: Random): Replay | undefined {
  if (entry.endpoint === 'value' || entry.endpoint === 'sealed') return undefined;
  const marks = marksOf.get(entry) ?? replayMarks(entry.endpoint, entry.form, entry.body);
  if (marks === undefined) return undefined;
  marksOf.set(entry, marks);
  const body =
    marks.idRanges.length === 0 ? entry.body : withFreshIds(entry.body, marks.idRanges, random.hex(FRESH_ID_DIGITS));
  const form: ReplyForm = shape.isStream ? 'stream' : 'whole';
  if (entry.form === form || !ENDPOINTS[entry.endpoint].streams)
    return { form: entry.form, frames: storedFrames(marks, body) };
  const frames = convertReply(entry.endpoint, entry.form, body);
  return frames === undefined ? undefined : { form, frames };
}

function storedFrames({ usageRange }: ReplayMarks, body: Uint8Array): readonly ReplyFrame[] {
  if (usageRange === undefined) return [{ bytes: body, role: 'content' }];
  const [start, end] = usageRange;
  return [
    { bytes: body.subarray(0, start), role: 'content' },
    { bytes: body.subarray(start, end), role: 'usage-only' },
    { bytes: body.subarray(end), role: 'terminal' },
  ];
}

/** What {@link replayEntry} needs. @internal */
export interface ReplayTerms {
  /** `collapsed`: another process asked the same at the same time. */
  readonly status: 'hit' | 'stale' | 'collapsed';
  readonly pricer: Pricer;
  /** How long ago the same bytes were last sent or served, in milliseconds. */
  readonly sinceSameBytesMs: number;
}

/**
 * Answers a call from a stored entry: the bytes as the provider sent them, with a fresh top-level id. Cost is nothing; the
 * baseline is what the provider would have charged for the same bytes now, its own prompt cache included.
 * @internal
 */
export function replayEntry(call: Call, entry: CacheEntry, replay: Replay, terms: ReplayTerms): void {
  const { state, receiver } = call;
  const target = parseTarget(entry.target) ?? { provider: '', model: '' };
  state.cacheStatus = terms.status;
  state.served = entry;
  state.answer = {
    source: 'cache',
    target,
    servedModel: entry.servedModel,
    baselineUsage: terms.pricer.repeatedUsage(target, entry.baselineUsage ?? entry.usage, terms.sinceSameBytesMs),
    usage: entry.usage,
    terms: entry.terms,
  };
  const contentType = replay.form === 'stream' ? 'text/event-stream; charset=utf-8' : 'application/json';
  receiver.head({ status: 200, headers: { 'content-type': contentType }, form: replay.form });
  receiver.frames(replay.frames);
  receiver.end();
}
