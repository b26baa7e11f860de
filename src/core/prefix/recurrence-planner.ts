import { GenerationalMap } from '../generational-map.ts';
import { lookOf, type RequestState, type SeenBlock, stateOfRequest } from './block-class.ts';
import { countWhile, lastWhere, tokensBetween } from './chain-depths.ts';
import { ExpertWeights } from './expert-weights.ts';
import { NearLengths } from './near-lengths.ts';
import type { CacheRatios, PrefixBlock } from './prefix-block.ts';
import { DELAY_STEPS, ReuseDelays } from './reuse-delays.ts';
import { type BlockClass, RecurrenceCounts, type RecurrenceSummary } from './recurrence-counts.ts';
import { worthwhileDepth, writeWorth } from './write-worth.ts';

/** What a planner is made for: one target with one life of its writes. @public */
export interface RecurrencePlannerOptions extends CacheRatios {
  /** How long a prefix is readable after its last use, in milliseconds. */
  readonly ttlMs: number;
  /**
   * How many blocks are remembered; about 200 bytes each. What is forgotten counts as new: too low costs money, never correctness.
   * @defaultValue 200_000
   */
  readonly maxBlocks?: number;
}

/** Up to where a request's prompt is to be written. Depths are counts of blocks. @public */
export interface RecurrencePlan {
  /** Blocks that this request is expected to read from the provider's cache. */
  readonly cachedDepth: number;
  /** Blocks that are in the cache afterwards; more than `cachedDepth` where writing pays. */
  readonly writeDepth: number;
  readonly cachedTokens: number;
  /** Tokens that are paid at the price of a write. */
  readonly writeTokens: number;
  /** What the write is expected to be worth, in tokens of uncached input; may be below zero where it is a hedge. */
  readonly expectedWorthTokens: number;
  /** Depths within `writeDepth` at which requests went different ways before: another request may read up to there; rising. */
  readonly branchDepths: readonly number[];
}

/** Bills so far, in tokens of uncached input. @public */
export interface RecurrenceBills {
  readonly uncached: number;
  readonly always: number;
  readonly planned: number;
}

interface Node extends SeenBlock {
  isPlanned: boolean;
  /** When a breakpoint was last set or read behind it. */
  breakpointMs: number;
  learnedBreakpointMs: number;
  isLearned: boolean;
  /** The request whose outcome is still open for this block. */
  openRequest: OpenRequest | undefined;
  openClass: BlockClass;
  openWeight: number;
  tokens: number;
  isNewAlways: boolean;
  isNewLearned: boolean;
}

interface OpenRequest {
  readonly atMs: number;
  readonly nodes: readonly Node[];
  /** Its blocks by class, in average requests. */
  readonly weights: ReadonlyMap<BlockClass, number>;
  /** What each expert's writes for this request lost so far; gains are negative. */
  readonly losses: number[];
}

const DEFAULT_MAX_BLOCKS = 200_000;
const [ALWAYS, LEARNED] = [0, 1] as const;
/**
 * The learned policy leads until it has shown that it should not. Never is none of them: the bound on debt stands for it, and a share of its own
 * would hold back, by a whole life, what has begun to come again.
 */
const EXPERT_PRIORS = [0.05, 0.95];
/** Of the uncached bill: what all writes together may be behind their reads at any moment. Below the promised 1 %, to leave room for rounding. */
const LARGEST_DEBT_RATIO = 0.009;
/** So much debt, in uncached bills of an average request, is trusted for a start: no reads without first writes. Reached at 1,000 requests. */
const TRUSTED_REQUESTS = 9;

/**
 * Decides for each request how much of its prompt is worth a paid write, from how often prompts like it came again in time.
 *
 * It is a state machine over values: no clock, no chance. What was written may be behind what its reads saved by no more than 0.9 % of the
 * uncached bill or the bills of nine requests as they were on average, at any moment, whatever comes. Which of always and the learned
 * policy is followed shifts with what each of them lost once its outcome is known.
 *
 * Against always there is no such bound for every trace: whether a prompt comes again is known only after its life. An adversary that sees
 * each decision and does the opposite has a policy that keeps to 1 % over never write one prompt in twenty-five, while always reads the others:
 * no policy can keep both promises there, and this one is then three quarters of the bill over always. On arrivals that do not depend on its
 * decisions the excess is a constant number of requests: on every shape of `test/support/cache-traces.ts` below 1 % from 1,000 requests on at
 * 1.25 for writes and 0.1 for reads, and from 3,000 on at 2.
 * @public
 */
