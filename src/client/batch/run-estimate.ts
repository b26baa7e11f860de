import { setImmediate as nextTurn } from 'node:timers/promises';
import { HashTable } from '../../core/batch/hash-table.ts';
import { estimatedCallTokens } from '../../core/limit/token-estimate.ts';
import type { Target } from '../../core/model/target.ts';
import { usageOf } from '../../core/model/usage.ts';
import { estimateInputTokens } from '../../core/tokens/estimate-input-tokens.ts';
import { profileOfModel } from '../../core/tokens/profile-of-model.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { TokenEncoding, Tokenizer } from '../../ports/tokenizer.ts';
import { countedInTurns } from '../../tokenizers/counted-in-turns.ts';
import { loadTokenizer } from '../../tokenizers/load-tokenizer.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';
import { requestSize } from '../../wire/request-size.ts';
import type { PreparedItem } from './prepared-item.ts';

/** An item whose cost can be told. @internal */
export interface EstimatedItem {
  readonly prepared: PreparedItem;
  readonly request: DecodedRequest;
  /** Where it goes as far as the model alone decides. */
  readonly target: Target;
}

/** What a run costs in one way of asking, in nano-dollars. @internal */
export interface WayEstimate {
  readonly expectedNanoUsd: bigint;
  /** Undefined: nobody can say of some items what they cost at the most. */
  readonly mostNanoUsd: bigint | undefined;
}

/** What a run costs, before it is started. Repeats are asked once. @internal */
export interface RunEstimate {
  readonly items: number;
  /** Equal to an item before them. */
  readonly repeats: number;
  /** Items of models without a price; in no sum. */
  readonly unpriced: number;
  readonly inputTokens: number;
  readonly live: WayEstimate;
  /** What the cheapest item may cost at the most, asked live, as it is held while it waits for a batch too. Undefined: nobody can say that of any, or items have no limit of their own and may get one from the operator. */
  readonly leastMostNanoUsd: number | undefined;
  /** Undefined: some items have no price of a batch. */
  readonly batch: WayEstimate | undefined;
}

/** What is expected of an answer that may be longer, in tokens. Nothing is known of the answers yet: ours, some 200 words. */
export const EXPECTED_OUTPUT_TOKENS = 256;

/** Items after which signals and timers have their turn. */
const TURN_ITEMS = 64;

const BATCH = { serviceTier: 'batch' } as const;

type TokenizerOf = (encoding: TokenEncoding) => Promise<Tokenizer>;

interface Sums {
  expected: bigint;
  most: bigint | undefined;
}

/** Adds up what items cost. @internal */
export class RunEstimator {
  readonly #pricer: Pricer;
  readonly #nowMs: number;
  readonly #tokenizerOf: TokenizerOf;
  readonly #seen = new HashTable({ hashWords: 2, valueBytes: 1 });
  readonly #live: Sums = { expected: 0n, most: 0n };
  readonly #batch: Sums = { expected: 0n, most: 0n };
  #leastMost: number | undefined;
  #isLimited = true;
  #hasBatch = true;
  #items = 0;
  #repeats = 0;
  #unpriced = 0;
  #inputTokens = 0;

  constructor(pricer: Pricer, nowMs: number, tokenizerOf: TokenizerOf = loadTokenizer) {
    this.#pricer = pricer;
    this.#nowMs = nowMs;
    this.#tokenizerOf = tokenizerOf;
  }

  async add(item: EstimatedItem): Promise<void> {
    this.#items += 1;
    if (this.#items % TURN_ITEMS === 0) await nextTurn();
    const { hash } = item.prepared;
    if (this.#seen.get(hash) !== undefined) {
      this.#repeats += 1;
      return;
    }
    this.#seen.set(hash, 0);
    const inputTokens = await tokensOf(item, this.#pricer.vendorOf(item.target), this.#tokenizerOf);
    this.#inputTokens += inputTokens;
    this.#addCosts(item, inputTokens);
  }

  /** The sum. Nothing is added after it: what was remembered of the items is given back, since a run begins now. */
  estimate(): RunEstimate {
    this.#seen.clear();
    return {
      items: this.#items,
      repeats: this.#repeats,
      unpriced: this.#unpriced,
      inputTokens: this.#inputTokens,
      live: wayEstimate(this.#live),
      leastMostNanoUsd: this.#isLimited ? this.#leastMost : undefined,
      batch: this.#hasBatch ? wayEstimate(this.#batch) : undefined,
    };
  }

  #addCosts({ request, target, prepared }: EstimatedItem, inputTokens: number): void {
    const size = requestSize(request, prepared.body.byteLength);
    const hasOutput = size.kind === 'unbounded' || size.hasOutput;
    const limit = hasOutput ? request.maxOutputTokens : 0;
    if (limit === undefined) this.#isLimited = false;
    const { samples } = request;
    const output = samples * Math.min(limit ?? EXPECTED_OUTPUT_TOKENS, EXPECTED_OUTPUT_TOKENS);
    const expected = usageOf({ input: inputTokens, output });
    const live = this.#pricer.price(target, expected, {}, this.#nowMs)?.amountNanoUsd;
    if (live === undefined) {
      this.#unpriced += 1;
      return;
    }
    const boundTokens = size.kind === 'bounded' ? size.textTokens + size.imageTokens : undefined;
    const bound = { inputTokens: boundTokens ?? 0, maxOutputTokens: limit, samples };
    const most = boundTokens === undefined ? undefined : this.#pricer.upperBound(target, bound, this.#nowMs);
    add(this.#live, live, most);
    if (most !== undefined) this.#leastMost = Math.min(most, this.#leastMost ?? most);
    const batch = this.#pricer.price(target, expected, BATCH, this.#nowMs)?.amountNanoUsd;
    const outputLimit = limit ?? this.#pricer.limits(target).maxOutputTokens;
    const largest =
      boundTokens === undefined || outputLimit === undefined
        ? undefined
        : usageOf({ input: boundTokens, output: samples * outputLimit });
    const batchMost = largest && this.#pricer.price(target, largest, BATCH, this.#nowMs)?.amountNanoUsd;
    if (batch === undefined) this.#hasBatch = false;
    else add(this.#batch, batch, batchMost);
  }
}

function wayEstimate({ expected, most }: Sums): WayEstimate {
  return { expectedNanoUsd: expected, mostNanoUsd: most };
}

function add(sums: Sums, expected: number, most: number | undefined): void {
  sums.expected += BigInt(expected);
  sums.most = most === undefined || sums.most === undefined ? undefined : sums.most + BigInt(most);
}

/** Input tokens of an item, as well as they can be told; what is embedded is told from its bytes. */
async function tokensOf(
  { request, prepared, target }: EstimatedItem,
  provider: string | undefined,
  tokenizerOf: TokenizerOf,
): Promise<number> {
  const { endpoint } = prepared;
  const read = promptOf(request);
  if (read === undefined) {
    return estimatedCallTokens({ endpoint, bodyBytes: prepared.body.byteLength, maxOutputTokens: 0, samples: 0 });
  }
  const profile = profileOfModel({ model: target.model, provider, endpoint });
  const tokenizer = await tokenizerOf(profile.encoding);
  const { totalTokens } = await countedInTurns((count) => estimateInputTokens(read.prompt, profile, count), tokenizer);
  return totalTokens;
}
