import type { Endpoint } from '../../core/model/protocol.ts';
import type { ReplySink } from '../../ports/reply-sink.ts';
import { CallMadeIds } from '../../wire/made-ids.ts';
import { mayNameIds, type NamedId, namedIds } from '../../wire/named-ids.ts';
import { ClaimingSink } from './claiming-sink.ts';
import type { ResourceOwners } from './resource-owners.ts';

/** What a call of the Messages API must speak of for code to run at the provider, in a container, with files. */
const CODE_TRACES = ['"container"', 'code_execution'];

/**
 * The ids that a metered call's body names. None for a body that cannot be read: the engine refuses it before anything is sent.
 * @throws FarthingError `invalid-request`
 * @internal
 */
export function callIds(endpoint: Endpoint, body: Uint8Array): readonly NamedId[] {
  const bytes = bufferOf(body);
  if (!mayNameIds(endpoint, bytes)) return [];
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return []; // the engine says what is wrong with it
  }
  return namedIds(value);
}

/** The sink in front of a call's reply that registers what the reply makes; undefined for calls that make nothing which is kept. @internal */
export function claimingSink(
  { endpoint, body, project }: { readonly endpoint: Endpoint; readonly body: Uint8Array; readonly project: string },
  owners: Pick<ResourceOwners, 'claimIfPossible'>,
  sink: ReplySink,
): ClaimingSink | undefined {
  if (!mayMakeIds(endpoint, body)) return undefined;
  return new ClaimingSink({
    sink,
    ids: new CallMadeIds(endpoint),
    claim: (made, provider) => owners.claimIfPossible(made, project, provider),
  });
}

function mayMakeIds(endpoint: Endpoint, body: Uint8Array): boolean {
  if (endpoint === 'responses') return true;
  return endpoint === 'messages' && CODE_TRACES.some((trace) => bufferOf(body).includes(trace));
}

/** A view: nothing is copied. */
function bufferOf(body: Uint8Array): Buffer {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
