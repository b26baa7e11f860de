import { PASSING_RESOURCES, RESOURCE_LIFE_MS, type ResourceClaim } from '../../core/model/resource.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ResourceQuery, ResourceRegistry } from '../../ports/resource-registry.ts';

/** Claims in the memory of one process: they are gone when it ends. @internal */
export class MemoryResourceRegistry implements ResourceRegistry {
  readonly #clock: Clock;
  /** In the order in which they were made. */
  readonly #claims = new Map<string, ResourceClaim>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  async claim(claims: readonly ResourceClaim[]): Promise<void> {
    const oldestMs = this.#clock.nowMs() - RESOURCE_LIFE_MS;
    for (const [key, { kind, atMs }] of this.#claims) {
      if (atMs < oldestMs && PASSING_RESOURCES.includes(kind)) this.#claims.delete(key);
    }
    for (const claim of claims) {
      const key = keyOf(claim.provider, claim.id);
      if (!this.#claims.has(key)) this.#claims.set(key, claim);
    }
  }

  async owners(ids: readonly string[]): Promise<readonly ResourceClaim[]> {
    const asked = new Set(ids);
    return [...this.#claims.values()].filter(({ id }) => asked.has(id));
  }

  async list({ project, kind, provider, order, after, limit }: ResourceQuery): Promise<readonly ResourceClaim[]> {
    const claims = [...this.#claims.values()].filter(
      (claim) => claim.project === project && claim.kind === kind && claim.provider === provider,
    );
    if (order === 'newest') claims.reverse();
    const start = after === undefined ? 0 : claims.findIndex(({ id }) => id === after) + 1;
    return after !== undefined && start === 0 ? [] : claims.slice(start, start + limit);
  }

  async remove(provider: string, id: string): Promise<boolean> {
    return this.#claims.delete(keyOf(provider, id));
  }

  async close(): Promise<void> {
    this.#claims.clear();
  }
}

function keyOf(provider: string, id: string): string {
  return JSON.stringify([provider, id]);
}