export class RecurrencePlanner {
  readonly #options: Required<RecurrencePlannerOptions>;
  readonly #counts = new RecurrenceCounts();
  readonly #nearLengths = new NearLengths();
  readonly #experts = new ExpertWeights(EXPERT_PRIORS);
  readonly #nodes: GenerationalMap<string, Node>;
  #open: OpenRequest[] = [];
  #openAt = 0;
  readonly #agedAt = DELAY_STEPS.map(() => 0);
  readonly #delays = new ReuseDelays();
  #openBlocks = 0;
  #readsAtBreakpoints = false;
  #requests = 0;
  #bills = { uncached: 0, always: 0, planned: 0 };

  /** @throws RangeError for ratios or a life that no provider has. */
  constructor(options: RecurrencePlannerOptions) {
    const { writeRatio, readRatio, ttlMs } = options;
    if (!(writeRatio >= 1 && readRatio >= 0 && readRatio <= 1 && ttlMs > 0)) {
      throw new RangeError(`no cache prices: write ${writeRatio}, read ${readRatio}, life ${ttlMs} ms`);
    }
    this.#options = { maxBlocks: DEFAULT_MAX_BLOCKS, ...options };
    this.#nodes = new GenerationalMap(Math.max(2, this.#options.maxBlocks));
  }

  /** Plans a request and counts it as sent. @param minimumTokens - shorter prefixes are not cached by the provider. */
  plan(chain: readonly PrefixBlock[], atMs: number, minimumTokens = 0): RecurrencePlan {
    this.#requests += 1;
    this.#age(atMs);
    this.#expire(atMs);
    const { ttlMs, writeRatio, readRatio } = this.#options;
    const known = chain.map(({ key }) => this.#nodes.get(key));
    const isLive = (node: Node | undefined): node is Node => node !== undefined && atMs - node.lastMs <= ttlMs;
    const liveDepth = countWhile(known, isLive);
    const plannedDepth = this.#readsAtBreakpoints
      ? lastWhere(known, liveDepth, (node) => atMs - node.breakpointMs <= ttlMs)
      : countWhile(known, (node) => isLive(node) && node.isPlanned);
    const learnedDepth = this.#readsAtBreakpoints
      ? lastWhere(known, liveDepth, (node) => atMs - node.learnedBreakpointMs <= ttlMs)
      : countWhile(known, (node) => isLive(node) && node.isLearned);
    const request = stateOfRequest(chain, known, { liveDepth, atMs, ttlMs }, (tokens) =>
      this.#nearLengths.observe(tokens),
    );
    const classes = this.#classesOf(chain, known, request, atMs);
    this.#resolveReuse(known, liveDepth, atMs);
    const likely = { chain, reuseRatios: classes.map(({ reuseRatio }) => reuseRatio), writeRatio, readRatio };
    const learned = worthwhileDepth(likely, learnedDepth);
    const mixed = this.#mixedDepth(chain, learned, plannedDepth);
    const worth = writeWorth(likely, plannedDepth, mixed);
    let writeDepth = this.#affordableDepth(chain, plannedDepth, mixed, worth);
    if (tokensBetween(chain, 0, writeDepth) < minimumTokens) writeDepth = plannedDepth;
    const cachedTokens = tokensBetween(chain, 0, plannedDepth);
    const writeTokens = tokensBetween(chain, plannedDepth, writeDepth);
    const total = tokensBetween(chain, 0, chain.length);
    const liveTokens = tokensBetween(chain, 0, liveDepth);
    this.#bills.uncached += total;
    this.#bills.always += writeRatio * (total - liveTokens) + readRatio * liveTokens;
    this.#bills.planned += total + (writeRatio - 1) * writeTokens - (1 - readRatio) * cachedTokens;
    const nodes = this.#remember(chain, known, { atMs, request, learned, learnedDepth, writeDepth, classes });
    return {
      cachedDepth: plannedDepth,
      writeDepth,
      cachedTokens,
      writeTokens,
      expectedWorthTokens: writeWorth(likely, plannedDepth, writeDepth),
      branchDepths: nodes.flatMap((node, depth) => (node.children > 1 && depth < writeDepth ? [depth + 1] : [])),
    };
  }

  /**
   * Takes note of where breakpoints were set for a prompt that was just planned: from then on, prefixes count as readable only up to where one
   * was. Without it they count as readable up to any block, as with providers that cache by themselves.
   */
  placed(chain: readonly PrefixBlock[], depths: readonly number[], atMs: number): void {
    this.#readsAtBreakpoints = true;
    for (const depth of depths) {
      const node = this.#nodes.get(chain[depth - 1]?.key ?? '');
      if (node !== undefined) node.breakpointMs = atMs;
    }
  }

  /** Takes what the provider stated: only so much of the prompt is in its cache now (read and written). For a call that failed: 0 written. */
  correct(chain: readonly PrefixBlock[], cachedTokens: number): void {
    let endTokens = 0;
    for (const { key, tokens } of chain) {
      // Counts of ours may be estimates: a block counts as cached when most of it is.
      const isCached = endTokens + tokens / 2 <= cachedTokens;
      endTokens += tokens;
      const node = this.#nodes.get(key);
      if (node === undefined || isCached) continue;
      node.isPlanned = false;
      node.breakpointMs = -Infinity;
    }
  }

  /** What never, always and this planner would have paid for all requests so far. */
  bills(): RecurrenceBills {
    return { ...this.#bills };
  }

  summary(): RecurrenceSummary {
    return this.#counts.summary();
  }

  /** Takes up what an earlier process learnt; false: it does not fit and was left aside. */
  restore(summary: RecurrenceSummary): boolean {
    return this.#counts.restore(summary);
  }

  #averageTokens(): number {
    return this.#requests === 0 ? 1 : Math.max(1, this.#bills.uncached / this.#requests);
  }

  /** Neighbours that look the same share one class, so that counting costs little. */
  #classesOf(
    chain: readonly PrefixBlock[],
    known: readonly (Node | undefined)[],
    request: RequestState,
    atMs: number,
  ): readonly BlockClass[] {
    let tokensAfter = request.tokens;
    let lastLook = '';
    let lastClass: BlockClass | undefined;
    return chain.map(({ tokens }, depth) => {
      tokensAfter -= tokens;
      const block = known[depth];
      const livesAgo = block === undefined ? 0 : (atMs - block.lastMs) / this.#options.ttlMs;
      const look = lookOf(request, block, depth, tokensAfter, livesAgo);
      const name = `${look.kind}:${look.aspects.join()}`;
      if (lastClass === undefined || name !== lastLook) lastClass = this.#counts.classOf(look);
      lastLook = name;
      return lastClass;
    });
  }

