import { gzipSync } from 'node:zlib';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import { type AnswerShape, answerShape } from './expected-answer.ts';
import { type GoodFrame, streamFrames, wholeBody } from './good-reply.ts';
import { GATEWAY_PAGE, providerErrorBody, providerErrorEvent, usualError } from './provider-errors.ts';
import type { ReplyPlace, UpstreamFault } from './upstream-fault.ts';
import type { UpstreamRequest } from './upstream-request.ts';

/** What follows the last byte that is sent. */
type ReplyEnding =
  | { readonly kind: 'end' | 'fin' | 'rst' }
  | { readonly kind: 'silence'; readonly ping?: { readonly text: string; readonly everyMs: number } };

/** All that a reply will be, before a byte of it is written. @internal */
export interface PlannedReply {
  readonly kind: 'reply';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the body has neither a length nor chunks, so that the end of the connection ends it. */
  readonly isUnframed: boolean;
  /** Parts of the body, made when they are asked for. */
  readonly parts: Iterable<Uint8Array>;
  readonly ending: ReplyEnding;
  /** Whether the reply is the good answer, sent to its end. */
  readonly isGood: boolean;
  /** Before the head. */
  readonly delayMs: number;
  /** So many bytes at a time, so far apart; undefined leaves the pace to the upstream. */
  readonly trickle: { readonly bytes: number; readonly everyMs: number } | undefined;
}

/** What becomes of a request. @internal */
export type ReplyPlan = { readonly kind: 'hang' } | { readonly kind: 'reset' } | PlannedReply;

const JSON_TYPE = 'application/json';
const STREAM_TYPE = 'text/event-stream; charset=utf-8';
const PING_EVENT = 'event: ping\ndata: {"type": "ping"}\n\n';

/** Plans the reply to a request; no fault is the good answer. @internal */
export function replyPlan(
  request: UpstreamRequest,
  fault: UpstreamFault | undefined,
  answer: AnswerShape = {},
): ReplyPlan {
  if (fault?.kind === 'hang' || fault?.kind === 'reset') return { kind: fault.kind };
  if (fault?.kind === 'status') return statusReply(request, fault);
  const shape = answerShape(answer);
  return request.isStream ? streamReply(request, fault, shape) : wholeReply(request, fault, shape);
}

type BodyFault = Exclude<UpstreamFault, { readonly kind: 'hang' | 'reset' | 'status' }> | undefined;
/** Faults of the head or the pace: the body is the good one. */
type HeadFault =
  | Extract<UpstreamFault, { kind: 'slow' | 'trickle' | 'wrong-length' | 'huge-headers' | 'redirect' | 'compressed' }>
  | undefined;

function reply(contentType: string, parts: Iterable<Uint8Array>, changes: Partial<PlannedReply> = {}): PlannedReply {
  return {
    kind: 'reply',
    status: 200,
    isUnframed: false,
    parts,
    ending: { kind: 'end' },
    isGood: false,
    delayMs: 0,
    trickle: undefined,
    ...changes,
    headers: { 'content-type': contentType, 'x-request-id': 'req_faulty', ...changes.headers },
  };
}

/** A reply of one piece with its length. */
function piece(contentType: string, text: string | Uint8Array, changes: Partial<PlannedReply> = {}): PlannedReply {
  const bytes = Buffer.from(text);
  const headers = { 'content-length': String(bytes.byteLength), ...changes.headers };
  return reply(contentType, [bytes], { ...changes, headers });
}

function statusReply(request: UpstreamRequest, fault: Extract<UpstreamFault, { kind: 'status' }>): PlannedReply {
  const error = fault.error ?? usualError(fault.status);
  const headers = {
    ...(fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter }),
    ...(fault.retryAfterMs === undefined ? {} : { 'retry-after-ms': String(fault.retryAfterMs) }),
  };
  if (error === 'bad-gateway') return piece('text/html', GATEWAY_PAGE, { status: fault.status, headers });
  const body = providerErrorBody(ENDPOINTS[request.endpoint].protocol, error);
  return piece(JSON_TYPE, body, { status: fault.status, headers });
}

function wholeReply(request: UpstreamRequest, fault: BodyFault, shape: Required<AnswerShape>): PlannedReply {
  const body = Buffer.from(wholeBody(request, shape));
  const planned = piece(JSON_TYPE, body, { parts: slices(body, shape.frameBytes), isGood: true });
  switch (fault?.kind) {
    case 'malformed':
      return piece(JSON_TYPE, fault.form === 'garbage' ? GATEWAY_PAGE : body.subarray(0, body.byteLength / 2));
    case 'in-band-error':
      return piece(JSON_TYPE, providerErrorBody(ENDPOINTS[request.endpoint].protocol, fault.error ?? 'server-error'));
    case 'cut':
    case 'stall':
      return brokenReply({ ...planned, parts: upTo(planned.parts, fault.after), isGood: false }, fault, '\n');
    case 'no-terminal':
      return planned;
    case 'slow':
    case 'trickle':
    case 'wrong-length':
    case 'huge-headers':
    case 'redirect':
    case 'compressed':
    case undefined:
      return aroundReply(planned, fault);
  }
}

