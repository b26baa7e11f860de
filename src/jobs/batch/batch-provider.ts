import type { BatchApi } from '../../ports/batch-api.ts';

/** A provider that takes batches. @public */
export interface BatchProvider {
  readonly api: BatchApi;
  /** The weights of its keys, where it has several: a batch stays with the key that it was sent with. @defaultValue it has one */
  readonly keyWeights?: readonly number[] | undefined;
}

/** Finds who takes batches; undefined: the provider is not there, or takes none. @public */
export type BatchProviders = (provider: string) => BatchProvider | undefined;
