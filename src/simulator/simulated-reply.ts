import type { Usage } from '../core/model/usage.ts';
import type { JsonObject } from './json-value.ts';
import type { BilledTier } from './provider-invoice.ts';
import type { SimulatedModel } from './simulated-model.ts';

/** A part of a reply's body that is written at one moment. @internal */
export interface ReplyFrame {
  readonly text: string;
  /** Tokens that have been generated when this frame goes out: decides when, and what is billed if the stream ends here. */
  readonly outputTokens: number;
}

/** A successful reply, ready to be paced out. @internal */
export interface SimulatedReply {
  readonly model: SimulatedModel;
  readonly contentType: 'application/json' | 'text/event-stream; charset=utf-8';
  readonly frames: readonly ReplyFrame[];
  /** What the reply states; `output` includes reasoning. Undefined for what is free (counting, lists). */
  readonly usage: Usage | undefined;
  /** Whether the body tells the client the usage; a chat stream does so only when asked. */
  readonly statesUsage: boolean;
}

/** What every endpoint is given. @internal */
export interface AnsweringContext {
  /** The credential, as the name of the account that pays. */
  readonly account: string;
  /** Hex digits that no other reply has, for ids. */
  readonly uniqueHex: string;
  /** Simulated Unix time in milliseconds. */
  readonly nowMs: number;
  /** Simulated milliseconds that really pass for each millisecond of a model's latency. */
  readonly latencyScale: number;
  /** On which terms it is served. */
  readonly tier: BilledTier;
}

/** A refusal in the words of the provider. @internal */
export class ProviderRefusal extends Error {
  override readonly name = 'ProviderRefusal';
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  /** Further headers of the reply; lower-case names. */
  headers: Readonly<Record<string, string>> = {};

  constructor(status: number, type: string, message: string, details: { code?: string; param?: string } = {}) {
    super(message);
    this.status = status;
    this.type = type;
    this.code = details.code ?? null;
    this.param = details.param ?? null;
  }
}

/** Refuses a request as malformed. @internal */
export function badRequest(message: string, param?: string, code?: string): ProviderRefusal {
  return new ProviderRefusal(400, 'invalid_request_error', message, {
    ...(param === undefined ? {} : { param }),
    ...(code === undefined ? {} : { code }),
  });
}

/** One event of a stream without a name, as OpenAI's chat completions send it. @internal */
export function dataEvent(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** One named event of a stream; the name is the data's `type`. @internal */
export function namedEvent(data: JsonObject & { readonly type: string }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
