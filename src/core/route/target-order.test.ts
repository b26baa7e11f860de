import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Target, formatTarget } from '../model/target.ts';
import { type LatencyAverage, observe } from './latency-average.ts';
import type { RouteBalance } from './route-table.ts';
import { targetOrder, type TargetObservation } from './target-order.ts';

type Targets = readonly [Target, ...Target[]];

const IDLE: TargetObservation = { inFlight: 0, latency: undefined };

function targetsOf(count: number): Targets {
  const [first = { provider: 'p0', model: 'm' }, ...rest] = Array.from({ length: count }, (_, index) => ({
    provider: `p${index}`,
    model: 'm',
  }));
  return [first, ...rest];
}

/** A fixed sequence of chances (mulberry32). */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('without a balance the order is the one that is written', () => {
  const targets = targetsOf(3);
  expect(targetOrder(targets, { balance: undefined, observationOf: () => IDLE, nowMs: 0, fraction: 0.9 })).toEqual(
    targets,
  );
});

test('every order holds each target once, whatever the chance and what was observed', () => {
  const latency = fc.option(fc.record({ averageMs: fc.nat({ max: 1e6 }), observedAtMs: fc.nat({ max: 1e6 }) }), {
    nil: undefined,
  });
  const candidate = fc.record({ weight: fc.integer({ min: 1, max: 1000 }), inFlight: fc.nat({ max: 100 }), latency });
  const fraction = fc.oneof(
    fc.constantFrom(0, 0.5, 1 - Number.EPSILON / 2),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  );
  fc.assert(
    fc.property(
      fc.array(candidate, { minLength: 1, maxLength: 12 }),
      fc.constantFrom<RouteBalance['by']>('weighted', 'latency'),
      fc.nat({ max: 2e6 }),
      fraction,
      (candidates, by, nowMs, chance) => {
        const targets = targetsOf(candidates.length);
        const order = targetOrder(targets, {
          balance: { by, weights: candidates.map(({ weight }) => weight) },
          observationOf: (target) => candidates[targets.indexOf(target)] ?? IDLE,
          nowMs,
          fraction: chance,
        });
        expect(order.map((target) => formatTarget(target)).toSorted()).toEqual(
          targets.map((target) => formatTarget(target)).toSorted(),
        );
      },
    ),
    { numRuns: 1000 },
  );
});

describe('weighted', () => {
  const DRAWS = 20_000;

  /** How often each target came at each place. */
  function places(weights: readonly number[], seed: number): readonly (readonly number[])[] {
    const targets = targetsOf(weights.length);
    const next = chances(seed);
    const counts = targets.map(() => targets.map(() => 0));
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const options = {
        balance: { by: 'weighted', weights },
        observationOf: () => IDLE,
        nowMs: 0,
        fraction: next(),
      } as const;
      for (const [place, target] of targetOrder(targets, options).entries()) {
        const row = counts[targets.indexOf(target)] ?? [];
        row[place] = (row[place] ?? 0) + 1;
      }
    }
    return counts;
  }

  test('each target is first as often as its weight says, and so are the fallbacks after it', () => {
    const weights = [1, 3, 6];
    const counts = places(weights, 7);
    for (const [index, weight] of weights.entries()) {
      expect((counts[index]?.[0] ?? 0) / DRAWS).toBeCloseTo(weight / 10, 1.9);
      // Behind each first one the others share by their weights.
      const others = weights.filter((_, other) => other !== index);
      const second = others.reduce((sum, first) => sum + ((first / 10) * weight) / (10 - first), 0);
      expect((counts[index]?.[1] ?? 0) / DRAWS).toBeCloseTo(second, 1.9);
    }
  });

  test('shares match any weights', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(weights, fc.integer(), (chosen, seed) => {
        const sum = chosen.reduce((total, weight) => total + weight, 0);
        for (const [index, row] of places(chosen, seed).entries()) {
          const share = (chosen[index] ?? 0) / sum;
          // Six standard deviations: fails by chance about once in 10^8 runs.
          const tolerance = 6 * Math.sqrt((share * (1 - share)) / DRAWS) + 1 / DRAWS;
          expect(Math.abs((row[0] ?? 0) / DRAWS - share)).toBeLessThanOrEqual(tolerance);
        }
      }),
      { numRuns: 10 },
    );
  });
});

