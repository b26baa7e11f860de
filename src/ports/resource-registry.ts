import type { ResourceClaim, ResourceKind } from '../core/model/resource.ts';

/** Which claims are wanted. @public */
export interface ResourceQuery {
  readonly project: string;
  readonly kind: ResourceKind;
  readonly provider: string;
  /** `newest` begins with the claim made last, `oldest` with the first. */
  readonly order: 'newest' | 'oldest';
  /** Only what comes behind this id in that order; nothing where the id is not among the claims asked for. @defaultValue from the start */
  readonly after?: string;
  readonly limit: number;
}

/**
 * Whose the things are that providers keep under our keys: files, batches, stored responses. Shared by all processes.
 * @public
 */
export interface ResourceRegistry {
  /** Makes claims, all or none; durable when it resolves. Who claimed an id of a provider first keeps it. */
  claim(claims: readonly ResourceClaim[]): Promise<void>;
  /** The claims on ids, of any provider, in no order; none for an id that nobody has claimed. */
  owners(ids: readonly string[]): Promise<readonly ResourceClaim[]>;
  list(query: ResourceQuery): Promise<readonly ResourceClaim[]>;
  /** Forgets a claim. False when there was none. */
  remove(provider: string, id: string): Promise<boolean>;
  close(): Promise<void>;
}
