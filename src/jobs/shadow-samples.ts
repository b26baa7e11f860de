import { setImmediate as nextTurn } from 'node:timers/promises';
import { TurnDraws } from '../core/guard/turn-draws.ts';
import { latestUserText } from '../core/route/latest-user-text.ts';
import { formatTarget } from '../core/model/target.ts';
import { addUsd, type NanoUsd, ZERO_USD } from '../core/money.ts';
import type { Protocol } from '../core/model/protocol.ts';
import type { SchemaValidator } from '../core/verify/answer-check.ts';
import type { GuardBook } from '../engine/guard/guard-book.ts';
import { strongTarget } from '../engine/guard/route-candidates.ts';
import type { RoutedCall } from '../engine/guard/routed-call.ts';
import { within } from '../engine/in-time.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { EventSink } from '../ports/event-sink.ts';
import { decodeRequest } from '../wire/decode-request.ts';
import type { DecodedRequest } from '../wire/decoded-request.ts';
import type { RequestLimits } from '../wire/json-limits.ts';
import { promptOf } from '../wire/prompt/prompt-of.ts';
import { unsampledReason } from '../wire/unsampled-reason.ts';
import type { JudgedLog } from './judged-log.ts';
import { type AskedEngine, isLowered } from './own-call.ts';
import { type ShadowOutcome, type ShadowPair, ShadowPairs } from './shadow-pairs.ts';

/** What a {@link ShadowSampler} works with. @public */
export interface ShadowSamplerOptions {
  /** The engine whose calls are sampled: shadows and judges are calls of it, under its budgets and in its ledger. */
  readonly engine: AskedEngine;
  readonly guard: Pick<GuardBook, 'standing' | 'observe' | 'spent'>;
  /** What a provider speaks; undefined for one that there is not. */
  readonly protocolOf: (provider: string) => Protocol | undefined;
  readonly validate: SchemaValidator;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of each sample as `route-sampled`. */
  readonly events: EventSink;
  /** Where judged pairs of a route are written, with prompts. @defaultValue nowhere */
  readonly logOf?: (route: string) => Pick<JudgedLog, 'append'> | undefined;
  /** As the engine's. @defaultValue the limits of `json-limits` */
  readonly requestLimits?: RequestLimits | undefined;
}

/** Samples under way at a time: each has one call under way. Ours: shadows are to be a trickle beside the traffic. */
const MAX_RUNNING = 4;

/** Samples that wait; more are dropped, as a share of a burst tells as much as all of it. Ours. */
const MAX_WAITING = 100;

/** Bytes of requests and replies that wait: prompts with images have megabytes. Ours. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** For how long a stop waits for samples under way, in milliseconds, before it breaks them off. Ours. */
const CLOSE_PATIENCE_MS = 2000;

/** For how long it then waits for their ends, in milliseconds: a program's own judge cannot be broken off. Ours. */
const CLOSE_GRACE_MS = 1000;

/** Answers of these a judge can compare. */
const JUDGED_ENDPOINTS: ReadonlySet<string> = new Set(['chat', 'responses', 'messages']);

/** Answers that were made for this very call. */
const FRESH: ReadonlySet<string> = new Set(['miss', 'bypass', 'off']);

/**
 * Has a share of a route's calls answered a second time, unseen, and tells the guard what the judge made of it. Which calls is left to chance, before
 * anything is known of them. Nobody waits for a sample, and one that fails is one sample less: a provider that is down, a budget that is spent.
 *
 * What is not counted must not depend on how good the answers are, or no statistics are worth anything. So samples count in the order in which they were
 * drawn, since answers that differ take longer to judge than those that are the same; and while a judge cannot be asked about those that differ, those that
 * are the same do not count either.
 * @example
 * ```ts
 * const engine = createEngine({ ...options, onRouted: (call) => sampler.take(call) });
 * const sampler = new ShadowSampler({ engine, guard, protocolOf, validate, clock, random, events });
 * await sampler.close(); // before the engine
 * ```
 * @public
 */
export class ShadowSampler {
  readonly #options: ShadowSamplerOptions;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** By route. */
  readonly #draws = new Map<string, TurnDraws>();
  /** Candidates, by route, whose judge could not be asked when it was last needed. */
  readonly #unjudged = new Set<string>();
  #waiting: RoutedCall[] = [];
  #waitingBytes = 0;
  /** Resolves when all samples that have begun are told. */
  #told: Promise<void> = Promise.resolve();
  #isOpen = true;

