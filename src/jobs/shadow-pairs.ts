import type { Judge } from '../core/guard/quality-policy.ts';
import { addUsd, type NanoUsd, ZERO_USD } from '../core/money.ts';
import { type Endpoint, ENDPOINTS, type Protocol } from '../core/model/protocol.ts';
import { formatTarget, type Target } from '../core/model/target.ts';
import { agrees } from '../core/verify/agrees.ts';
import type { AnswerCheck, SchemaValidator } from '../core/verify/answer-check.ts';
import type { AnswerTerms, AnswerView } from '../core/verify/answer-view.ts';
import {
  CASCADE_CANDIDATE,
  type RouteCandidate,
  routeCandidates,
  strongTarget,
} from '../engine/guard/route-candidates.ts';
import type { RoutedCall } from '../engine/guard/routed-call.ts';
import type { Random } from '../ports/clock.ts';
import { answerTerms } from '../wire/answer-terms.ts';
import { answerViews } from '../wire/answer-view.ts';
import type { DecodedRequest } from '../wire/decoded-request.ts';
import { wholeFromStream } from '../wire/replay-whole-from-stream.ts';
import { passesInTime } from './passes-in-time.ts';
import { EQUALS, type Judgement, type JudgeReply, judgePair } from './judge.ts';
import { type AnswerTokens, answerTokens } from './answer-tokens.ts';
import { type AskedEngine, type OwnAnswer, type OwnCall, ownCall } from './own-call.ts';
import { shadowAddress, shadowBody, shadowCaller, shadowHeaders } from './shadow-request.ts';

/** A call to sample. @internal */
export interface ShadowSubject {
  readonly call: RoutedCall;
  readonly request: DecodedRequest;
  readonly judge: Judge;
  /** Index of the dearest candidate that is worth asking where the strong target answered: the certified one. Undefined: all are. */
  readonly lastIndex: number | undefined;
}

/** What came of holding one candidate against the strong target. @internal */
export interface ShadowPair {
  readonly candidate: string;
  /** The cheap target whose answer was judged; undefined where a cascade gave the strong one's. */
  readonly target: Target | undefined;
  /** Whether the candidate's answer is what the caller got. */
  readonly wasRouted: boolean;
  readonly judgement: Judgement;
}

/** What came of one call. @internal */
export interface ShadowOutcome {
  readonly pairs: readonly ShadowPair[];
  /** What answers took, by target as `provider/model`; those of which it is not known are not here. */
  readonly tokens: ReadonlyMap<string, AnswerTokens>;
  /** Why there is less than there might be, as codes. */
  readonly misses: readonly string[];
  /** What asking cost, without what is in the judgements. */
  readonly costNanoUsd: NanoUsd;
}

/** What shadows work with. @internal */
export interface ShadowPorts {
  readonly engine: AskedEngine;
  readonly protocolOf: (provider: string) => Protocol | undefined;
  readonly validate: SchemaValidator;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** What a judge may say, in tokens: models that think do so within it, and one that is cut off has decided nothing. Ours. */
const JUDGE_OUTPUT_TOKENS = 4096;

/**
 * Asks the other targets of a call's route what the caller asked, and judges what they say.
 *
 * - A cheap target answered: the strong one is asked, and the candidates that are cheaper still.
 * - The strong one answered: all candidates up to the certified one are asked, the cheapest first.
 * - Where the route has a score that does not know the prompt nobody is asked: the strong target answers such calls, and nothing is lost.
 * - A cascade answered by itself: the strong one is asked where a cheap answer passed; where none did the caller has the strong one's, and nothing was lost.
 * @internal
 */
export class ShadowPairs {
  readonly #call: RoutedCall;
  readonly #request: DecodedRequest;
  readonly #terms: AnswerTerms;
  readonly #judge: Judge;
  readonly #lastIndex: number | undefined;
  readonly #ports: ShadowPorts;
  readonly #misses: string[] = [];
  readonly #tokens = new Map<string, AnswerTokens>();
  #costNanoUsd: NanoUsd = ZERO_USD;

  constructor({ call, request, judge, lastIndex }: ShadowSubject, ports: ShadowPorts) {
    this.#call = call;
    this.#request = request;
    this.#terms = answerTerms(request);
    this.#judge = judge;
    this.#lastIndex = lastIndex;
    this.#ports = ports;
  }

