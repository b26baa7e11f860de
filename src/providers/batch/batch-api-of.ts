import type { BatchApi } from '../../ports/batch-api.ts';
import type { Provider } from '../../ports/provider.ts';
import { anthropicBatchApi } from './anthropic-batch-api.ts';
import { openaiBatchApi } from './openai-batch-api.ts';

/**
 * The batch interface of a provider, in its protocol. A provider without one answers the first request with an error: `provider-failed`, mostly with status 404.
 * @public
 */
export function batchApiOf(provider: Provider): BatchApi {
  return provider.protocol === 'anthropic' ? anthropicBatchApi(provider) : openaiBatchApi(provider);
}
