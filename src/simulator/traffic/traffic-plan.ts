import type { Random } from '../../ports/clock.ts';
import { seededRandom } from '../seeded-random.ts';
import { arrivalCurve } from './arrival-curve.ts';
import { anthropicConversation, openaiConversation } from './conversation-scenario.ts';
import type { PlannedCall, Scenario } from './planned-call.ts';
import { embeddingBatch, toolLoop } from './program-scenario.ts';
import { abandonedQuestion, duplicates, mistake, question, samplingQuestion } from './question-scenario.ts';
import { DAY_MS, TRAFFIC_SHARES, type TrafficKind } from './traffic-parameters.ts';

const SCENARIOS: Readonly<Record<TrafficKind, (random: Random) => Scenario>> = {
  'chat-openai': openaiConversation,
  'chat-anthropic': anthropicConversation,
  question,
  duplicate: duplicates,
  'tool-loop': toolLoop,
  embedding: embeddingBatch,
  sampling: samplingQuestion,
  abandoned: abandonedQuestion,
  mistake,
};
const KINDS: readonly TrafficKind[] = [
  'chat-openai',
  'chat-anthropic',
  'question',
  'duplicate',
  'tool-loop',
  'embedding',
  'sampling',
  'abandoned',
  'mistake',
];

/**
 * A believable day of calls, the same for the same seed.
 * @param seed any whole number.
 * @param calls how many calls, exactly.
 * @returns the calls in the order of their time.
 * @internal
 */
export function trafficPlan(seed: number, calls: number): readonly PlannedCall[] {
  const random = seededRandom(seed);
  const nextArrival = arrivalCurve(random);
  const planned: PlannedCall[] = [];
  const made = new Map<TrafficKind, number>(KINDS.map((kind) => [kind, 0]));
  while (planned.length < calls) {
    const kind = mostMissed(made, planned.length + 1);
    const scenario = SCENARIOS[kind](random);
    const placed = place(scenario, kind, nextArrival(), planned.length).slice(0, calls - planned.length);
    made.set(kind, (made.get(kind) ?? 0) + placed.length);
    planned.push(...placed);
  }
  return planned.toSorted((left, right) => left.atMs - right.atMs);
}

/** The kind that lags furthest behind its share. */
function mostMissed(made: ReadonlyMap<TrafficKind, number>, total: number): TrafficKind {
  let most: TrafficKind = 'question';
  let mostMissing = Number.NEGATIVE_INFINITY;
  for (const kind of KINDS) {
    const missing = TRAFFIC_SHARES[kind] * total - (made.get(kind) ?? 0);
    if (missing <= mostMissing) continue;
    most = kind;
    mostMissing = missing;
  }
  return most;
}

function place(scenario: Scenario, kind: TrafficKind, startMs: number, number: number): readonly PlannedCall[] {
  const session = scenario.isSequence ? `session-${number}` : undefined;
  const headers = {
    'x-farthing-tags': `user=${scenario.user},feature=${scenario.feature}`,
    ...(session === undefined ? {} : { 'x-farthing-session': session }),
  };
  return scenario.calls.map((call) => ({
    atMs: Math.min(DAY_MS - 1, startMs + call.afterMs),
    kind,
    projectIndex: scenario.projectIndex,
    endpoint: call.endpoint,
    body: JSON.stringify(call.body),
    isStream: call.body['stream'] === true,
    headers,
    session,
    abandonAfterMs: call.abandonAfterMs,
  }));
}
