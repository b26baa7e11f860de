import type { KeyRecord } from '../../ports/key-store.ts';

/** The fields of a record that JSON leaves out when they are undefined. */
const ABSENT_FIELDS = {
  expiresAtMs: undefined,
  revokedAtMs: undefined,
  allowedModels: undefined,
} satisfies Partial<KeyRecord>;

/** A key from its JSON. @internal */
export function keyRecordFrom(text: string): KeyRecord {
  const record: KeyRecord = JSON.parse(text);
  return { ...ABSENT_FIELDS, ...record };
}