function streamReply(request: UpstreamRequest, fault: BodyFault, shape: Required<AnswerShape>): PlannedReply {
  const frames = streamFrames(request, shape);
  const ping = ENDPOINTS[request.endpoint].protocol === 'anthropic' ? PING_EVENT : ': keep-alive\n\n';
  switch (fault?.kind) {
    case 'malformed':
      return reply(STREAM_TYPE, bytesOf(withMalformed(frames, fault)));
    case 'in-band-error': {
      const { afterFrames, error = 'server-error' } = fault;
      const event = Buffer.from(providerErrorEvent(request.endpoint, error, afterFrames));
      return reply(STREAM_TYPE, followedBy(upTo(bytesOf(frames), { frames: afterFrames }), event));
    }
    case 'cut':
    case 'stall':
      return brokenReply(reply(STREAM_TYPE, upTo(bytesOf(frames), fault.after)), fault, ping);
    case 'no-terminal':
      return reply(STREAM_TYPE, bytesOf(withoutTerminal(frames)), {
        ending: fault.ending === 'end' ? { kind: 'end' } : { kind: 'silence' },
      });
    case 'slow':
    case 'trickle':
    case 'wrong-length':
    case 'huge-headers':
    case 'redirect':
    case 'compressed':
    case undefined:
      return aroundReply(reply(STREAM_TYPE, bytesOf(frames), { isGood: true }), fault);
  }
}

function brokenReply(
  planned: PlannedReply,
  fault: Extract<UpstreamFault, { kind: 'cut' | 'stall' }>,
  ping: string,
): PlannedReply {
  if (fault.kind === 'stall') {
    const { pingEveryMs } = fault;
    if (pingEveryMs === undefined) return { ...planned, ending: { kind: 'silence' } };
    // A body that grows by pings has no length that could be told.
    return { ...withoutLength(planned), ending: { kind: 'silence', ping: { text: ping, everyMs: pingEveryMs } } };
  }
  if (fault.by === 'fin' || fault.by === 'rst') return { ...planned, ending: { kind: fault.by } };
  return { ...withoutLength(planned), isUnframed: fault.by === 'close' };
}

function withoutLength(planned: PlannedReply): PlannedReply {
  const { 'content-length': _length, ...headers } = planned.headers;
  return { ...planned, headers };
}

function aroundReply(planned: PlannedReply, fault: HeadFault): PlannedReply {
  switch (fault?.kind) {
    case 'slow':
      return { ...planned, delayMs: fault.delayMs };
    case 'trickle':
      return { ...planned, trickle: { bytes: fault.bytes ?? 1, everyMs: fault.everyMs } };
    case 'wrong-length': {
      const body = Buffer.concat([...planned.parts]);
      const length = String(Math.max(0, body.byteLength + fault.differenceBytes));
      const headers = { ...planned.headers, 'content-length': length };
      return { ...planned, headers, parts: [body], ending: { kind: 'fin' }, isGood: false };
    }
    case 'huge-headers':
      return { ...planned, headers: { ...planned.headers, 'x-huge': 'h'.repeat(fault.sizeBytes) } };
    case 'redirect':
      return piece('text/html', '', { status: fault.status, headers: { location: fault.location } });
    case 'compressed': {
      const zipped = gzipSync(Buffer.concat([...planned.parts]));
      const headers = { 'content-encoding': 'gzip' };
      return piece(planned.headers['content-type'] ?? JSON_TYPE, zipped, { headers, isGood: true });
    }
    case undefined:
      return planned;
  }
}

function* bytesOf(frames: Iterable<GoodFrame>): Generator<Uint8Array> {
  for (const { text } of frames) yield Buffer.from(text);
}

function* slices(bytes: Uint8Array, sizeBytes: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += sizeBytes) yield bytes.subarray(start, start + sizeBytes);
}

function* upTo(parts: Iterable<Uint8Array>, place: ReplyPlace): Generator<Uint8Array> {
  let framesLeft = 'frames' in place ? place.frames : Infinity;
  let bytesLeft = 'bytes' in place ? place.bytes : Infinity;
  for (const part of parts) {
    if (framesLeft <= 0 || bytesLeft <= 0) return;
    yield part.byteLength > bytesLeft ? part.subarray(0, bytesLeft) : part;
    framesLeft -= 1;
    bytesLeft -= part.byteLength;
  }
}

function* followedBy(parts: Iterable<Uint8Array>, last: Uint8Array): Generator<Uint8Array> {
  yield* parts;
  yield last;
}

function* withoutTerminal(frames: Iterable<GoodFrame>): Generator<GoodFrame> {
  for (const frame of frames) if (!frame.isTerminal) yield frame;
}

function* withMalformed(
  frames: Iterable<GoodFrame>,
  fault: Extract<UpstreamFault, { kind: 'malformed' }>,
): Generator<GoodFrame> {
  let before = 0;
  for (const frame of frames) {
    if (before === fault.afterFrames) yield { text: malformedEvent(frame.text, fault.form), isTerminal: false };
    else yield frame;
    before += 1;
  }
}

/** The event that was due, spoilt. */
function malformedEvent(text: string, form: 'garbage' | 'half'): string {
  if (form === 'garbage') return 'data: upstream connect error or disconnect/reset before headers\n\n';
  const line = text.trimEnd();
  const start = line.indexOf('data: ') + 6;
  return `${line.slice(0, start + Math.ceil((line.length - start) / 2))}\n\n`;
}
