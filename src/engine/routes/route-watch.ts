import type { ConversationTurn } from '../../core/guard/turn-draws.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import { formatTarget } from '../../core/model/target.ts';
import type { RouteRule } from '../../core/route/route-rule.ts';
import { turnOf } from '../../core/prefix/turn-of.ts';
import type { Call, CallState } from '../../middleware/compose.ts';
import type { EngineOptions } from '../engine-options.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';
import { CASCADE_CANDIDATE } from '../guard/route-candidates.ts';
import type { RoutedCall } from '../guard/routed-call.ts';
import { conversationName } from '../optimizer/conversation-name.ts';
import { shortHash } from '../short-hash.ts';
import type { TeeSink } from '../tee-sink.ts';

/** Tells of calls that the guard may want to look at. @internal */
export interface RouteWatch {
  /** Whether the bytes of a call's reply may be wanted. */
  isWatched(state: CallState): boolean;
  /** Tells of a call that is over. */
  tell(call: Call, record: CallRecord, reply: Pick<TeeSink, 'bytes'>): void;
}

/** The watch over an engine's routes; undefined where none has quality to keep, or nobody wants to know. @internal */
export function routeWatch({ routes, onRouted }: EngineOptions): RouteWatch | undefined {
  const watched = new Map(
    (routes?.rules ?? []).filter(({ quality }) => quality !== undefined).map((rule) => [rule.name, rule]),
  );
  if (onRouted === undefined || watched.size === 0) return undefined;
  const ruleOf = ({ plan }: CallState): RouteRule | undefined => watched.get(plan?.route?.route ?? '');
  return {
    // What came out of the cache was looked at when it was made.
    isWatched: (state) => ruleOf(state) !== undefined && state.answer?.source !== 'cache',
    tell: (call, record, reply) => {
      const route = ruleOf(call.state);
      if (route === undefined || call.isOwn || call.state.answer?.source !== 'provider') return;
      onRouted(routedCall(call, record, route, reply.bytes()));
    },
  };
}

function routedCall(call: Call, record: CallRecord, route: RouteRule, reply: Uint8Array): RoutedCall {
  const { endpoint, body, headers, query, caller, credentials, pinnedProvider, state } = call;
  return {
    record,
    route,
    candidate: candidateOf(state, route),
    conversation: conversationTurn(call),
    endpoint,
    body,
    headers,
    query,
    caller,
    credentials,
    pinnedProvider,
    reply,
    form: state.shape?.isStream === true ? 'stream' : 'whole',
    ...(record.route?.score === undefined ? {} : { score: record.route.score }),
  };
}

/** The first turn where nothing is known: it is drawn like any call that stands alone. */
function conversationTurn(call: Call): ConversationTurn {
  const { request } = call.state;
  const prompt = request === undefined ? undefined : promptOf(request)?.prompt;
  return { name: conversationName(call, shortHash), turn: prompt === undefined ? 1 : turnOf(prompt) };
}

/** A cascade answers as a whole, whichever of its targets it was. */
function candidateOf({ plan, answer }: CallState, { targets }: RouteRule): string | undefined {
  if (plan?.cascade !== undefined) return CASCADE_CANDIDATE;
  const answered = answer === undefined ? undefined : formatTarget(answer.target);
  return targets
    .slice(0, -1)
    .map(formatTarget)
    .find((name) => name === answered);
}
