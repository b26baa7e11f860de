import { GenerationalMap } from '../../core/generational-map.ts';
import { blamesTarget, type FailureKind } from '../../core/resilience/failure.ts';
import type { LatencyAverage } from '../../core/route/latency-average.ts';
import { LatencyWindow } from '../../core/resilience/latency-window.ts';
import type { ResiliencePolicy } from '../../core/resilience/resilience-policy.ts';
import { RetryBudget } from '../../core/resilience/retry-budget.ts';
import { type HealthState, TargetHealth } from '../../core/resilience/target-health.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { weightedDraw } from '../../core/weighted-draw.ts';
import type { Random } from '../../ports/clock.ts';

/** Targets that are remembered: callers name models, so their number must be bounded. */
const MAX_TARGETS = 4096;

/** How long a key rests that was told to slow down without being told for how long, in milliseconds; another one is at hand. */
const LIMITED_KEY_REST_MS = 1000;

/** An attempt under way, as its target's book has it. @internal */
export interface AttemptTicket {
  /** Which of the provider's keys it uses. */
  readonly keyIndex: number;
  readonly isTargetProbe: boolean;
  readonly isKeyProbe: boolean;
}

/** A change that an attempt's end made. @internal */
export interface HealthChange {
  /** For how long the target rests now, in milliseconds; 0 when it does not begin to. */
  readonly restsMs: number;
  /** Whether it is back after a rest. */
  readonly hasRecovered: boolean;
}

const NO_CHANGE: HealthChange = { restsMs: 0, hasRecovered: false };
const STATES: readonly HealthState[] = ['good', 'probe', 'degraded', 'down'];

/** What this process knows of one target: how its last attempts ended, by key where it has several, and how long they took. @internal */
export class TargetEntry {
  readonly budget: RetryBudget;
  /** To the first text of a stream. */
  readonly streamLatency: LatencyWindow = new LatencyWindow();
  /** To the end of a whole reply. */
  readonly wholeLatency: LatencyWindow = new LatencyWindow();
  inFlight = 0;
  /** Time to first byte, for the choice among equal targets. */
  latency: LatencyAverage | undefined;
  readonly #health: TargetHealth;
  /** One for each key; empty where there is nothing to choose. */
  readonly #keys: readonly TargetHealth[];
  readonly #weights: readonly number[];

  constructor(policy: ResiliencePolicy, keyWeights: readonly number[]) {
    this.budget = new RetryBudget(policy.retryBudgetRatio);
    this.#health = new TargetHealth(policy.cooldown);
    this.#weights = keyWeights;
    this.#keys = keyWeights.length > 1 ? keyWeights.map(() => new TargetHealth(policy.cooldown)) : [];
  }

  /** Whether one key that fails leaves another to be tried. */
  get hasKeys(): boolean {
    return this.#keys.length > 0;
  }

  /**
   * @param spentKeys - keys that the call has no use for any more.
   * @param isAlone - whether the call has no other target.
   */
  state(nowMs: number, spentKeys?: ReadonlySet<number>, isAlone = false): HealthState {
    const own = this.#health.state(nowMs, isAlone);
    if (!this.hasKeys) return own;
    const best = Math.min(...this.#keys.map((_key, index) => this.#rank(index, nowMs, spentKeys)));
    return STATES[Math.max(STATES.indexOf(own), best)] ?? 'down';
  }

  /** When an attempt may be made again; 0 when now. Unix milliseconds. */
  restsUntilMs(): number {
    const keys = this.hasKeys ? Math.min(...this.#keys.map((key) => key.restsUntilMs)) : 0;
    return Math.max(this.#health.restsUntilMs, keys);
  }

  /** @param warmKey - the key whose account has the prompt's beginning in the provider's cache; used where it is as well as any other. */
  begin(nowMs: number, random: Random, spentKeys?: ReadonlySet<number>, warmKey?: number): AttemptTicket {
    this.inFlight += 1;
    const keyIndex = this.hasKeys ? this.#chooseKey(nowMs, random, spentKeys, warmKey) : 0;
    return {
      keyIndex,
      isTargetProbe: this.#health.begin(nowMs),
      isKeyProbe: this.#keys[keyIndex]?.begin(nowMs) ?? false,
    };
  }

  /** The attempt is over. `failure` is undefined for an answer, and `left` for one that says nothing of the target. */
  end(
    ticket: AttemptTicket,
    failure: FailureKind | 'left' | undefined,
    retryAfterMs: number | undefined,
    nowMs: number,
  ): HealthChange {
    this.inFlight -= 1;
    const key = this.#keys[ticket.keyIndex];
    if (failure === undefined) {
      key?.succeed(ticket.isKeyProbe);
      return { restsMs: 0, hasRecovered: this.#health.succeed(ticket.isTargetProbe) };
    }
    if (key !== undefined && (failure === 'refused' || failure === 'limited')) {
      this.#health.leave(ticket.isTargetProbe);
      if (failure === 'refused') key.refuse(ticket.isKeyProbe, nowMs);
      else key.restFor(ticket.isKeyProbe, nowMs, retryAfterMs ?? LIMITED_KEY_REST_MS);
      return NO_CHANGE;
    }
    key?.leave(ticket.isKeyProbe);
    if (failure === 'refused') return rested(this.#health.refuse(ticket.isTargetProbe, nowMs));
    if (failure !== 'left' && blamesTarget(failure)) return rested(this.#health.fail(ticket.isTargetProbe, nowMs));
    // Who refuses a request because of what is in it is alive.
    if (failure !== 'left' && failure !== 'missing')
      return { restsMs: 0, hasRecovered: this.#health.succeed(ticket.isTargetProbe) };
    this.#health.leave(ticket.isTargetProbe);
    return NO_CHANGE;
  }

  #rank(index: number, nowMs: number, spentKeys: ReadonlySet<number> | undefined): number {
    if (spentKeys?.has(index) === true) return STATES.length;
    return STATES.indexOf(this.#keys[index]?.state(nowMs) ?? 'down');
  }

  /** By chance and weight among those in the best state, unless the warm one is among them. */
  #chooseKey(
    nowMs: number,
    random: Random,
    spentKeys: ReadonlySet<number> | undefined,
    warmKey: number | undefined,
  ): number {
    const ranks = this.#keys.map((_key, index) => this.#rank(index, nowMs, spentKeys));
    const best = Math.min(...ranks);
    const choice = [...ranks.keys()].filter((index) => ranks[index] === best);
    if (warmKey !== undefined && choice.includes(warmKey)) return warmKey;
    const weights = choice.map((index) => this.#weights[index] ?? 1);
    return choice[weightedDraw(weights, random.fraction()).index] ?? 0;
  }
}

function rested(restsMs: number): HealthChange {
  return { restsMs, hasRecovered: false };
}

/** What {@link TargetBook} needs. @internal */
export interface TargetBookOptions {
  readonly policy: ResiliencePolicy;
  /** Weights of a provider's keys, by its name. */
  readonly keyWeightsOf: (provider: string) => readonly number[];
}

/** What this process knows of its targets. Others learn for themselves: five failures teach it. @internal */
export class TargetBook {
  readonly #options: TargetBookOptions;
  readonly #entries = new GenerationalMap<string, TargetEntry>(MAX_TARGETS);

  constructor(options: TargetBookOptions) {
    this.#options = options;
  }

  entry(target: Target): TargetEntry {
    const name = formatTarget(target);
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const { policy, keyWeightsOf } = this.#options;
    const entry = new TargetEntry(policy, keyWeightsOf(target.provider));
    this.#entries.set(name, entry);
    return entry;
  }
}