  /**
   * The depth between what the experts want, by their shares. Costs are convex in the depth (whatever part comes again), so that
   * the depth in between never costs more than the experts do on average: no chance is needed, and none can be guessed.
   */
  #mixedDepth(chain: readonly PrefixBlock[], learned: number, plannedDepth: number): number {
    if (this.#options.writeRatio === 1) return chain.length;
    const shares = this.#experts.shares(this.#averageTokens());
    const total = tokensBetween(chain, 0, chain.length);
    let wanted = (shares[ALWAYS] ?? 0) * total + (shares[LEARNED] ?? 0) * tokensBetween(chain, 0, learned);
    let depth = 0;
    for (; depth < chain.length; depth += 1) {
      const tokens = chain[depth]?.tokens ?? 0;
      if (wanted < tokens / 2) break;
      wanted -= tokens;
    }
    return Math.max(depth, plannedDepth);
  }

  /** How far the wanted write may go without the debt of all writes passing its bound. What is expected to lose may use half of it. */
  #affordableDepth(chain: readonly PrefixBlock[], from: number, wanted: number, worthTokens: number): number {
    const { writeRatio, readRatio } = this.#options;
    const extra = writeRatio - 1;
    if (extra === 0) return wanted;
    const { uncached, planned } = this.#bills;
    const total = tokensBetween(chain, 0, chain.length);
    const saved = (1 - readRatio) * tokensBetween(chain, 0, from);
    const bound = Math.max(LARGEST_DEBT_RATIO, TRUSTED_REQUESTS / this.#requests) * (uncached + total);
    let left = (worthTokens < 0 ? bound / 2 : bound) - (planned - uncached) + saved;
    let depth = from;
    for (; depth < wanted; depth += 1) {
      left -= extra * (chain[depth]?.tokens ?? 0);
      if (left < 0) break;
    }
    return depth;
  }

