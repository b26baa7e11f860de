import type { RefusedParameter } from '../core/adapt/refused-parameter.ts';
import type { DecodedRequest } from './decoded-request.ts';
import { isAbsent, isObject } from './request-guards.ts';
import type { RequestEdits } from './splice-request.ts';

/** How a request is said to a target that refuses a part of it. @public */
export interface Adaptation {
  /** For `spliceRequest`; the members hold the planned ones too, under the names that the target takes. */
  readonly edits: Required<Pick<RequestEdits, 'members' | 'remove'>>;
  /** What becomes of the caller's own parameters, as reason codes: `without-temperature`, `max-tokens-renamed`. Empty: only planned members change. */
  readonly changes: readonly string[];
}

type Members = Readonly<Record<string, string>>;
type LimitName = 'max_tokens' | 'max_completion_tokens';

/** They steer how the answer is worded; without them the model words it in its own way. */
const STEERING = ['temperature', 'top_p', 'top_k', 'presence_penalty', 'frequency_penalty'] as const;
const UNLESS_1: ReadonlyMap<string, RefusedParameter> = new Map([
  ['temperature', 'temperature_unless_1'],
  ['top_p', 'top_p_unless_1'],
]);
/** They ask for something that the answer must hold: taken out only where they ask for nothing. */
const ASKING = ['logit_bias', 'logprobs', 'top_logprobs'] as const;

/**
 * Adapts a request to what its target refuses: sampling parameters are taken out, `max_tokens` and `max_completion_tokens` take each other's place
 * with the same value. Of the two the one that is refused goes where both are there. Nothing that would change what is asked is ever touched:
 * a request for log probabilities or with a `logit_bias` stays as it is, and the target's refusal is the answer.
 *
 * A default that the target takes stays: a `temperature` or `top_p` of 1 where only other values are refused.
 * @param planned - what else is about to be set, as `outputLimitMembers` gives it: names are adapted last, so a budget's limit is never lost.
 * @returns undefined when there is nothing to adapt.
 * @public
 */
export function adaptation(
  request: DecodedRequest,
  refused: ReadonlySet<RefusedParameter>,
  planned: Members = {},
): Adaptation | undefined {
  if (refused.size === 0 || request.endpoint === 'embeddings' || request.endpoint === 'count-tokens') return undefined;
  const removed = removedParameters(request, refused);
  const changes = removed.map((name) => `without-${kebab(name)}`);
  const names = request.endpoint === 'chat' ? limitNames(refused) : undefined;
  const members = names === undefined ? undefined : movedLimit(request, names, planned);
  if (names === undefined || members === undefined) {
    return removed.length === 0 ? undefined : { edits: { members: planned, remove: removed }, changes };
  }
  if (!isAbsent(request.body[names.refused])) {
    const isDropped = !isAbsent(request.body[names.taken]);
    changes.push(isDropped ? `without-${kebab(names.refused)}` : `${kebab(names.refused)}-renamed`);
  }
  return { edits: { members, remove: [...removed, names.refused] }, changes };
}

function removedParameters({ body }: DecodedRequest, refused: ReadonlySet<RefusedParameter>): string[] {
  const isRefused = (name: RefusedParameter): boolean => {
    const unless1 = UNLESS_1.get(name);
    return refused.has(name) || (unless1 !== undefined && refused.has(unless1) && body[name] !== 1);
  };
  const removed: string[] = [
    ...STEERING.filter((name) => !isAbsent(body[name]) && isRefused(name)),
    ...ASKING.filter((name) => refused.has(name) && asksNothing(body[name])),
  ];
  const isBoth = ['temperature', 'top_p'].every((name) => !isAbsent(body[name]) && !removed.includes(name));
  if (!refused.has('top_p_beside_temperature') || !isBoth) return removed;
  // 1 is what the model does without it.
  return [...removed, body['temperature'] === 1 ? 'temperature' : 'top_p'];
}

/** No biases, no log probabilities, no alternatives. */
function asksNothing(value: unknown): boolean {
  return value === false || value === 0 || (isObject(value) && Object.keys(value).length === 0);
}

interface LimitNames {
  readonly refused: LimitName;
  readonly taken: LimitName;
}

/** Undefined where no limit is refused, or both are: then nothing is known. */
function limitNames(refused: ReadonlySet<RefusedParameter>): LimitNames | undefined {
  const isOlder = refused.has('max_tokens');
  if (isOlder === refused.has('max_completion_tokens')) return undefined;
  return isOlder
    ? { refused: 'max_tokens', taken: 'max_completion_tokens' }
    : { refused: 'max_completion_tokens', taken: 'max_tokens' };
}

/** The planned members with the limit under the name that is taken; undefined where no limit has the name that is refused. */
function movedLimit(request: DecodedRequest, { refused, taken }: LimitNames, planned: Members): Members | undefined {
  const { [refused]: plannedLimit, ...others } = planned;
  const isThere = !isAbsent(request.body[refused]);
  if (!isThere && plannedLimit === undefined) return undefined;
  const own = isThere && isAbsent(request.body[taken]) ? textOf(request, refused) : undefined;
  const limit = planned[taken] ?? plannedLimit ?? own;
  return limit === undefined ? others : { ...others, [taken]: limit };
}

/** A member's value as the caller wrote it. */
function textOf(request: DecodedRequest, name: string): string | undefined {
  const range = request.members.get(name);
  return range === undefined ? undefined : request.text.slice(range.valueStart, range.valueEnd);
}

function kebab(name: string): string {
  return name.replaceAll('_', '-');
}
