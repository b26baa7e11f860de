import { embeddingInputs } from '../../core/batch/embedding-inputs.ts';
import { inputTokenBound } from '../../core/batch/input-token-bound.ts';
import type { DeferredCall } from '../../core/model/deferred-call.ts';
import { formatTarget } from '../../core/model/target.ts';
import type { NanoUsd } from '../../core/money.ts';
import { type Attempt, type Call, type Deferral, type RoutePlan } from '../compose.ts';

/** Headers of a client that an answer, or what Farthing does with the call, may depend on. */
const KEPT_HEADERS = [
  'anthropic-beta',
  'anthropic-version',
  'openai-beta',
  'cache-control',
  'x-farthing-cache',
  'x-farthing-route',
  'x-farthing-session',
] as const;

const decoder = new TextDecoder();

/** What a call becomes that is answered later. @internal */
export function deferredCallOf(
  call: Call,
  { terms }: Pick<Deferral, 'terms'>,
  sent: {
    readonly plan: RoutePlan;
    readonly attempt: Attempt;
    readonly body: Uint8Array;
    readonly boundNanoUsd: NanoUsd;
  },
): DeferredCall {
  const { state, caller } = call;
  const { plan, attempt } = sent;
  const body = decoder.decode(call.body);
  const sentBody = decoder.decode(sent.body);
  return {
    ...terms,
    callId: call.id,
    atMs: call.arrivedAtMs,
    endpoint: call.endpoint,
    project: caller.project,
    keyId: caller.keyId,
    tags: state.tags,
    query: call.query,
    headers: keptHeaders(call.headers),
    body,
    sentBody: sentBody === body ? undefined : sentBody,
    modelAsked: plan.asked,
    target: formatTarget(attempt.target),
    baseline: formatTarget(plan.baseline),
    route: plan.route,
    removed: attempt.changes.flatMap(({ removed }) => removed ?? []),
    decisions: [...state.decisions, { step: 'defer', verdict: 'accepted' }],
    cacheKey: state.mayStore ? state.key : undefined,
    boundNanoUsd: sent.boundNanoUsd,
    inputTokens: inputTokenBound(sent.body.byteLength),
    ...inputsOf(attempt),
  };
}

function inputsOf({ request: { endpoint, body } }: Attempt): Pick<DeferredCall, 'inputs'> {
  const inputs = endpoint === 'embeddings' ? embeddingInputs(body['input']) : 1;
  return inputs === 1 ? {} : { inputs };
}

function keptHeaders(headers: Call['headers']): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
