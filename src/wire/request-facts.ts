import type { DecodedRequest } from './decoded-request.ts';

/** What the reader of one endpoint learns from a body. @internal */
export type RequestFacts = Pick<DecodedRequest, 'isStream' | 'wantsUsageChunk' | 'maxOutputTokens' | 'samples'>;
