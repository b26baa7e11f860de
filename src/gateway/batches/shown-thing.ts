import { FarthingError } from '../../core/errors.ts';
import type { ResourceKind } from '../../core/model/resource.ts';
import { isObject, type JsonObject } from '../../wire/request-guards.ts';
import { readReply } from '../resources/passed-reply.ts';
import { askBeside, type ResourceExchange } from '../resources/resource-exchange.ts';

/**
 * A thing as its provider shows it; undefined: it has it no more.
 * @param id - The provider's own.
 * @throws FarthingError `provider-failed`
 * @internal
 */
export async function shownAt(
  exchange: ResourceExchange,
  kind: ResourceKind,
  id: string,
): Promise<JsonObject | undefined> {
  const reply = await askBeside(exchange, `/v1/${kind}/${encodeURIComponent(id)}`);
  const body = await readReply(reply);
  if (reply.status === 404) return undefined;
  const thing = reply.status >= 200 && reply.status < 300 ? parsed(body) : undefined;
  if (thing !== undefined) return thing;
  throw new FarthingError('provider-failed', `the provider answered ${reply.status}`, {
    retryable: reply.status === 429 || reply.status >= 500,
  });
}

function parsed(body: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
