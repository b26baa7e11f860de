import type { Target } from '../core/model/target.ts';
import { adaptation } from '../wire/adapted-request.ts';
import { outputLimitMembers } from '../wire/output-limit.ts';
import { spliceRequest } from '../wire/splice-request.ts';
import { attemptOf, type Call, decide } from './compose.ts';

const encoder = new TextEncoder();

function noteChanges(call: Call, changes: readonly string[]): void {
  for (const change of changes) {
    decide(call, 'adapt', 'changed', change);
    if (change.startsWith('without-') && !change.startsWith('without-max-')) call.state.isResampled = true;
  }
}

/**
 * The bytes of the attempt's request (the caller's own, unless a step made another of it), changed only where they must be: the model's name, asking for the usage of a stream, an output limit that a budget needs, parameters
 * that the target refuses.
 * @param vendorOf - whose models a target's provider has: how it wants to be told a limit.
 * @internal
 */
export function attemptBody(call: Call, vendorOf: (target: Target) => string | undefined): Uint8Array {
  const { target, refused, request } = attemptOf(call);
  const outputTokens = call.state.hold?.boundOf(target)?.outputTokens;
  const asksUsage = call.endpoint === 'chat' && request.isStream && !request.wantsUsageChunk;
  const planned = outputTokens === undefined ? undefined : outputLimitMembers(request, outputTokens, vendorOf(target));
  const adapted = refused === undefined ? undefined : adaptation(request, refused, planned);
  noteChanges(call, adapted?.changes ?? []);
  const { members, ...others } = adapted?.edits ?? { members: planned };
  const edited = spliceRequest(request, {
    ...(request.model === target.model ? {} : { model: target.model }),
    ...(asksUsage ? { includeUsage: true as const } : {}),
    ...others,
    members: { ...members, ...tierMember(call.state, target) },
  });
  return edited ?? (request === call.state.request ? call.body : encoder.encode(request.text));
}

/** The cheaper tier that a call is asked on since it may wait; only of the target that is known to have it. */
function tierMember({ waitedFor, plan }: Call['state'], target: Target): Readonly<Record<string, string>> {
  const hasTier = waitedFor !== undefined && waitedFor !== '' && target === plan?.targets[0];
  return hasTier ? { service_tier: JSON.stringify(waitedFor) } : {};
}
