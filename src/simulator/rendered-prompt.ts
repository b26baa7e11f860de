import { createHash } from 'node:crypto';
import { MESSAGE_OVERHEAD_TOKENS, TOKEN_BYTES } from './token-count.ts';

/** How long a breakpoint keeps the prompt before it. @internal */
export type BreakpointTtl = '5m' | '30m' | '1h';

/** A piece of a prompt in the provider's order: tools, system, messages. @internal */
export interface PromptSegment {
  /** `role` opens a message and weighs {@link MESSAGE_OVERHEAD_TOKENS}; `part` weighs its text. */
  readonly kind: 'role' | 'part';
  readonly text: string;
  /** The caller asks to cache the prompt up to the end of this part. */
  readonly breakpoint?: BreakpointTtl | undefined;
}

/** The end of a part, where a cached prefix may end. @internal */
export interface PromptBoundary {
  /** Tokens up to here. */
  readonly tokens: number;
  /** A digest of everything up to here. */
  readonly digest: string;
  readonly breakpoint: BreakpointTtl | undefined;
}

/** A prompt as simulated tokens. @internal */
export interface RenderedPrompt {
  readonly tokens: number;
  readonly boundaries: readonly PromptBoundary[];
  /** Digests of the first n, 2n, 3n ... tokens. */
  prefixDigests(everyTokens: number): readonly string[];
}

/**
 * Turns segments into tokens of exactly four bytes (the last of a part padded with zeros), so that the number of tokens is the
 * number of bytes divided by four and "the first n tokens are the same" can be decided by a digest.
 * @internal
 */
export function renderPrompt(segments: readonly PromptSegment[]): RenderedPrompt {
  const pieces: Buffer[] = [];
  const boundaries: PromptBoundary[] = [];
  const digest = createHash('sha256');
  let tokens = 0;
  for (const segment of segments) {
    const piece = tokenBytes(segment);
    pieces.push(piece);
    digest.update(piece);
    tokens += piece.byteLength / TOKEN_BYTES;
    if (segment.kind === 'role') continue;
    boundaries.push({ tokens, digest: digest.copy().digest('base64'), breakpoint: segment.breakpoint });
  }
  return { tokens, boundaries, prefixDigests: (everyTokens) => prefixDigests(Buffer.concat(pieces), everyTokens) };
}

function tokenBytes(segment: PromptSegment): Buffer {
  const bytes = Buffer.from(segment.text);
  const sizeTokens = segment.kind === 'role' ? MESSAGE_OVERHEAD_TOKENS : Math.ceil(bytes.byteLength / TOKEN_BYTES);
  const padded = Buffer.alloc(sizeTokens * TOKEN_BYTES);
  bytes.copy(padded);
  return padded;
}

function prefixDigests(bytes: Buffer, everyTokens: number): readonly string[] {
  const digests: string[] = [];
  const digest = createHash('sha256');
  const stepBytes = everyTokens * TOKEN_BYTES;
  for (let start = 0; start + stepBytes <= bytes.byteLength; start += stepBytes) {
    digest.update(bytes.subarray(start, start + stepBytes));
    digests.push(digest.copy().digest('base64'));
  }
  return digests;
}