/** Calls at an even rate to targets that answer after a time that may change, on a clock of its own. */
class Simulation {
  readonly #targets: Targets;
  readonly #weights: readonly number[];
  readonly #next: () => number;
  readonly #averages = new Map<Target, LatencyAverage>();
  readonly #ends: { readonly target: Target; readonly atMs: number; readonly tookMs: number }[] = [];
  nowMs = 0;

  constructor(weights: readonly number[], seed: number) {
    this.#targets = targetsOf(weights.length);
    this.#weights = weights;
    this.#next = chances(seed);
  }

  /** How many calls each target got. */
  run(calls: number, everyMs: number, latenciesMs: readonly number[]): readonly number[] {
    const counts = this.#targets.map(() => 0);
    for (let call = 0; call < calls; call += 1) {
      this.nowMs += everyMs;
      this.#finish();
      const [target] = targetOrder(this.#targets, {
        balance: { by: 'latency', weights: this.#weights },
        observationOf: (each) => ({
          inFlight: this.#ends.filter((end) => end.target === each).length,
          latency: this.#averages.get(each),
        }),
        nowMs: this.nowMs,
        fraction: this.#next(),
      });
      const index = this.#targets.indexOf(target);
      const tookMs = (latenciesMs[index] ?? 0) * (0.8 + 0.4 * this.#next());
      this.#ends.push({ target, atMs: this.nowMs + tookMs, tookMs });
      counts[index] = (counts[index] ?? 0) + 1;
    }
    return counts;
  }

  #finish(): void {
    const ended = this.#ends.filter(({ atMs }) => atMs <= this.nowMs).toSorted((left, right) => left.atMs - right.atMs);
    for (const end of ended) {
      this.#ends.splice(this.#ends.indexOf(end), 1);
      this.#averages.set(end.target, observe(this.#averages.get(end.target), end.tookMs, end.atMs));
    }
  }
}

