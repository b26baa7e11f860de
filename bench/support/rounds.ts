import { cpuMicroseconds, runLoad } from './bench-process.ts';
import { BENCH_SECRET, type BenchStack, type VariantName } from './bench-stack.ts';
import type { LatencySample, Sample } from './figures.ts';
import type { LoadResult } from './load-generator.ts';
import { type Scenario, scenarioOf, SCENARIOS, type ScenarioName } from './scenario.ts';

const PATH = '/v1/chat/completions';

/** How many rounds' worth of calls come before the first that is measured. */
const WARM_UP_ROUNDS = 2;

/** Whom a scenario is for: hits need a cache, and large prompts and latencies need no third opinion. */
const VARIANTS_OF: Readonly<Record<ScenarioName, readonly VariantName[]>> = {
  miss: ['bare', 'farthing', 'nginx'],
  hit: ['naive', 'farthing'],
  stream: ['bare', 'farthing', 'nginx'],
  'large-miss': ['bare', 'farthing', 'nginx'],
  'large-hit': ['naive', 'farthing'],
};

/** Loads the stack scenario by scenario and takes what each process used. */
export class Rounds {
  readonly #stack: BenchStack;
  readonly #scale: number;
  #nextIndex = 0;

  /** `scale` makes every scenario shorter or longer. */
  constructor(stack: BenchStack, scale: number) {
    this.#stack = stack;
    this.#scale = scale;
  }

  /** All variants have compiled their hot paths (the gateway's takes some thousand calls) and hold what hits ask for. */
  async warmUp(): Promise<void> {
    for (const scenario of SCENARIOS) {
      for (const variant of this.#variants(scenario))
        await this.#load(scenario, variant, scenario.calls * WARM_UP_ROUNDS * this.#scale);
    }
  }

  /** One round; odd rounds go backwards (A B, B A), so that a drift of the machine favours nobody. */
  async measure(round: number): Promise<readonly Sample[]> {
    const samples: Sample[] = [];
    for (const scenario of SCENARIOS) {
      const variants = this.#variants(scenario);
      for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
        // Misses may have pushed them out since.
        if (scenario.distinct !== undefined) await this.#load(scenario, variant, scenario.distinct * 2);
        samples.push(await this.#sample(scenario, variant, round));
      }
    }
    return samples;
  }

  /** Calls one at a time, which wait for nobody but the proxy. */
  async latency(): Promise<readonly LatencySample[]> {
    const samples: LatencySample[] = [];
    for (const name of ['miss', 'hit'] as const) {
      const scenario = scenarioOf(name);
      for (const variant of this.#variants(scenario)) {
        const { p50Ms, p99Ms } = await this.#load({ ...scenario, concurrency: 1 }, variant, 400 * this.#scale);
        samples.push({ scenario: name, variant, p50Ms, p99Ms });
      }
    }
    return samples;
  }

  #variants(scenario: Scenario): readonly VariantName[] {
    return VARIANTS_OF[scenario.name].filter((name) => this.#stack.variants.has(name));
  }

  async #sample(scenario: Scenario, variant: VariantName, round: number): Promise<Sample> {
    const calls = Math.round(scenario.calls * this.#scale);
    const pid = this.#stack.variants.get(variant)?.pid ?? 0;
    const before = cpuMicroseconds(pid);
    const { wallMs } = await this.#load(scenario, variant, calls);
    return {
      scenario: scenario.name,
      variant,
      round,
      cpuPerCallMicroseconds: (cpuMicroseconds(pid) - before) / calls,
      callsPerSecond: (calls / wallMs) * 1000,
    };
  }

  async #load(scenario: Scenario, variant: VariantName, calls: number): Promise<LoadResult> {
    const origin = this.#stack.variants.get(variant)?.origin ?? '';
    const result = await runLoad(this.#stack.generator, {
      origin,
      path: PATH,
      secret: BENCH_SECRET,
      scenario: scenario.name,
      calls: Math.ceil(calls),
      concurrency: scenario.concurrency,
      firstIndex: this.#nextIndex,
    });
    this.#nextIndex += Math.ceil(calls);
    if (result.failed > 0)
      throw new Error(`${result.failed} of ${calls} calls of ${scenario.name} failed on ${variant}`);
    return result;
  }
}
