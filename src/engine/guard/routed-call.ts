import type { CallRecord } from '../../core/model/charge.ts';
import type { ConversationTurn } from '../../core/guard/turn-draws.ts';
import type { Caller } from '../../core/model/caller.ts';
import type { ReplyForm } from '../../core/model/cache-entry.ts';
import type { Endpoint } from '../../core/model/protocol.ts';
import type { RouteRule } from '../../core/route/route-rule.ts';

/** A finished call that a route took, with all that it takes to ask another target the same. @public */
export interface RoutedCall {
  readonly record: CallRecord;
  readonly route: RouteRule;
  /** The cheaper target that answered, `provider/model`, or `cascade` where one ran, whichever of its targets it was. Undefined: the strong one did, or a fallback. */
  readonly candidate: string | undefined;
  readonly endpoint: Endpoint;
  /** The caller's own bytes. */
  readonly body: Uint8Array;
  /** The caller's headers, lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The query of the address that the caller asked: betas of Anthropic's are asked for there, too. @defaultValue '' */
  readonly query?: string;
  readonly caller: Caller;
  /** The caller's own credentials at `pinnedProvider` (library only). @defaultValue the provider's key is used */
  readonly credentials?: Readonly<Record<string, string>> | undefined;
  /** The provider whose address the caller asked (library only). */
  readonly pinnedProvider?: string | undefined;
  /** Its place in its conversation. */
  readonly conversation: ConversationTurn;
  /** What the caller got, in `form`. */
  readonly reply: Uint8Array;
  readonly form: ReplyForm;
  /** What the learnt score made of the prompt; undefined where none was asked, or it knows no such prompts. */
  readonly score?: number | undefined;
}
