import { GenerationalMap } from '../../core/generational-map.ts';
import { type CacheLife, cacheRatios } from '../../core/prefix/cache-ratios.ts';
import { type Breakpoint, cachePlan } from '../../core/prefix/cache-plan.ts';
import { LifeChoice } from '../../core/prefix/life-choice.ts';
import { MinimumPrefix } from '../../core/prefix/minimum-prefix.ts';
import type { CacheRatios } from '../../core/prefix/prefix-block.ts';
import { type RecurrencePlan, RecurrencePlanner } from '../../core/prefix/recurrence-planner.ts';
import type { RecurrenceSummary } from '../../core/prefix/recurrence-counts.ts';
import type { PromptCacheRegime } from '../../core/model-catalogue.ts';
import type { InputRates } from '../../ports/pricer.ts';
import type { BlockChain } from './block-chain.ts';

/** What one prompt is to say about the provider's cache, and why. @internal */
export interface TargetPlan {
  readonly plan: RecurrencePlan;
  readonly breakpoints: readonly Breakpoint[];
  readonly life: CacheLife;
  readonly ratios: CacheRatios;
  readonly planner: RecurrencePlanner;
  /** Whether nothing was to be written, and a breakpoint stands there only to read what is known to be cached. */
  readonly readsWarm: boolean;
}

/** Lives in milliseconds. */
export const LIFE_MS: Readonly<Record<CacheLife, number>> = { '5m': 300_000, '30m': 1_800_000, '1h': 3_600_000 };

/** Anthropic looks so many blocks back from a breakpoint; OpenAI over all. */
const LOOK_BACK_BLOCKS = 20;
/** Tokens for a byte until usage has shown it: English prose. */
const FIRST_TOKENS_PER_BYTE = 0.25;
/** Weight of a new reply in the average. */
const NEW_SHARE = 0.1;
/** For how long nothing is said about the cache at a target that refused to be told, in milliseconds: a day. */
const REFUSED_MS = 86_400_000;
/** Refusals in a row that show that a target, which took marks once, takes them no more. */
const NEEDED_REFUSALS = 3;
/** Blocks whose last use is remembered, about 100 bytes each. */
const MAX_BLOCKS = 100_000;

/** What is known of one target's prompt cache: prices, minimum, lives, and what came again of what was sent there. @internal */
export class TargetPrefixes {
  readonly regime: PromptCacheRegime;
  readonly minimum: MinimumPrefix;
  tokensPerByte: number = FIRST_TOKENS_PER_BYTE;
  readonly #lifeChoice = new LifeChoice();
  readonly #planners = new Map<CacheLife, RecurrencePlanner>();
  /** When each prefix was last sent, whatever was planned for it. */
  readonly #lastSentMs = new GenerationalMap<string, number>(MAX_BLOCKS);
  readonly #learnt: RecurrenceSummary | undefined;
  #refusedUntilMs = 0;
  #refusals = 0;
  #hasTakenMarks = false;

  /** @param learnt - what an earlier process learnt of this target. */
  constructor(regime: PromptCacheRegime, learnt: RecurrenceSummary | undefined) {
    this.regime = regime;
    this.minimum = new MinimumPrefix(regime.minimumTokens);
    this.#learnt = learnt;
  }

  /** Whether anything is to be said about the cache there: false for a day after the target refused to be told. */
  takesMarks(nowMs: number): boolean {
    return nowMs >= this.#refusedUntilMs;
  }

