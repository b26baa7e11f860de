/**
 * The few numbers that shape the made-up day. Where a public production trace says something, the number is fitted to it:
 * - **Azure 2023 code** (AzurePublicDataset, CC BY 4.0): 8,819 requests in 57 minutes, context tokens p50 1,469 and p95 7,302,
 *   generated tokens p50 13 and p95 90, input to output 73:1, variance to mean of the counts per minute 121.
 * - **Azure 2023 conversation**: context p50 1,020 and p95 4,083, generated p50 129 and p95 451, input to output 5.5:1.
 * - **Mooncake conversation** (kvcache-ai, Apache-2.0): 12,031 requests in an hour, at least 33 % extend an earlier one seen within that hour,
 *   29 % of the prompt tokens repeat within five minutes, variance to mean of the counts per minute 2.8.
 *
 * No public trace says how often whole requests repeat in applications (Mooncake: 1 %, a chat product); the shares of questions and
 * duplicates are assumptions about a company with a help desk and batch jobs. Your share of repeats decides what you save.
 */

/** One simulated day in milliseconds. @internal */
export const DAY_MS = 86_400_000;

/** What a planned call is an example of. @internal */
export type TrafficKind =
  | 'chat-openai'
  | 'chat-anthropic'
  | 'question'
  | 'duplicate'
  | 'tool-loop'
  | 'embedding'
  | 'sampling'
  | 'abandoned'
  | 'mistake';

/** Share of the day's calls by kind; sums to 1. @internal */
export const TRAFFIC_SHARES: Readonly<Record<TrafficKind, number>> = {
  'chat-openai': 0.2,
  'chat-anthropic': 0.18,
  question: 0.22,
  duplicate: 0.12,
  'tool-loop': 0.1,
  embedding: 0.1,
  sampling: 0.06,
  abandoned: 0.01,
  mistake: 0.01,
};

/** How busy each hour of the day is, relative to the others: an office day (assumption; the traces are an hour long). @internal */
export const HOUR_WEIGHTS: readonly number[] = [
  2, 1.5, 1, 1, 1, 1.5, 3, 5, 8, 11, 12, 11, 9, 10, 12, 12, 11, 9, 7, 6, 5, 4, 3.5, 3,
];

/** Spread of the business of neighbouring ten-minute slots: between the steady Mooncake and the bursty Azure trace. @internal */
export const SLOT_SIGMA = 0.4;

/** Tokens of what a conversation is about (a document, a file), on top of the system prompt: puts prompts at the Azure code trace's p50 and p95. @internal */
export const CONTEXT_TOKENS: { readonly median: number; readonly p95: number; readonly most: number } = {
  median: 500,
  p95: 5000,
  most: 8000,
};

/** Tokens of a system prompt: long enough for every provider's prompt cache but that of Claude Haiku 4.5. @internal */
export const SYSTEM_TOKENS = 1200;

/** Chance that a conversation goes on after a turn (at least 0.33 in the Mooncake hour, which cuts conversations at both ends). @internal */
export const CONTINUE_RATIO = 0.65;

/** Turns that a conversation has at most. @internal */
export const MOST_TURNS = 12;

/** Time between a turn and the next (assumption). @internal */
export const TURN_GAP_MS: { readonly median: number; readonly p95: number } = { median: 75_000, p95: 420_000 };

/** Share of calls that ask for a stream, by kind of client (assumption: people read streams, programs do not). @internal */
export const STREAM_RATIO: { readonly people: number; readonly programs: number } = { people: 0.85, programs: 0.15 };

/** Questions that people ask again and again, by popularity 1 / rank. @internal */
export const QUESTION_COUNT = 90;

/** Documents that embedding jobs take their items from. @internal */
export const DOCUMENT_COUNT = 500;

/** Projects, each with a key of its own. @internal */
export const PROJECT_NAMES: readonly string[] = ['support', 'assistant', 'search'];
