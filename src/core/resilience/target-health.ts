/** When a target is left alone. @public */
export interface CooldownPolicy {
  /** After so many failures in a row. */
  readonly failures: number;
  /** Or when this share of the last 20 attempts failed, 0..1. */
  readonly failureRatio: number;
  /** For how long, in milliseconds. */
  readonly lengthMs: number;
  /** For how long after the provider refused the key or the account, in milliseconds: a person has to do something about it. */
  readonly refusedLengthMs: number;
}

/**
 * What a target is good for.
 * - `good`: as ever.
 * - `probe`: its rest is over; one call may find out whether it works again.
 * - `degraded`: it rests, but some of its last attempts succeeded, or it asked for a pause itself: better than no target at all.
 * - `down`: it rests, and nothing says that it would answer.
 * @public
 */
export type HealthState = 'good' | 'probe' | 'degraded' | 'down';

/** Attempts that are looked back on. */
const WINDOW = 20;
const WINDOW_MASK = 2 ** WINDOW - 1;

/**
 * The share of the last attempts that must have succeeded for a resting target to be a last resort. One that fails a quarter of its calls trips the
 * rules now and then, and must not be taken for dead when all others fail too: in a simulation of two such targets a ratio of 0.4 missed 99.9 % right answers in 23 % of
 * the runs of 3,000, one of 0.15 in 1.1 %. One that died falls below it after a dozen and a half failures.
 */
const LAST_RESORT_RATIO = 0.15;

/** The same for a target that is alone: there it is not the last of several, and resting means that its calls are refused. */
const LONE_RESORT_RATIO = 0.4;

/** Of fewer attempts a share says little: one success is enough. */
const LEAST_ATTEMPTS = 12;

/**
 * Remembers how a target's last attempts ended and says whether it may be asked: after too many failures it rests; when the rest is over one call at
 * a time probes it, and a success brings it back.
 * @internal
 */
export class TargetHealth {
  readonly #policy: CooldownPolicy;
  /** The last attempts, one bit each: set where it failed. */
  #failed = 0;
  #seen = 0;
  #inRow = 0;
  #restsUntilMs = 0;
  #isResting = false;
  #wasRefused = false;
  #asksForPause = false;
  #probesUntilMs = 0;

  constructor(policy: CooldownPolicy) {
    this.#policy = policy;
  }

  /** When its rest ends; 0 when it does not rest. */
  get restsUntilMs(): number {
    return this.#isResting ? this.#restsUntilMs : 0;
  }

  /** @param isAlone - whether a call that is not made there is not made at all. */
  state(nowMs: number, isAlone = false): HealthState {
    if (!this.#isResting) return 'good';
    if (nowMs >= this.#restsUntilMs && nowMs >= this.#probesUntilMs) return 'probe';
    if (this.#wasRefused) return 'down';
    return this.#asksForPause || this.#isWorthATry(isAlone) ? 'degraded' : 'down';
  }

  /** An attempt begins; one whose state is `probe` is the probe. Returns whether it is. */
  begin(nowMs: number): boolean {
    if (this.state(nowMs) !== 'probe') return false;
    // A probe that hangs must not keep a target out that works again.
    this.#probesUntilMs = nowMs + this.#policy.lengthMs;
    return true;
  }

  /** The target answered. Returns whether it had rested. */
  succeed(wasProbe: boolean): boolean {
    this.#note(false);
    this.#inRow = 0;
    if (wasProbe) this.#probesUntilMs = 0;
    if (!this.#isResting || !wasProbe) return false;
    this.#isResting = false;
    this.#wasRefused = false;
    this.#asksForPause = false;
    // It begins anew: with the failures of before it would rest again after the next one.
    this.#seen = 0;
    this.#failed = 0;
    return true;
  }

  /** The attempt says nothing about the target: the client left, or the request was at fault. */
  leave(wasProbe: boolean): void {
    if (wasProbe) this.#probesUntilMs = 0;
  }

  /** The attempt failed. Returns for how long the target now rests, in milliseconds; 0 when it does not. */
  fail(wasProbe: boolean, nowMs: number): number {
    this.#note(true);
    this.#inRow += 1;
    if (wasProbe) this.#probesUntilMs = 0;
    if (this.#isResting && !wasProbe) return 0;
    // A probe that hung may end after a later one has brought the target back: then it is a failure like any other.
    return this.#isResting || this.#isTooMuch() ? this.#rest(nowMs, this.#policy.lengthMs) : 0;
  }

  /** It rests for so long, whatever was before: it said so itself. Never longer than after a refusal: some say "tomorrow", and answer before. */
  restFor(wasProbe: boolean, nowMs: number, lengthMs: number): void {
    if (wasProbe) this.#probesUntilMs = 0;
    this.#asksForPause = true;
    this.#rest(nowMs, Math.min(lengthMs, this.#policy.refusedLengthMs));
  }

  /** The provider refused the key or the account. Returns for how long the target now rests, in milliseconds. */
  refuse(wasProbe: boolean, nowMs: number): number {
    if (wasProbe) this.#probesUntilMs = 0;
    this.#wasRefused = true;
    return this.#rest(nowMs, this.#policy.refusedLengthMs);
  }

  #rest(nowMs: number, lengthMs: number): number {
    this.#isResting = true;
    this.#restsUntilMs = Math.max(this.#restsUntilMs, nowMs + lengthMs);
    return lengthMs;
  }

  #isTooMuch(): boolean {
    if (this.#inRow >= this.#policy.failures) return true;
    return this.#seen === WINDOW && bitCount(this.#failed) >= this.#policy.failureRatio * WINDOW;
  }

  #isWorthATry(isAlone: boolean): boolean {
    const succeeded = this.#seen - bitCount(this.#failed);
    if (isAlone) return succeeded > 0 && succeeded >= LONE_RESORT_RATIO * this.#seen;
    return succeeded > 0 && (this.#seen < LEAST_ATTEMPTS || succeeded >= LAST_RESORT_RATIO * this.#seen);
  }

  #note(hasFailed: boolean): void {
    this.#failed = ((this.#failed << 1) | (hasFailed ? 1 : 0)) & WINDOW_MASK;
    this.#seen = Math.min(WINDOW, this.#seen + 1);
  }
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
