import { GenerationalMap } from '../generational-map.ts';
import type { RefusedParameter } from './refused-parameter.ts';

/** How much {@link LearnedRefusals} remembers. @public */
export interface LearnedRefusalsOptions {
  /**
   * For how long a refusal counts, in milliseconds: so long a provider that has learnt to take a parameter goes without it.
   * @defaultValue 3_600_000 (one hour)
   */
  readonly lifeMs?: number;
  /** Most targets; those that were not asked for longest are forgotten. @defaultValue 1_000 */
  readonly maxTargets?: number;
}

const DEFAULT_LIFE_MS = 3_600_000;
const DEFAULT_MAX_TARGETS = 1000;

const NONE: ReadonlySet<RefusedParameter> = new Set();

/** A target takes one of the two: who refuses the one wants the other. */
const OTHER_LIMIT: Readonly<Partial<Record<RefusedParameter, RefusedParameter>>> = {
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
};

/**
 * Remembers for a while what targets refused, so that only the first call pays for finding out. The text of a target must hold all that a
 * refusal depends on: `refusalScope` of the wire beside the target's name.
 *
 * Learn only what was confirmed: the request was accepted without the parameter. Error messages repeat what callers wrote, so that one caller's
 * text could otherwise take a parameter away from all.
 * @public
 */
export class LearnedRefusals {
  readonly #lifeMs: number;
  readonly #targets: GenerationalMap<string, ReadonlyMap<RefusedParameter, number>>;

  constructor(options: LearnedRefusalsOptions = {}) {
    this.#lifeMs = options.lifeMs ?? DEFAULT_LIFE_MS;
    this.#targets = new GenerationalMap(options.maxTargets ?? DEFAULT_MAX_TARGETS);
  }

  learn(target: string, parameters: Iterable<RefusedParameter>, nowMs: number): void {
    const ends = new Map([...(this.#targets.get(target) ?? [])].filter(([, endMs]) => endMs > nowMs));
    for (const parameter of parameters) {
      const other = OTHER_LIMIT[parameter];
      if (other !== undefined) ends.delete(other);
      ends.set(parameter, nowMs + this.#lifeMs);
    }
    this.#targets.set(target, ends);
  }

  /** What a target refused lately. */
  refusedBy(target: string, nowMs: number): ReadonlySet<RefusedParameter> {
    const ends = this.#targets.get(target);
    if (ends === undefined) return NONE;
    return new Set([...ends].filter(([, endMs]) => endMs > nowMs).map(([parameter]) => parameter));
  }
}
