import type { ServedTerms, Usage } from './usage.ts';

/**
 * How a reply ended, the worst over all choices. `complete` and `tool-calls` are whole answers; every other value is not.
 * @public
 */
export type Finish =
  | 'complete'
  | 'tool-calls'
  | 'length'
  | 'refusal'
  | 'content-filter'
  | 'paused'
  | 'error'
  | 'unknown';

/** An error that the provider reported inside its reply. @public */
export interface ReplyError {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
}

/** What a decoder learnt from a reply beside its bytes. @public */
export interface ReplyFacts {
  /** The model that the reply names; providers resolve aliases to snapshots. */
  readonly model?: string;
  /** The reply's own top-level id. */
  readonly id?: string;
  /** Whether the protocol's end was seen (finish reason, `[DONE]`, `message_stop`, `response.completed`). */
  readonly ended: boolean;
  readonly finish: Finish;
  /** Normalised usage, absent when the reply stated none. */
  readonly usage?: Usage;
  readonly terms: ServedTerms;
  /** Set when the reply is or contains an error. */
  readonly error?: ReplyError;
  /** Whether tools that run at the provider took part (web search, code interpreter, MCP ...). */
  readonly usedHostedTools: boolean;
  /** Whether nothing was produced: no text, reasoning, tool call, audio, image or vector. */
  readonly isEmpty: boolean;
  /** How many answers (`n`) the reply holds; undefined where the protocol knows only one. */
  readonly choices?: number;
  /** UTF-8 bytes of text, reasoning and tool arguments produced so far: what an estimate starts from. */
  readonly outputBytes: number;
}
