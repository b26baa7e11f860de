import { FarthingError, isFarthingError } from '../../core/errors.ts';
import type { Provider } from '../../ports/provider.ts';
import { askJson, madeId } from './ask-provider.ts';
import type { BatchAsk } from './streamed-reply.ts';

/** Statuses from 500 on that say that nothing was done: RFC 9110, 15.6.4, and Anthropic's "overloaded". */
const UNDONE: ReadonlySet<number> = new Set([503, 529]);

/**
 * Sends a request that makes something and gives the id of that.
 * @throws FarthingError `provider-failed` only where nothing was made; after other failures of the server's own nobody knows, and that is `provider-broken`.
 * @internal
 */
export async function askToMake(provider: Provider, ask: BatchAsk, what: string): Promise<string> {
  try {
    return madeId(provider, await askJson(provider, ask, what), what);
  } catch (error) {
    if (!isFarthingError(error) || error.code !== 'provider-failed' || error.status < 500 || UNDONE.has(error.status)) {
      throw error;
    }
    throw new FarthingError('provider-broken', error.message, { retryable: true, cause: error });
  }
}
