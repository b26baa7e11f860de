import type { KeyRecord } from '../core/model/key-record.ts';

export type { KeyRecord } from '../core/model/key-record.ts';

/** Where keys are kept. @public */
export interface KeyStore {
  /** Finds by the secret's hash; revoked and expired keys are returned too, the caller decides. */
  findBySecretHash(secretSha256: string): Promise<KeyRecord | undefined>;
  list(): Promise<readonly KeyRecord[]>;
  /** Creates or replaces by `keyId`. */
  put(record: KeyRecord): Promise<void>;
  /** A number that grows with every change, so that caches of keys in other processes notice. */
  version(): Promise<number>;
  close(): Promise<void>;
}