  constructor(options: ShadowSamplerOptions) {
    this.#options = options;
  }

  /** Takes a finished call; returns at once, and never throws. */
  take(call: RoutedCall): void {
    if (!this.#isOpen || !this.#isDrawn(call)) return;
    const reason = unfitness(call) ?? this.#roomFor(call);
    if (reason !== undefined) return this.#note(call, reason);
    this.#waiting.push(call);
    this.#waitingBytes += sizeOf(call);
    this.#pump();
  }

  /** Resolves when no sample waits or is under way. */
  async idle(): Promise<void> {
    // oxlint-disable-next-line no-await-in-loop -- what ends lets others begin
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Takes no more. What waits is dropped; what is under way has two seconds, and is then broken off. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const timer = setTimeout(() => this.#closing.abort(), CLOSE_PATIENCE_MS);
    await within(this.idle(), CLOSE_PATIENCE_MS + CLOSE_GRACE_MS);
    clearTimeout(timer);
  }

  /** By chance and lengths of conversations alone: what is sampled must be like what is not. */
  #isDrawn({ route, endpoint, conversation }: RoutedCall): boolean {
    const { quality, name } = route;
    if (quality === undefined || !JUDGED_ENDPOINTS.has(endpoint)) return false;
    const { guard, random } = this.#options;
    const isCertified = guard.standing(name).certifiedIndex !== undefined;
    const ratio = isCertified ? quality.sampleRatio : quality.calibrateRatio;
    return this.#drawsOf(name).isDrawn(conversation, ratio, random.fraction());
  }

  #drawsOf(route: string): TurnDraws {
    const known = this.#draws.get(route);
    if (known !== undefined) return known;
    const draws = new TurnDraws();
    this.#draws.set(route, draws);
    return draws;
  }