  /** What came again in time: the outcome of the earlier request is known for these blocks. */
  #resolveReuse(known: readonly (Node | undefined)[], liveDepth: number, atMs: number): void {
    for (let depth = 0; depth < liveDepth; depth += 1) {
      const node = known[depth];
      if (node === undefined) continue;
      if (node.openRequest !== undefined) {
        this.#delays.observe((atMs - node.openRequest.atMs) / this.#options.ttlMs, node.openWeight);
        this.#counts.observeReuse(node.openClass, node.openWeight);
      }
      this.#resolve(node, true);
    }
  }

  #age(atMs: number): void {
    DELAY_STEPS.forEach((lifeShare, step) => {
      const beforeMs = atMs - lifeShare * this.#options.ttlMs;
      const share = this.#delays.share(step);
      let at = Math.max(this.#agedAt[step] ?? 0, this.#openAt);
      for (; ; at += 1) {
        const request = this.#open[at];
        if (request === undefined || request.atMs >= beforeMs) break;
        for (const [blockClass, weight] of request.weights) this.#counts.observeChance(blockClass, weight * share);
      }
      this.#agedAt[step] = at;
    });
  }

  /**
   * What did not come again within its life is known to be one-off. Only now are the experts judged by the request: reuse is seen at once and its
   * absence late, so that judging by what is known so far would make always look good.
   */
  #expire(atMs: number): void {
    const { ttlMs, maxBlocks } = this.#options;
    for (;;) {
      const oldest = this.#open[this.#openAt];
      if (oldest === undefined) break;
      const isOver = atMs - oldest.atMs > ttlMs;
      if (!isOver && this.#openBlocks <= maxBlocks) break;
      this.#openAt += 1;
      this.#openBlocks -= oldest.nodes.length + 1;
      if (!isOver) continue;
      for (const node of oldest.nodes) if (node.openRequest === oldest) this.#resolve(node, false);
      this.#experts.observe(oldest.losses, this.#averageTokens());
    }
    if (this.#openAt > 1024 && this.#openAt * 2 > this.#open.length) {
      this.#agedAt.forEach((aged, step) => (this.#agedAt[step] = Math.max(0, aged - this.#openAt)));
      this.#open = this.#open.slice(this.#openAt);
      this.#openAt = 0;
    }
  }

  #resolve(node: Node, isReused: boolean): void {
    const request = node.openRequest;
    if (request === undefined) return;
    node.openRequest = undefined;
    const { writeRatio, readRatio } = this.#options;
    const gain = isReused ? (1 - readRatio) * node.tokens : 0;
    const price = (writeRatio - 1) * node.tokens;
    const { losses } = request;
    losses[ALWAYS] = (losses[ALWAYS] ?? 0) + (node.isNewAlways ? price : 0) - gain;
    losses[LEARNED] = (losses[LEARNED] ?? 0) + (node.isNewLearned ? price : 0) - (node.isLearned ? gain : 0);
  }

  #remember(
    chain: readonly PrefixBlock[],
    known: readonly (Node | undefined)[],
    made: {
      readonly atMs: number;
      readonly request: RequestState;
      readonly learned: number;
      readonly learnedDepth: number;
      readonly writeDepth: number;
      readonly classes: readonly BlockClass[];
    },
  ): readonly Node[] {
    const averageTokens = this.#averageTokens();
    let parent: Node | undefined;
    const nodes: Node[] = [];
    const weights = new Map<BlockClass, number>();
    const request: OpenRequest = { atMs: made.atMs, nodes, weights, losses: [0, 0] };
    this.#open.push(request);
    this.#openBlocks += chain.length + 1;
    chain.forEach(({ key, tokens }, depth) => {
      const openClass = made.classes[depth];
      if (openClass === undefined) return;
      let node = known[depth];
      if (node === undefined) {
        node = newNode(openClass, made.request);
        this.#nodes.set(key, node);
        if (parent !== undefined) parent.children += 1;
      }
      if (depth < made.request.liveDepth) node.reused += 1;
      node.lastMs = made.atMs;
      node.isPlanned = depth < made.writeDepth;
      node.isLearned = depth < made.learned;
      if (depth + 1 === made.learned || depth + 1 === made.learnedDepth) node.learnedBreakpointMs = made.atMs;
      node.isNewAlways = depth >= made.request.liveDepth;
      node.isNewLearned = depth >= made.learnedDepth && depth < made.learned;
      node.openRequest = request;
      node.openClass = openClass;
      node.request = made.request;
      node.openWeight = tokens / averageTokens;
      weights.set(openClass, (weights.get(openClass) ?? 0) + node.openWeight);
      node.tokens = tokens;
      parent = node;
      nodes.push(node);
    });
    return nodes;
  }
}

function newNode(openClass: BlockClass, request: RequestState): Node {
  return {
    lastMs: 0,
    reused: 0,
    children: 0,
    isPlanned: false,
    breakpointMs: -Infinity,
    learnedBreakpointMs: -Infinity,
    isLearned: false,
    openRequest: undefined,
    request,
    openClass,
    openWeight: 0,
    tokens: 0,
    isNewAlways: false,
    isNewLearned: false,
  };
}