  /**
   * Takes note of an answer.
   * @param hadMarks - false: it came only after our marks had been refused. One request that a target refuses marks in, when it takes those of
   * others, is an odd request: it must not end caching for all.
   */
  observeMarks(hadMarks: boolean, nowMs: number): void {
    this.#refusals = hadMarks ? 0 : this.#refusals + 1;
    this.#hasTakenMarks ||= hadMarks;
    if (this.#refusals >= (this.#hasTakenMarks ? NEEDED_REFUSALS : 1)) this.#refusedUntilMs = nowMs + REFUSED_MS;
  }

  /**
   * Plans a prompt and counts it as sent. Undefined: prices are not known, so nobody can say what pays.
   * @param warmTokens - of its beginning, that a reply has stated as cached: perhaps to another process, whose blocks are not known here.
   */
  plan(
    { chain, sectionDepths, tokens }: BlockChain,
    rates: InputRates,
    atMs: number,
    warmTokens: number,
  ): TargetPlan | undefined {
    const lives = this.#livesOf(rates);
    const ratios = lives.ratios.get(lives.life);
    if (ratios === undefined) return undefined;
    const planner = this.#plannerOf(lives.life, ratios);
    const minimumTokens = this.minimum.tokens();
    const plan = planner.plan(chain, atMs, minimumTokens);
    const breakpoints = cachePlan({
      chain,
      plan,
      sectionDepths,
      minimumTokens,
      lookBackBlocks: this.regime.kind === 'explicit' ? LOOK_BACK_BLOCKS : Infinity,
      headLife: lives.life,
      tailLife: lives.life,
    });
    const made = { plan, life: lives.life, ratios, planner };
    const newTokens = Math.max(0, tokens - warmTokens);
    const isWorthReading = (1 - ratios.readRatio) * warmTokens > (ratios.writeRatio - 1) * newTokens;
    if (breakpoints.length > 0 || warmTokens < minimumTokens || !isWorthReading || chain.length === 0) {
      return { ...made, breakpoints, readsWarm: false };
    }
    // What is cached is read only where a breakpoint is in sight of it.
    const last = { depth: chain.length, life: lives.life };
    return { ...made, breakpoints: [last], readsWarm: true };
  }

  /** How much of a prompt, from its beginning, was sent here within the life of a write, 0..1. */
  seenRatio({ chain, tokens }: BlockChain, atMs: number): number {
    let seen = 0;
    for (const block of chain) {
      const last = this.#lastSentMs.get(block.key);
      if (last === undefined || atMs - last > this.regime.ttlMs) break;
      seen += block.tokens;
    }
    return tokens === 0 ? 0 : seen / tokens;
  }

  /** Notes that a prompt was sent. */
  sent({ chain }: BlockChain, atMs: number): void {
    let known: { readonly gapMs: number; readonly tokens: number } | undefined;
    let end = 0;
    for (const { key, tokens } of chain) {
      end += tokens;
      const last = this.#lastSentMs.get(key);
      if (last !== undefined) known = { gapMs: atMs - last, tokens: end };
      this.#lastSentMs.set(key, atMs);
    }
    if (known !== undefined) this.#lifeChoice.observe(known.gapMs, known.tokens);
    this.#lifeChoice.observe(undefined, end - (known?.tokens ?? 0));
  }

  /** Learns how many tokens a byte is. */
  observeSize(textBytes: number, inputTokens: number): void {
    if (textBytes < 1000 || inputTokens === 0) return;
    const ratio = Math.min(2, inputTokens / textBytes);
    this.tokensPerByte += NEW_SHARE * (ratio - this.tokensPerByte);
  }

  /** What was learnt of how prompts come again, for the store; undefined while nothing was planned. */
  summary(): RecurrenceSummary | undefined {
    return (this.#planners.get('5m') ?? this.#planners.get('30m') ?? this.#planners.get('1h'))?.summary();
  }

  #livesOf(rates: InputRates): { readonly life: CacheLife; readonly ratios: ReadonlyMap<CacheLife, CacheRatios> } {
    const ratios = new Map<CacheLife, CacheRatios>();
    for (const life of ['5m', '30m', '1h'] as const) {
      const found = cacheRatios(rates, life, this.regime.writesPriced);
      if (found !== undefined) ratios.set(life, found);
    }
    if (this.regime.kind === 'implicit') return { life: '30m', ratios };
    const [short, long] = [ratios.get('5m'), ratios.get('1h')];
    const life = short !== undefined && long !== undefined ? this.#lifeChoice.choose(short, long) : '5m';
    return { life, ratios };
  }

  #plannerOf(life: CacheLife, ratios: CacheRatios): RecurrencePlanner {
    const known = this.#planners.get(life);
    if (known !== undefined) return known;
    const planner = new RecurrencePlanner({ ...ratios, ttlMs: LIFE_MS[life], maxBlocks: MAX_BLOCKS });
    if (this.#learnt !== undefined) planner.restore(this.#learnt);
    this.#planners.set(life, planner);
    return planner;
  }
}
