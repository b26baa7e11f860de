import type { ReplyForm } from '../core/model/cache-entry.ts';
import { ENDPOINTS, type Endpoint } from '../core/model/protocol.ts';
import { isUsageOnlyChunk } from './reply-chat.ts';
import { objectOf, parseObject } from './reply-fields.ts';
import { type ByteRange, memberRange } from './replay-json-range.ts';
import { type SseFrame, SseFramer } from './sse-framer.ts';
import { DONE } from './stream-chat.ts';

/** What a replay changes in a stored body. @public */
export interface ReplayMarks {
  /** `[start, end, start, end ...]` of the top-level ids' texts, without quotes. */
  readonly idRanges: readonly number[];
  /** Where the extra usage event of a chat stream stands, its blank line included. */
  readonly usageRange: ByteRange | undefined;
}

const QUOTE = 0x22;
const DASH = 0x2d;
const UNDERSCORE = 0x5f;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const DATA_FIELD: readonly number[] = [0x64, 0x61, 0x74, 0x61, 0x3a];
const NO_MARKS: ReplayMarks = Object.freeze({ idRanges: Object.freeze([]), usageRange: undefined });

const decoder = new TextDecoder();

/**
 * Finds what a replay has to change: the top-level id (chat and messages; in a chat stream that of every chunk, in a messages stream that of
 * `message_start`) and the usage event that not every client gets. Responses keep their ids.
 * @returns undefined when the body cannot be marked: not JSON, an event of several lines, usage events apart from each other.
 * @public
 */
export function replayMarks(endpoint: Endpoint, form: ReplyForm, body: Uint8Array): ReplayMarks | undefined {
  if (form === 'stream') return streamMarks(endpoint, body);
  if (parseObject(decoder.decode(body)) === undefined) return undefined;
  if (endpoint !== 'chat' && endpoint !== 'messages') return NO_MARKS;
  return { idRanges: idRange(body, byteOrderMarkEnd(body), 'id'), usageRange: undefined };
}

function streamMarks(endpoint: Endpoint, body: Uint8Array): ReplayMarks | undefined {
  if (!ENDPOINTS[endpoint].streams) return undefined;
  if (endpoint === 'responses') return NO_MARKS;
  const framer = new SseFramer({ maxFrameBytes: body.byteLength + 1 });
  const frames = [...framer.push(body)];
  const rest = framer.finish();
  if (rest !== undefined) frames.push(rest);
  const idRanges: number[] = [];
  let usageRange: ByteRange | undefined;
  let start = 0;
  for (const frame of frames) {
    const end = start + frame.bytes.byteLength;
    const marks = frameMarks(endpoint, frame, body, start);
    if (marks === undefined) return undefined;
    for (const offset of marks.idRanges) idRanges.push(offset);
    if (marks.isUsage) {
      if (usageRange !== undefined && usageRange[1] !== start) return undefined;
      usageRange = [usageRange?.[0] ?? start, end];
    }
    start = end;
  }
  return { idRanges, usageRange };
}

interface FrameMarks {
  readonly idRanges: readonly number[];
  readonly isUsage: boolean;
}

const NO_FRAME_MARKS: FrameMarks = Object.freeze({ idRanges: Object.freeze([]), isUsage: false });

function frameMarks(endpoint: Endpoint, frame: SseFrame, body: Uint8Array, start: number): FrameMarks | undefined {
  if (frame.data === undefined || frame.data === '' || frame.data.trim() === DONE) return NO_FRAME_MARKS;
  const event = parseObject(frame.data);
  const data = dataStart(body, start, start + frame.bytes.byteLength);
  // JSON may be spread over several data lines; no provider does it, and offsets in such an event are not worth their code.
  if (event === undefined || data === undefined || frame.data.includes('\n')) return undefined;
  if (endpoint === 'chat') return { idRanges: idRange(body, data, 'id'), isUsage: isUsageOnlyChunk(event) };
  if (event['type'] !== 'message_start' || objectOf(event['message']) === undefined) return NO_FRAME_MARKS;
  const message = memberRange(body, data, 'message');
  return { idRanges: message === undefined ? [] : idRange(body, message[0], 'id'), isUsage: false };
}

/** The range of a text value without its quotes; none where the value is no text or is empty. */
function idRange(bytes: Uint8Array, start: number, key: string): readonly number[] {
  const range = memberRange(bytes, start, key);
  if (range === undefined || bytes[range[0]] !== QUOTE || range[1] - range[0] <= 2) return [];
  return [range[0] + 1, range[1] - 1];
}

/** Offset behind `data:` of the first such line of a frame. */
function dataStart(bytes: Uint8Array, start: number, end: number): number | undefined {
  let line = start === 0 ? byteOrderMarkEnd(bytes) : start;
  while (line < end) {
    const lineStart = line;
    if (DATA_FIELD.every((byte, index) => bytes[lineStart + index] === byte)) return lineStart + DATA_FIELD.length;
    while (line < end && bytes[line] !== LINE_FEED && bytes[line] !== CARRIAGE_RETURN) line += 1;
    line += 1;
  }
  return undefined;
}

function byteOrderMarkEnd(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/**
 * A copy of a stored body with a fresh id in the given ranges. Every id keeps its length and its prefix up to the first `-` or `_` (`chatcmpl-`,
 * `msg_`); the rest is filled from `newIdHex`, repeated where it is short. Ranges of one length and prefix so get the same id. Linear.
 * @param idRanges - as {@link replayMarks} gives them.
 * @param newIdHex - letters and digits, at least one.
 * @throws RangeError when `newIdHex` holds anything else.
 * @public
 */
export function withFreshIds(body: Uint8Array, idRanges: readonly number[], newIdHex: string): Uint8Array {
  if (!/^[A-Za-z0-9]+$/.test(newIdHex)) throw new RangeError('a fresh id needs letters and digits');
  const copy = body.slice();
  // The longest text written so far: chunks of a stream have ids of one length, and copying is faster than writing.
  let sourceStart = 0;
  let sourceEnd = 0;
  for (let index = 0; index + 1 < idRanges.length; index += 2) {
    const end = idRanges[index + 1] ?? 0;
    const start = freshStart(copy, idRanges[index] ?? 0, end);
    if (end - start <= sourceEnd - sourceStart) {
      copy.copyWithin(start, sourceStart, sourceStart + end - start);
      continue;
    }
    for (let at = start; at < end; at += 1) copy[at] = newIdHex.charCodeAt((at - start) % newIdHex.length);
    sourceStart = start;
    sourceEnd = end;
  }
  return copy;
}

/** Offset behind the prefix of an id; an id that is all prefix, or has none, is replaced as a whole. */
function freshStart(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== DASH && bytes[at] !== UNDERSCORE) at += 1;
  return at + 1 >= end ? start : at + 1;
}