  /** Makes the calls and gives what came of them. Never rejects for what a provider or a judge does. */
  async sample(): Promise<ShadowOutcome> {
    const pairs = this.#call.route.cascade === undefined ? await this.#ofTargets() : await this.#ofCascade();
    return { pairs, tokens: this.#tokens, misses: this.#misses, costNanoUsd: this.#costNanoUsd };
  }

  async #ofTargets(): Promise<readonly ShadowPair[]> {
    const { route, candidate, score } = this.#call;
    const candidates = routeCandidates(route);
    const at = candidates.findIndex(({ name }) => name === candidate);
    // Of prompts that the score does not know the strong target answers all, whatever is certified.
    if (at === -1 && route.score !== undefined && score === undefined) {
      return candidates.slice(0, 1).map(({ name }) => strongPair(name, false));
    }
    const given = this.#given();
    if (given === undefined) return [];
    const strong = at === -1 ? given : await this.#answer('shadow', strongTarget(route));
    if (strong === undefined) return [];
    const last = at === -1 ? (this.#lastIndex ?? candidates.length - 1) : at;
    const pairs: ShadowPair[] = [];
    for (const [index, other] of candidates.slice(0, last + 1).entries()) {
      const wasRouted = index === at;
      // oxlint-disable-next-line no-await-in-loop -- one call under way for each sample: nobody waits for it
      const cheap = wasRouted ? given : await this.#answer('shadow', other.targets[0]);
      if (cheap === undefined) continue;
      // oxlint-disable-next-line no-await-in-loop
      pairs.push(await this.#pair(other.name, other.targets[0], wasRouted, { cheap, strong }));
    }
    return pairs;
  }

  async #ofCascade(): Promise<readonly ShadowPair[]> {
    const { route, candidate, record } = this.#call;
    const [cascade] = routeCandidates(route);
    if (cascade === undefined) return [];
    const target = cascade.targets.find((each) => formatTarget(each) === record.target);
    const hasRun = candidate === CASCADE_CANDIDATE;
    if (hasRun && target === undefined) return [strongPair(cascade.name, true)];
    const given = this.#given();
    if (given === undefined) return [];
    if (hasRun) {
      const strong = await this.#answer('shadow', strongTarget(route));
      return strong === undefined ? [] : [await this.#pair(cascade.name, target, true, { cheap: given, strong })];
    }
    const kept = await this.#cascaded(cascade, route.cascade?.verify ?? []);
    if (kept === 'failed') return [];
    if (kept === 'escalated') return [strongPair(cascade.name, false)];
    return [await this.#pair(cascade.name, kept.target, false, { cheap: kept.answer, strong: given })];
  }

  /** What the cascade would have kept. A target that gives no answer at all is one that it would have gone past. */
  async #cascaded(
    { targets }: RouteCandidate,
    checks: readonly AnswerCheck[],
  ): Promise<{ readonly target: Target; readonly answer: AnswerView } | 'escalated' | 'failed'> {
    let answers = 0;
    for (const target of targets) {
      // oxlint-disable-next-line no-await-in-loop -- the next one is asked only where this one fails
      const answer = await this.#answer('shadow', target);
      if (answer === undefined) continue;
      answers += 1;
      // oxlint-disable-next-line no-await-in-loop
      if (await this.#passes(checks, target, answer)) return { target, answer };
    }
    // Of targets that could not be asked nothing is known: a budget refused, or a provider is down.
    return answers === 0 ? 'failed' : 'escalated';
  }

  async #passes(checks: readonly AnswerCheck[], target: Target, answer: AnswerView): Promise<boolean> {
    const request = { terms: this.#terms, body: this.#request.body };
    if (!(await passesInTime(checks, answer, request, { validate: this.#ports.validate }))) return false;
    for (const check of checks) {
      if (check.kind !== 'agree') continue;
      const asked = check.target ?? target;
      // oxlint-disable-next-line no-await-in-loop -- the first that disagrees decides
      const second = await this.#answer('verify', asked, check.target === undefined ? 1 : undefined);
      if (second === undefined || !agrees(answer, second, check.form, this.#terms)) return false;
    }
    return true;
  }

  async #pair(
    candidate: string,
    target: Target | undefined,
    wasRouted: boolean,
    answers: { readonly cheap: AnswerView; readonly strong: AnswerView },
  ): Promise<ShadowPair> {
    const pair = { request: this.#request, terms: this.#terms, ...answers };
    const { validate, random } = this.#ports;
    const ask = (judge: Target, system: string, user: string): Promise<JudgeReply> =>
      this.#verdict(judge, system, user);
    return { candidate, target, wasRouted, judgement: await judgePair(this.#judge, pair, { ask, validate, random }) };
  }

  /** What the caller got. */
  #given(): AnswerView | undefined {
    const { reply, form } = this.#call;
    const { endpoint } = this.#request;
    const whole = form === 'stream' ? wholeFromStream(endpoint, reply) : reply;
    const view = whole === undefined ? undefined : onlyAnswer(endpoint, parsed(whole));
    if (view === undefined) this.#misses.push('unreadable');
    this.#noteTokens(this.#call.record.target, answerTokens(this.#call.record.usage));
    return view;
  }

  #noteTokens(target: string | undefined, tokens: AnswerTokens | undefined): void {
    if (target !== undefined && tokens !== undefined) this.#tokens.set(target, tokens);
  }

  async #answer(
    kind: 'shadow' | 'verify',
    target: Target | undefined,
    temperature?: number,
  ): Promise<AnswerView | undefined> {
    const { endpoint } = this.#request;
    // It cannot answer such calls, and so is not asked for them by its route either.
    if (target === undefined || this.#ports.protocolOf(target.provider) !== ENDPOINTS[endpoint].protocol)
      return undefined;
    const { model, access } = shadowAddress(this.#call, target);
    const body = shadowBody(this.#request, model, temperature);
    const { query = '' } = this.#call;
    const answer = await this.#asked({ kind, endpoint, body, access, query, headers: shadowHeaders(this.#call) });
    this.#costNanoUsd = addUsd(this.#costNanoUsd, answer.costNanoUsd);
    if (answer.kind === 'failed') {
      this.#misses.push(answer.reason);
      return undefined;
    }
    if (kind === 'shadow') this.#noteTokens(formatTarget(target), answer.tokens);
    const view = onlyAnswer(endpoint, answer.reply);
    if (view === undefined) this.#misses.push('unreadable');
    return view;
  }

  async #verdict(target: Target, system: string, user: string): Promise<JudgeReply> {
    const protocol = this.#ports.protocolOf(target.provider);
    if (protocol === undefined) return { kind: 'failed', reason: 'no-provider', costNanoUsd: ZERO_USD };
    const endpoint = protocol === 'anthropic' ? 'messages' : 'chat';
    const { model, access } = shadowAddress(this.#call, target);
    const body = Buffer.from(JSON.stringify(judgeBody(endpoint, model, system, user)));
    const answer = await this.#asked({ kind: 'judge', endpoint, body, access, headers: {} });
    if (answer.kind === 'failed') return answer;
    const text = onlyAnswer(endpoint, answer.reply)?.text ?? '';
    return { kind: 'text', text, costNanoUsd: answer.costNanoUsd };
  }

  #asked(call: Omit<OwnCall, 'caller' | 'signal'>): Promise<OwnAnswer> {
    const { engine, signal } = this.#ports;
    return ownCall(engine, { ...call, caller: shadowCaller(this.#call), signal });
  }
}

/** Of a call that the strong target answers by the candidate's own rules. */
function strongPair(candidate: string, wasRouted: boolean): ShadowPair {
  return { candidate, target: undefined, wasRouted, judgement: EQUALS };
}

function judgeBody(endpoint: 'chat' | 'messages', model: string, system: string, user: string): object {
  const shared = { model, temperature: 0 };
  const messages = [{ role: 'user', content: user }];
  if (endpoint === 'messages') return { ...shared, max_tokens: JUDGE_OUTPUT_TOKENS, system, messages };
  return {
    ...shared,
    max_completion_tokens: JUDGE_OUTPUT_TOKENS,
    messages: [{ role: 'system', content: system }, ...messages],
  };
}

function onlyAnswer(endpoint: Endpoint, reply: unknown): AnswerView | undefined {
  return answerViews(endpoint, reply)[0];
}

function parsed(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return value;
  } catch {
    return undefined; // told by the caller as an answer that cannot be read
  }
}