  #roomFor(call: RoutedCall): string | undefined {
    const isFull = this.#waiting.length >= MAX_WAITING || this.#waitingBytes + sizeOf(call) > MAX_WAITING_BYTES;
    return isFull ? 'queue-full' : undefined;
  }

  #pump(): void {
    while (this.#running.size < MAX_RUNNING) {
      const call = this.#waiting.shift();
      if (call === undefined) return;
      this.#waitingBytes -= sizeOf(call);
      const run: Promise<void> = this.#run(call, this.#told).finally(() => {
        this.#running.delete(run);
        this.#pump();
      });
      this.#told = run;
      this.#running.add(run);
    }
  }

  /** @param earlier - resolves when the samples before this one are told. */
  async #run(call: RoutedCall, earlier: Promise<void>): Promise<void> {
    const { events } = this.#options;
    try {
      // The caller's own last byte goes first.
      await nextTurn();
      const request = this.#decoded(call);
      const reason = request === undefined ? 'unreadable' : unsampledReason(request);
      if (request === undefined || reason !== undefined) return this.#note(call, reason ?? 'unreadable');
      await this.#sample(call, request, earlier);
    } catch (error) {
      events.emit({ kind: 'internal-fault', callId: call.record.callId, error });
    }
  }

  async #sample(call: RoutedCall, request: DecodedRequest, earlier: Promise<void>): Promise<void> {
    const { quality } = call.route;
    if (quality === undefined) return;
    const { engine, guard, protocolOf, validate, random } = this.#options;
    const ports = { engine, protocolOf, validate, random, signal: this.#closing.signal };
    const lastIndex = guard.standing(call.route.name).certifiedIndex;
    const outcome = await new ShadowPairs({ call, request, judge: quality.judge, lastIndex }, ports).sample();
    await earlier;
    // What was broken off were the slow ones: those behind them would be left as the quick ones.
    this.#observe(call, this.#closing.signal.aborted ? moneyOf(outcome) : outcome);
    this.#log(call, request, outcome);
  }

  /** What asking cost is told with the first pair; where there is none, with what stood in the way. */
  #observe(call: RoutedCall, { pairs, misses, costNanoUsd }: ShadowOutcome): void {
    const { name } = call.route;
    const isLost = pairs.length === 0;
    for (const [index, reason] of misses.entries())
      this.#note(call, reason, isLost && index === 0 ? costNanoUsd : ZERO_USD);
    if (isLost) this.#options.guard.spent(name, `${call.record.callId}:lost`, costNanoUsd);
    for (const [index, pair] of pairs.entries()) {
      const { costNanoUsd: judgeCost } = pair.judgement;
      this.#tell(call, pair, index === 0 ? addUsd(costNanoUsd, judgeCost) : judgeCost);
    }
  }

  #tell(call: RoutedCall, pair: ShadowPair, cost: NanoUsd): void {
    const { guard, clock } = this.#options;
    const { route, record, score } = call;
    const { candidate, wasRouted } = pair;
    const id = `${record.callId}:${candidate}`;
    const judgement = this.#counted(route.name, pair);
    this.#note(call, judgement.kind === 'judged' ? 'judged' : judgement.reason, cost);
    if (judgement.kind === 'dropped') return guard.spent(route.name, id, cost);
    const { loss } = judgement;
    const round = roundOf(record);
    const sample = { candidate, loss, score, wasRouted, costNanoUsd: cost, atMs: clock.nowMs(), round };
    guard.observe(route.name, id, sample);
  }

  /**
   * What is left of a judgement. Once a judge could not be asked about two answers that differ, those that are the same do not count until it could be asked
   * again: of both kinds the same share is missing then. Without that, a judge that is never there would certify whatever is now and then the same.
   */
  #counted(route: string, { candidate, judgement }: ShadowPair): ShadowPair['judgement'] {
    const key = `${route} ${candidate}`;
    if (judgement.kind === 'dropped') this.#unjudged.add(key);
    else if (judgement.kind === 'undecided' || judgement.isAsked) this.#unjudged.delete(key);
    else if (this.#unjudged.has(key)) return { kind: 'dropped', reason: 'judge-silent', costNanoUsd: ZERO_USD };
    return judgement;
  }

  #log(call: RoutedCall, request: DecodedRequest, { pairs, tokens }: ShadowOutcome): void {
    const log = this.#options.logOf?.(call.route.name);
    const read = log === undefined ? undefined : promptOf(request);
    if (log === undefined || read === undefined) return;
    const prompt = latestUserText(read.prompt);
    const strong = formatTarget(strongTarget(call.route));
    for (const { target, judgement } of pairs) {
      if (judgement.kind !== 'judged' || target === undefined) continue;
      const { cheapQuality, strongQuality } = judgement;
      const cheap = formatTarget(target);
      const models = {
        [cheap]: { quality: cheapQuality, ...tokens.get(cheap) },
        [strong]: { quality: strongQuality, ...tokens.get(strong) },
      };
      log.append({ id: call.record.callId, prompt, models });
    }
  }

  #decoded({ endpoint, body }: RoutedCall): DecodedRequest | undefined {
    try {
      return decodeRequest(endpoint, body, this.#options.requestLimits);
    } catch {
      return undefined; // the engine has answered it, so its limits are wider
    }
  }

  #note({ route }: RoutedCall, outcome: string, costNanoUsd: NanoUsd = ZERO_USD): void {
    this.#options.events.emit({ kind: 'route-sampled', route: route.name, outcome, costNanoUsd });
  }
}

/** Why there is nothing to learn from a call, as a code. */
function unfitness({ record, route, candidate }: RoutedCall): string | undefined {
  if (record.outcome !== 'complete' || record.status !== 200) return 'unfinished';
  if (!FRESH.has(record.cacheStatus)) return 'cached';
  if (record.decisions.some(isLowered)) return 'budget-lowered';
  // A fallback's answer says nothing of the target that it stood in for.
  if (candidate === undefined && record.target !== formatTarget(strongTarget(route))) return 'other-target';
  if (!route.targets.some((target) => formatTarget(target) === record.target)) return 'other-target';
  return undefined;
}

/** A sample of which nothing but its money counts. */
function moneyOf({ pairs, misses, tokens, costNanoUsd }: ShadowOutcome): ShadowOutcome {
  const costs = pairs.map(({ judgement }) => judgement.costNanoUsd);
  return {
    pairs: [],
    tokens,
    misses: misses.length > 0 ? misses : ['closing'],
    costNanoUsd: costs.reduce((sum, cost) => addUsd(sum, cost), costNanoUsd),
  };
}

/** The calibration that the call was made under: one that an alarm has ended meanwhile has no use for it. */
function roundOf({ route }: RoutedCall['record']): number | undefined {
  const round = Number(route?.calibration?.split('.')[0]);
  return Number.isInteger(round) && round > 0 ? round : undefined;
}

function sizeOf({ body, reply }: RoutedCall): number {
  return body.byteLength + reply.byteLength;
}
