import { formatTarget, type Target } from '../core/model/target.ts';
import type { Caller } from '../core/model/caller.ts';
import type { RoutedCall } from '../engine/guard/routed-call.ts';
import type { DecodedRequest } from '../wire/decoded-request.ts';
import { spliceRequest } from '../wire/splice-request.ts';
import type { CallerAccess } from './own-call.ts';

/**
 * A caller's request for another model, unstreamed. The provider is told not to keep it: the caller has not asked for a second object.
 * @param temperature - other than the caller's; undefined: as the caller wrote.
 * @internal
 */
export function shadowBody(request: DecodedRequest, model: string, temperature?: number): Uint8Array {
  const members: Record<string, string> = {};
  if (request.endpoint === 'responses') members['store'] = 'false';
  if (temperature !== undefined) members['temperature'] = String(temperature);
  const edits = { model, members, remove: ['stream', 'stream_options'] };
  return spliceRequest(request, edits) ?? new TextEncoder().encode(request.text);
}

/** How a target is asked on behalf of a caller. @internal */
export interface ShadowAddress {
  /** As the body names it. */
  readonly model: string;
  readonly access: CallerAccess | undefined;
}

/** Where a target is asked: with the caller's own credentials at the provider that they are for, and nowhere else. @internal */
export function shadowAddress(
  { credentials, pinnedProvider }: Pick<RoutedCall, 'credentials' | 'pinnedProvider'>,
  target: Target,
): ShadowAddress {
  if (credentials === undefined || pinnedProvider !== target.provider)
    return { model: formatTarget(target), access: undefined };
  return { model: target.model, access: { provider: pinnedProvider, credentials } };
}

/** Headers that are about the one call they came with: who waits for it and how, where it goes, and that it is the same one. */
const OF_ONE_CALL =
  /^(?:x-farthing-.*|cache-control|idempotency-key|accept|accept-encoding|content-length|traceparent)$/;

/** The caller's headers as far as they are about what is asked (`anthropic-beta`). @internal */
export function shadowHeaders({ headers }: Pick<RoutedCall, 'headers'>): RoutedCall['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_ONE_CALL.test(name)));
}

/**
 * Who pays: whoever made the call, with the call's own tags, so that every budget which counts the call counts this, too. Behind all others where
 * not all can go first, and without the key's limits: they are the caller's to use up.
 * @internal
 */
export function shadowCaller({ record, caller }: Pick<RoutedCall, 'record' | 'caller'>): Caller {
  return { project: caller.project, keyId: caller.keyId, pinnedTags: record.tags, priority: 'batch' };
}