describe('latency', () => {
  const SEEDS = [1, 2, 3];
  const shareOf = (counts: readonly number[], index: number): number =>
    (counts[index] ?? 0) / counts.reduce((sum, count) => sum + count, 0);

  test.each([1, 5, 20, 100])('at %i calls a second a target that is ten times slower gets a small share', (rate) => {
    for (const seed of SEEDS) {
      const simulation = new Simulation([1, 1], seed);
      simulation.run(30 * rate, 1000 / rate, [200, 2000]);
      const share = shareOf(simulation.run(120 * rate, 1000 / rate, [200, 2000]), 1);
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThan(0.05);
    }
  });

  test.each([
    [1, 30],
    [5, 25],
    [20, 15],
    [100, 15],
  ])('at %i calls a second a slow target that turned fast is found within %i s', (rate, seconds) => {
    for (const seed of SEEDS) {
      const simulation = new Simulation([1, 1], seed);
      simulation.run(60 * rate, 1000 / rate, [200, 2000]);
      simulation.run(seconds * rate, 1000 / rate, [200, 200]);
      expect(shareOf(simulation.run(10 * rate, 1000 / rate, [200, 200]), 1)).toBeGreaterThan(0.25);
    }
  });

  test('a target that turns slow is left while its first slow answers are still on their way', () => {
    for (const seed of SEEDS) {
      const simulation = new Simulation([1, 1], seed);
      simulation.run(600, 50, [200, 200]);
      simulation.run(20, 50, [2000, 200]);
      expect(shareOf(simulation.run(200, 50, [2000, 200]), 0)).toBeLessThan(0.05);
    }
  });

  test('calls spread over all targets that are equally fast', () => {
    for (const seed of SEEDS) {
      const simulation = new Simulation([1, 1, 1], seed);
      const counts = simulation.run(3000, 20, [200, 200, 200]);
      for (const index of [0, 1, 2]) expect(shareOf(counts, index)).toBeGreaterThan(0.25);
    }
  });

  const [first, second, third = first] = targetsOf(3);

  function order(observations: readonly TargetObservation[], weights: readonly number[], fraction: number): Targets {
    const targets: Targets = [
      first,
      ...[second, third].slice(0, observations.length - 1).filter((each) => each !== undefined),
    ];
    return targetOrder(targets, {
      balance: { by: 'latency', weights },
      observationOf: (target) => observations[targets.indexOf(target)] ?? IDLE,
      nowMs: 0,
      fraction,
    });
  }

  const observed = (averageMs: number, inFlight = 0): TargetObservation => ({
    inFlight,
    latency: { averageMs, observedAtMs: 0 },
  });

  test('twice the weight may be twice as slow', () => {
    for (const fraction of [0, 0.4, 0.9]) {
      expect(order([observed(100), observed(190)], [1, 2], fraction)[0]).toBe(second);
      expect(order([observed(100), observed(210)], [1, 2], fraction)[0]).toBe(first);
    }
  });

  test('what is under way counts as much as it takes', () => {
    expect(order([observed(100, 3), observed(300)], [1, 1], 0)[0]).toBe(second);
    expect(order([observed(100, 1), observed(300)], [1, 1], 0)[0]).toBe(first);
  });

  test('fallbacks are tried from the cheapest on, and the dearest of three is never first', () => {
    const firsts = new Set<Target>();
    for (let fraction = 0; fraction < 1; fraction += 0.05) {
      const [chosen, ...rest] = order([observed(900), observed(100), observed(500)], [1, 1, 1], fraction);
      firsts.add(chosen);
      expect(rest).toEqual([second, third, first].filter((target) => target !== chosen));
    }
    expect(firsts).toEqual(new Set([second, third]));
  });

  test('an unknown target is asked at once, and of many calls at the same moment it gets a share only', () => {
    const inFlight = [0, 0];
    const next = chances(9);
    for (let call = 0; call < 90; call += 1) {
      const observations = [observed(200, inFlight[0]), { inFlight: inFlight[1] ?? 0, latency: undefined }];
      const index = order(observations, [1, 1], next())[0] === first ? 0 : 1;
      if (call === 0) expect(index).toBe(1);
      inFlight[index] = (inFlight[index] ?? 0) + 1;
    }
    expect(inFlight).toEqual([30, 60]);
  });

  test('a target that nobody asked for long does not take all calls of the moment at which they come back', () => {
    const inFlight = [0, 0];
    const next = chances(9);
    const stale = { averageMs: 200, observedAtMs: -3_600_000 };
    for (let call = 0; call < 90; call += 1) {
      const observations = [observed(200, inFlight[0]), { inFlight: inFlight[1] ?? 0, latency: stale }];
      const index = order(observations, [1, 1], next())[0] === first ? 0 : 1;
      inFlight[index] = (inFlight[index] ?? 0) + 1;
    }
    expect(inFlight).toEqual([30, 60]);
  });
});

test('among equals the warm target is asked first and the others stay in their order; in a written order it changes nothing', () => {
  const targets = targetsOf(4);
  const balance: RouteBalance = { by: 'weighted', weights: [1, 1, 1, 1] };
  const warm = { provider: 'p2', model: 'm' };
  for (const fraction of [0, 0.3, 0.6, 0.99]) {
    const cold = targetOrder(targets, { balance, observationOf: () => IDLE, nowMs: 0, fraction });
    const order = targetOrder(targets, { balance, observationOf: () => IDLE, nowMs: 0, fraction, warm });
    expect(order[0]).toEqual(warm);
    expect(order.slice(1)).toEqual(cold.filter((target) => target.provider !== 'p2'));
  }
  expect(targetOrder(targets, { balance: undefined, observationOf: () => IDLE, nowMs: 0, fraction: 0, warm })).toEqual(
    targets,
  );
});
