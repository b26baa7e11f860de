import type { Job } from '../../core/model/deferred-call.ts';
import { parseTarget } from '../../core/model/target.ts';
import { CallMadeIds } from '../../wire/made-ids.ts';
import type { ResourceOwners } from '../resources/resource-owners.ts';

/**
 * Makes what a deferred call's answer has made at the provider (a stored response, say) its project's, before it is shown: as with answers that are relayed.
 * @internal
 */
export async function claimAnswer(
  { call, result }: Job,
  resources: Pick<ResourceOwners, 'claimIfPossible'>,
): Promise<void> {
  const provider = parseTarget(result?.record.target ?? '')?.provider;
  if (provider === undefined || result?.outcome !== 'complete' || result.body === '') return;
  const made = new CallMadeIds(call.endpoint).ofReply(jsonIn(result.body));
  if (made.length > 0) await resources.claimIfPossible(made, call.project, provider);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // it names no id that a client could read
  }
}
