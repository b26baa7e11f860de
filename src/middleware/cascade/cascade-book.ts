import { type CascadeOutcome, type CascadeWorth, NEW_CASCADE, withOutcome } from '../../core/route/cascade-worth.ts';

/** Share of the calls of a cascade that is off which try it all the same: so it finds back when traffic changes. Ours: it costs 2 % of a cheap answer a call. */
const PROBE_RATIO = 0.02;

/** A cascade was switched off since it lost money, or on again. @internal */
export interface CascadeSwitch {
  readonly isOn: boolean;
  /** The share of calls that it escalated. */
  readonly escalatedRatio: number;
}

/**
 * Which cascades are worth their money. Each process learns for itself: thirty calls teach it, and one that starts anew tries them again.
 * @internal
 */
export class CascadeBook {
  /** By the name of a cascade: routes are configured, so there are few. */
  readonly #worth = new Map<string, CascadeWorth>();

  /** Whether calls are to go through the cascade. */
  isOn(name: string): boolean {
    return this.#worth.get(name)?.isOn ?? true;
  }

  /**
   * Whether a call goes through a cascade that is off.
   * @param fraction - chance, in [0, 1).
   */
  mayProbe(fraction: number): boolean {
    return fraction < PROBE_RATIO;
  }

  /** Why it is off, a reason code; undefined while it is on. */
  offReason(name: string): string | undefined {
    const worth = this.#worth.get(name);
    return worth === undefined || worth.isOn
      ? undefined
      : `escalates-${Math.round(worth.switchedAtRatio * 100)}-percent`;
  }

  /** Takes in what a call came to. Returns the switch where it made one. */
  note(name: string, outcome: CascadeOutcome): CascadeSwitch | undefined {
    const before = this.#worth.get(name) ?? NEW_CASCADE;
    const after = withOutcome(before, outcome);
    this.#worth.set(name, after);
    return after.isOn === before.isOn ? undefined : { isOn: after.isOn, escalatedRatio: after.switchedAtRatio };
  }
}
