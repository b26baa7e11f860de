import type { CacheLife } from './cache-ratios.ts';
import type { PrefixBlock } from './prefix-block.ts';
import type { RecurrencePlan } from './recurrence-planner.ts';

/** A border of blocks up to which the provider is asked to cache. @public */
export interface Breakpoint {
  /** Blocks before it. */
  readonly depth: number;
  readonly life: CacheLife;
}

/** What breakpoints are placed by. @public */
export interface BreakpointQuestion {
  readonly chain: readonly PrefixBlock[];
  readonly plan: RecurrencePlan;
  /** Depths at which tools and system end. */
  readonly sectionDepths: readonly number[];
  /** Shorter prefixes are silently not cached. */
  readonly minimumTokens: number;
  /** How many blocks before a breakpoint the provider looks for what is cached: 20 for Claude, Infinity for OpenAI. */
  readonly lookBackBlocks: number;
  /** The life of what many requests share, and of the rest. */
  readonly headLife: CacheLife;
  readonly tailLife: CacheLife;
}

/** Both Anthropic and OpenAI take four. */
const MAX_BREAKPOINTS = 4;
const LIFE_ORDER: readonly CacheLife[] = ['5m', '30m', '1h'];

/** Turns what is to be cached into breakpoints, in rising order; none: nothing is to be cached. @public */
export function cachePlan(question: BreakpointQuestion): readonly Breakpoint[] {
  const { plan, chain, minimumTokens } = question;
  const ends = endTokens(chain);
  const longEnough = (depth: number): boolean =>
    depth >= 1 && depth <= Math.min(plan.writeDepth, chain.length) && (ends[depth - 1] ?? 0) >= minimumTokens;
  const depths: number[] = [];
  for (const depth of wantedDepths(question)) {
    if (depths.length < MAX_BREAKPOINTS && longEnough(depth) && !depths.includes(depth)) depths.push(depth);
  }
  while (depths.length > 0 && depths.length < MAX_BREAKPOINTS) {
    const between = widestMiddle(ends, plan.cachedDepth, depths);
    if (between === undefined || !longEnough(between)) break;
    depths.push(between);
  }
  depths.sort((left, right) => left - right);
  return withLives(depths, question);
}

/** Borders by how much is lost without them. */
function wantedDepths({ plan, sectionDepths, lookBackBlocks }: BreakpointQuestion): readonly number[] {
  const { cachedDepth, writeDepth, branchDepths } = plan;
  const isFar = writeDepth - cachedDepth > lookBackBlocks;
  return [
    writeDepth,
    // The last request's breakpoint is out of the look-back's sight: named again, it is found for sure.
    ...(isFar ? [cachedDepth] : []),
    ...branchDepths.toReversed().slice(0, 1),
    ...sectionDepths.toSorted((left, right) => right - left),
    ...branchDepths.toReversed().slice(1),
  ];
}

/**
 * The middle, by tokens, of the widest part without a breakpoint of what is written. A prompt that goes another way in the middle reads up to
 * there, and more breakpoints on what is written anyway cost nothing. Undefined: no part has an inner border.
 */
function widestMiddle(ends: readonly number[], from: number, depths: readonly number[]): number | undefined {
  const borders = [from, ...depths.filter((depth) => depth > from)].toSorted((left, right) => left - right);
  let widest = 0;
  let middle: number | undefined;
  borders.slice(1).forEach((until, index) => {
    const start = borders[index] ?? 0;
    const [startTokens, untilTokens] = [ends[start - 1] ?? 0, ends[until - 1] ?? 0];
    const found = ends.findIndex((end) => end >= (startTokens + untilTokens) / 2) + 1;
    if (found <= start || found >= until || untilTokens - startTokens <= widest) return;
    widest = untilTokens - startTokens;
    middle = found;
  });
  return middle;
}

/** Longer lives must come before shorter ones. */
function withLives(depths: readonly number[], question: BreakpointQuestion): readonly Breakpoint[] {
  const { plan, sectionDepths, headLife, tailLife } = question;
  const headDepth = Math.max(0, ...plan.branchDepths, ...sectionDepths);
  const longer = LIFE_ORDER.indexOf(headLife) >= LIFE_ORDER.indexOf(tailLife) ? headLife : tailLife;
  return depths.map((depth) => ({ depth, life: depth <= headDepth ? longer : tailLife }));
}

function endTokens(chain: readonly PrefixBlock[]): readonly number[] {
  let end = 0;
  return chain.map(({ tokens }) => (end += tokens));
}
