import type { ProviderErrorKind } from './provider-errors.ts';

/**
 * A place within a reply: behind so many frames, or behind so many bytes of the body. The frames of a stream are its events, those that open it
 * included; the frames of a whole reply are parts of its body, each of `frameBytes` bytes.
 * @public
 */
export type ReplyPlace = { readonly frames: number } | { readonly bytes: number };

/**
 * How a reply stops that is cut: `fin` closes the connection in the middle of a framed body, `rst` resets it; `end` ends the HTTP message properly,
 * so that only the protocol of the body tells that something is missing; `close` does the same for a body without a length, as HTTP/1.0
 * servers send it.
 * @public
 */
export type CutEnding = 'fin' | 'rst' | 'end' | 'close';

/**
 * A fault that the faulty upstream shows.
 * - `status`: an error status with the body that a real provider sends with it. `error` says which; left out, the usual one of the status.
 * - `hang`: takes the request and never answers.
 * - `reset`: resets the connection before any byte of a reply.
 * - `slow`: a good reply whose head comes late.
 * - `cut`: the reply stops at a place.
 * - `stall`: the reply is silent from a place on, for ever. `pingEveryMs` keeps it alive with pings, comments or blank lines, as providers do.
 * - `trickle`: a good reply, so many bytes (default 1) at a time.
 * - `malformed`: something that is not JSON. `garbage` is an event (a whole body) without any, `half` one whose JSON stops in the middle; a
 *   stream goes on behind it.
 * - `in-band-error`: a 200 that turns into an error event behind so many frames; a whole reply is an error object with status 200.
 * - `no-terminal`: a stream that stops behind the finish reason, without `[DONE]`, `message_stop` or `response.completed`, and then ends or
 *   stays open. Whole replies have no such event: they are good.
 * - `wrong-length`: a `content-length` that differs from the body's; the connection closes behind the body.
 * - `huge-headers`: a good reply behind so many bytes of headers.
 * - `redirect`: sends the caller to `location`.
 * - `compressed`: a good reply in gzip that nobody asked for.
 * @public
 */
export type UpstreamFault =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly error?: ProviderErrorKind;
      /** As `retry-after` has it: seconds, or a date. */
      readonly retryAfter?: string;
      /** As `retry-after-ms` has it. */
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'hang' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'cut'; readonly after: ReplyPlace; readonly by: CutEnding }
  | { readonly kind: 'stall'; readonly after: ReplyPlace; readonly pingEveryMs?: number }
  | { readonly kind: 'trickle'; readonly everyMs: number; readonly bytes?: number }
  | { readonly kind: 'malformed'; readonly afterFrames: number; readonly form: 'garbage' | 'half' }
  | { readonly kind: 'in-band-error'; readonly afterFrames: number; readonly error?: ProviderErrorKind }
  | { readonly kind: 'no-terminal'; readonly ending: 'end' | 'open' }
  | { readonly kind: 'wrong-length'; readonly differenceBytes: number }
  | { readonly kind: 'huge-headers'; readonly sizeBytes: number }
  | { readonly kind: 'redirect'; readonly status: 301 | 302 | 303 | 307 | 308; readonly location: string }
  | { readonly kind: 'compressed' };

/** A fault and the share of requests (0..1) that show it. @public */
export interface FaultShare {
  readonly fault: UpstreamFault;
  readonly ratio: number;
}
