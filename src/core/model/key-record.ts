import type { CallLimits } from '../limit/call-limits.ts';
import type { CallPriority } from './call-priority.ts';

/** A gateway key without its secret. @public */
export interface KeyRecord {
  /** Public id, `key_` and 16 hex digits; safe to log. */
  readonly keyId: string;
  readonly name: string;
  readonly project: string;
  /** SHA-256 of the secret in lower-case hex. The secret itself is never stored. */
  readonly secretSha256: string;
  readonly createdAtMs: number;
  /** Undefined: does not expire. */
  readonly expiresAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
  /** Undefined: all models. */
  readonly allowedModels: readonly string[] | undefined;
  readonly pinnedTags: Readonly<Record<string, string>>;
  readonly requiredTags: readonly string[];
  /** How much it may ask for at a time and a minute. Absent: without limit, as are all keys of versions that knew none. */
  readonly limits?: CallLimits;
  /** The most that its calls get when not all can go first; they may ask for less. Absent: interactive. */
  readonly priority?: CallPriority;
}
