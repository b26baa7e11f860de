import type { CallLimits } from '../limit/call-limits.ts';
import type { CallPriority } from './call-priority.ts';

/**
 * Who makes a call: the project that pays, the key it came with, and the tags it carries.
 * Derived by the server (or the program that embeds the library), never by the caller's own words.
 * @public
 */
export interface Caller {
  readonly project: string;
  /** The key's public id; `local` where the library runs in process or authentication is off. */
  readonly keyId: string;
  /** Models (aliases, plain names or `provider/model`) that the key may ask for; undefined allows all. */
  readonly allowedModels?: readonly string[];
  /** Tags that the key fixes: they win over what the call says. */
  readonly pinnedTags?: Readonly<Record<string, string>>;
  /** Names of tags that a call with this key must carry; a call without them is refused with 400. */
  readonly requiredTags?: readonly string[];
  /** How much the key may ask for at a time and a minute. */
  readonly limits?: CallLimits;
  /** The most that its calls get where not all can go first: in a gateway under load, and on the limits of its key and project. Absent: interactive. */
  readonly priority?: CallPriority;
}

/** Tags of a call: user, feature, session ... @public */
export type Tags = Readonly<Record<string, string>>;
