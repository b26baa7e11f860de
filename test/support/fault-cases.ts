import type { UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';
import { FORMS } from './asked-calls.ts';

/** One fault that one form of call meets. */
export interface FaultCase {
  readonly form: (typeof FORMS)[number];
  readonly fault: UpstreamFault;
}

/** Frames of a stream of 12 parts are 15 to 22; from there on a cut comes behind the end. */
const FRAMES = [0, 1, 2, 3, 5, 8, 12, 13, 14, 15, 16, 17, 19, 21, 25];
const BYTES = [1, 7, 100, 311, 500, 1203, 2000];

/** How faults stop for good that are neither cut nor ended: by the times that the gateway allows. */
const SILENT: readonly UpstreamFault[] = [
  { kind: 'hang' },
  { kind: 'no-terminal', ending: 'open' },
  ...[0, 1, 3, 8, 15].map((frames): UpstreamFault => ({ kind: 'stall', after: { frames } })),
  ...[0, 3, 15].map((frames): UpstreamFault => ({ kind: 'stall', after: { frames }, pingEveryMs: 20 })),
  { kind: 'trickle', everyMs: 20, bytes: 1 },
];

const PLACED: readonly UpstreamFault[] = [
  ...[...FRAMES.map((frames) => ({ frames })), ...BYTES.map((bytes) => ({ bytes }))].flatMap((after) =>
    (['fin', 'rst', 'end', 'close'] as const).map((by): UpstreamFault => ({ kind: 'cut', after, by })),
  ),
  ...FRAMES.flatMap((afterFrames): UpstreamFault[] => [
    { kind: 'malformed', afterFrames, form: 'garbage' },
    { kind: 'malformed', afterFrames, form: 'half' },
    { kind: 'in-band-error', afterFrames },
    { kind: 'in-band-error', afterFrames, error: 'overloaded' },
    { kind: 'in-band-error', afterFrames, error: 'quota' },
  ]),
  ...[-2000, -500, -100, -20, -3, 1, 20, 5000].map((differenceBytes): UpstreamFault => ({
    kind: 'wrong-length',
    differenceBytes,
  })),
];

const WHOLE: readonly UpstreamFault[] = [
  ...[400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 504, 529].map((status): UpstreamFault => ({
    kind: 'status',
    status,
  })),
  { kind: 'status', status: 429, error: 'quota' },
  { kind: 'status', status: 400, error: 'context-length' },
  { kind: 'status', status: 400, error: 'content-filter' },
  { kind: 'status', status: 429, retryAfterMs: 20 },
  { kind: 'reset' },
  { kind: 'slow', delayMs: 50 },
  { kind: 'no-terminal', ending: 'end' },
  { kind: 'huge-headers', sizeBytes: 64_000 },
  { kind: 'redirect', status: 307, location: 'http://127.0.0.1:9/' },
  { kind: 'compressed' },
  { kind: 'trickle', everyMs: 1, bytes: 50 },
];

/** Every fault at every place, in every form of call. */
export const FAULT_CASES: readonly FaultCase[] = FORMS.flatMap((form) =>
  [...WHOLE, ...SILENT, ...PLACED].map((fault) => ({ form, fault })),
);
