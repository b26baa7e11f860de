import { FarthingError } from '../../core/errors.ts';
import { GenerationalMap } from '../../core/generational-map.ts';
import type { ResourceClaim } from '../../core/model/resource.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ResourceQuery, ResourceRegistry } from '../../ports/resource-registry.ts';
import type { MadeId } from '../../wire/made-ids.ts';
import type { NamedId } from '../../wire/named-ids.ts';

/** What {@link ResourceOwners} works with. @internal */
export interface ResourceOwnersOptions {
  readonly registry: ResourceRegistry;
  readonly clock: Clock;
  /** Told of claims that failed with nobody waiting for them. */
  readonly onFault: (operation: string, error: unknown) => void;
}

/** To whom ids are given by hand. @internal */
export interface Adoption {
  readonly project: string;
  readonly provider: string;
  /** The project that may have them so far. Undefined: none. */
  readonly from: string | undefined;
}

/** Ids that were claimed a moment ago: a streamed response names its own three times, a cached one with every hit. About 100 bytes each. */
const MAX_RECENT_IDS = 20_000;

/**
 * Who may name which id. Providers show everything under a key to whoever has the key; here an id belongs to the project that made it, and to all
 * others it does not exist.
 * @internal
 */
export class ResourceOwners {
  readonly #options: ResourceOwnersOptions;
  readonly #recent = new GenerationalMap<string, true>(MAX_RECENT_IDS);

  constructor(options: ResourceOwnersOptions) {
    this.#options = options;
  }

  /**
   * Lets a request pass that names its own project's ids only. Without a provider, where it is not known yet who answers, an id must be the
   * project's wherever it is known.
   * @throws FarthingError `not-found` that names the first place, the same for an unknown and for another's id; `store-unavailable`.
   */
  async demand(ids: readonly NamedId[], project: string, provider?: string): Promise<void> {
    if (ids.length === 0) return;
    const claims = await this.#options.registry.owners([...new Set(ids.map(({ id }) => id))]);
    const relevant = claims.filter((claim) => provider === undefined || claim.provider === provider);
    const foreign = new Set(relevant.filter((claim) => claim.project !== project).map(({ id }) => id));
    const own = new Set(relevant.map(({ id }) => id).filter((id) => !foreign.has(id)));
    const missing = ids.find(({ id }) => !own.has(id));
    if (missing !== undefined) throw noSuchId(missing.param);
  }

  /** Makes ids a project's; durable when it resolves. @throws FarthingError `store-unavailable` */
  async claim(made: readonly MadeId[], project: string, provider: string): Promise<void> {
    const fresh = made.filter(({ id }) => this.#recent.get(recentKey(provider, id)) === undefined);
    if (fresh.length === 0) return;
    await this.#register(fresh, project, provider);
    for (const { id } of fresh) this.#recent.set(recentKey(provider, id), true);
  }

  /**
   * As `claim`, for an answer that has been paid for: when the registry fails the client gets it all the same, and its ids are nobody's. That is
   * counted, never swallowed.
   */
  async claimIfPossible(made: readonly MadeId[], project: string, provider: string): Promise<void> {
    try {
      await this.claim(made, project, provider);
    } catch (error) {
      this.#options.onFault('claim', error);
    }
  }

  list(query: ResourceQuery): Promise<readonly ResourceClaim[]> {
    return this.#options.registry.list(query);
  }

  /** Forgets an id that the provider has deleted. A failure leaves a claim on nothing, and is only counted. */
  async forget(provider: string, id: string): Promise<void> {
    try {
      await this.#options.registry.remove(provider, id);
    } catch (error) {
      this.#options.onFault('remove', error);
    }
  }

  /**
   * Makes ids a project's that existed before, or were those of the project `from`.
   * @throws FarthingError `invalid-request` with status 409 when any is another project's already; then none is changed.
   */
  async adopt(made: readonly MadeId[], { project, provider, from }: Adoption): Promise<void> {
    const { registry } = this.#options;
    const claims = await registry.owners(made.map(({ id }) => id));
    const others = claims.filter((claim) => claim.provider === provider && claim.project !== project);
    if (others.some((claim) => claim.project !== from))
      throw new FarthingError('invalid-request', 'an id is another project’s already', { status: 409 });
    await Promise.all(others.map(({ id }) => registry.remove(provider, id)));
    await this.#register(made, project, provider);
  }

  #register(made: readonly MadeId[], project: string, provider: string): Promise<void> {
    const atMs = this.#options.clock.nowMs();
    return this.#options.registry.claim(made.map(({ id, kind }) => ({ id, kind, provider, project, atMs })));
  }
}

function noSuchId(param: string): FarthingError {
  return new FarthingError('not-found', `${param}: there is no such id`, { param });
}

function recentKey(provider: string, id: string): string {
  return `${provider} ${id}`;
}
