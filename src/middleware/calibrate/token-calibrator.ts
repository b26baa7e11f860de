import { inputTokensOf, type Usage } from '../../core/model/usage.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import {
  billedForOne,
  calibrate,
  calibratedTokens,
  type CalibrationState,
  NOTHING_LEARNT,
} from '../../core/tokens/calibration.ts';
import { estimateInputTokens } from '../../core/tokens/estimate-input-tokens.ts';
import { type BoundRecord, isProven, NO_RECORD, recordBound } from '../../core/tokens/bound-record.ts';
import type { CountTokens } from '../../core/tokens/count-tokens.ts';
import { inputTokenBound } from '../../core/tokens/input-token-bound.ts';
import { profileOfModel } from '../../core/tokens/profile-of-model.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { TokenEncoding, Tokenizer } from '../../ports/tokenizer.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';

/** What {@link TokenCalibrator} needs. @internal */
export interface TokenCalibratorOptions {
  readonly tokenizerOf: (encoding: TokenEncoding) => Promise<Tokenizer>;
  /** After the first calls of a target, one in so many is looked at. Infinity: none. */
  readonly oneIn: number;
  readonly vendorOf: (target: Target) => string | undefined;
  readonly events: EventSink;
  /** Called when something was learnt. */
  readonly onLearnt: () => void;
}

/** Calls of a target that are all looked at; of later ones some. Counting costs some 100 microseconds for a prompt of 1 KB. Ours. */
const FIRST_CALLS = 32;
/** Longer requests are not looked at, in UTF-16 units: counting one would hold up others. */
const MOST_CHARS = 100_000;
/** Targets whose calls are numbered: callers name models, so there must be an end. */
const MAX_TARGETS = 4096;

/** Learns from the usage of replies how far off our own counts of input tokens are, target by target. Works when nobody waits for it. @internal */
export class TokenCalibrator {
  readonly #options: TokenCalibratorOptions;
  readonly #calls = new Map<string, number>();
  readonly #bounds = new Map<string, BoundRecord>();
  #state: CalibrationState = NOTHING_LEARNT;
  #last: Promise<void> = Promise.resolve();

  constructor(options: TokenCalibratorOptions) {
    this.#options = options;
  }

  /** All that was learnt. */
  get state(): CalibrationState {
    return this.#state;
  }

  /** Takes over what was learnt elsewhere. */
  adopt(state: CalibrationState): void {
    this.#state = state;
  }

  /** Tokens that a target bills for one of our estimates. */
  billedForOne(target: Target): number {
    return billedForOne(this.#state, formatTarget(target));
  }

  /** Whether the bound on input tokens that counting gives has been proven at a target, by this process. */
  isProven(target: Target): boolean {
    return isProven(this.#bounds.get(formatTarget(target)) ?? NO_RECORD);
  }

  /**
   * Takes in what a provider stated for a request.
   * @param isCounted - whether money was held by its count: then it is looked at whatever its turn and its length.
   */
  note(request: DecodedRequest, target: Target, usage: Usage, isCounted = false): void {
    if (request.endpoint === 'embeddings' || request.endpoint === 'count-tokens') return;
    if (!isCounted && (request.text.length > MOST_CHARS || !this.#isTurn(formatTarget(target)))) return;
    this.#last = this.#last.then(() => this.#learn(request, target, inputTokensOf(usage)));
  }

  /** Resolves when all that was taken in has been learnt. */
  settled(): Promise<void> {
    return this.#last;
  }

  #isTurn(name: string): boolean {
    const calls = this.#calls.get(name) ?? 0;
    if (calls === 0 && this.#calls.size >= MAX_TARGETS) return false;
    this.#calls.set(name, calls + 1);
    return calls < FIRST_CALLS || calls % this.#options.oneIn === 0;
  }

  async #learn(request: DecodedRequest, target: Target, actualTokens: number): Promise<void> {
    const { events, onLearnt } = this.#options;
    try {
      const sample = await this.#sampleOf(request, target);
      if (sample === undefined) return;
      const seen = { ...sample, target: formatTarget(target) };
      const record = this.#bounds.get(seen.target) ?? NO_RECORD;
      if (sample.boundTokens !== undefined) {
        this.#bounds.set(seen.target, recordBound(record, sample.boundTokens, actualTokens));
      }
      const expected = calibratedTokens(this.#state, seen);
      this.#state = calibrate(this.#state, { ...seen, actualTokens });
      if (actualTokens > 0) {
        events.emit({
          kind: 'tokens-estimated',
          target: seen.target,
          errorRatio: Math.abs(expected - actualTokens) / actualTokens,
        });
      }
      onLearnt();
    } catch (error) {
      events.emit({ kind: 'internal-fault', callId: '', error });
    }
  }

  async #sampleOf(
    request: DecodedRequest,
    target: Target,
  ): Promise<{ hasTools: boolean; estimateTokens: number; boundTokens: number | undefined } | undefined> {
    const { tokenizerOf, vendorOf } = this.#options;
    const prompt = promptOf(request)?.prompt;
    if (prompt === undefined) return undefined;
    const profile = profileOfModel({ model: target.model, provider: vendorOf(target), endpoint: request.endpoint });
    const tokenizer = await tokenizerOf(profile.encoding);
    const count: CountTokens = (text) => tokenizer.count(text);
    const { isPartial, totalTokens } = estimateInputTokens(prompt, profile, count);
    // What cannot be counted would be learnt as if all prompts had it.
    if (isPartial) return undefined;
    const boundTokens = inputTokenBound(prompt, profile, count);
    return { hasTools: prompt.tools.length > 0, estimateTokens: totalTokens, boundTokens };
  }
}
