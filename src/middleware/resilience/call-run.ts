import { FarthingError, isFarthingError } from '../../core/errors.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { errorStatus } from '../../core/resilience/failure.ts';
import { type LastFailure, type NextAttempt, nextAttempt } from '../../core/resilience/next-attempt.ts';
import type { HealthState } from '../../core/resilience/target-health.ts';
import { adaptation } from '../../wire/adapted-request.ts';
import { continuationRequest } from '../../wire/continuation-request.ts';
import { continuationWay } from '../../wire/continuation-way.ts';
import { ContinuedStream } from '../../wire/continued-stream.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { PartialAnswer } from '../../wire/partial-answer.ts';
import type { PartialText } from '../../wire/partial-text.ts';
import { refusedParameters } from '../../wire/refused-parameters.ts';
import { BROKEN_REPLY } from '../../wire/reply-error.ts';
import { type Call, decide, type Next, type Outcome, type ReplyReceiver, type UpstreamHead } from '../compose.ts';
import type { AttemptEnd } from './attempt-end.ts';
import { AttemptRunner } from './attempt-runner.ts';
import { CallCandidates } from './call-candidates.ts';
import { ContinuingReceiver, RememberingReceiver } from './continued-stream-receivers.ts';
import { hedgedAttempt } from './hedged-attempt.ts';
import { onlyLane } from './lane.ts';
import { pause } from './pause.ts';
import type { ResilienceOptions } from './resilience-options.ts';

type AttemptStep = Extract<NextAttempt, { kind: 'attempt' }>;

/** What an attempt is not worth beginning for, in milliseconds: timers run a little early, so that a call whose time is over may seem to have some left. */
const LEAST_TIME_MS = 10;

/** All attempts of one call, until one has answered or nothing is left to try. @internal */
export class CallRun {
  readonly #call: Call;
  readonly #options: ResilienceOptions;
  readonly #candidates: CallCandidates;
  readonly #runner: AttemptRunner;
  readonly #deadlineAt: number;
  /** What the client has of a stream that may have to be continued; undefined where none is. */
  readonly #shown: PartialAnswer | undefined;
  readonly #receiver: ReplyReceiver;
  /** What the chosen target was good for when it was chosen. */
  #chosen: HealthState = 'good';

  constructor(call: Call, next: Next, options: ResilienceOptions) {
    this.#call = call;
    this.#options = options;
    this.#deadlineAt = call.deadlineAt ?? options.clock.monotonicMs() + options.totalMs;
    this.#candidates = new CallCandidates(targetsOf(call), options);
    this.#runner = new AttemptRunner(call, next, options, this.#candidates, this.#deadlineAt);
    const { request } = call.state;
    const mayContinue = options.policy.midStream === 'continue' && request?.isStream === true;
    this.#shown = mayContinue ? new PartialAnswer(request) : undefined;
    this.#receiver = this.#shown === undefined ? call.receiver : new RememberingReceiver(call.receiver, this.#shown);
  }

  async run(): Promise<Outcome> {
    let last: AttemptEnd | undefined;
    await this.#runner.findWarm();
    let step = this.#choose(undefined);
    while (step.kind === 'attempt') {
      // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
      if (step.waitMs > 0 && !(await pause(step.waitMs, this.#call.signal))) return this.#left(last);
      const { answerFromCache } = this.#options;
      if (answerFromCache !== undefined && this.#isNewFallback(step.index)) {
        // oxlint-disable-next-line no-await-in-loop
        const isAnswered = await answerFromCache(this.#call, this.#candidates.at(step.index).target);
        if (isAnswered) return { kind: 'complete', facts: undefined };
      }
      // Of many calls only one is to be the probe, and none is to go where others failed while it waited.
      if (this.#isOvertaken(step.index)) {
        step = this.#choose(last && this.#lastFailure(last));
        continue;
      }
      try {
        // oxlint-disable-next-line no-await-in-loop
        last = await this.#attempt(step);
      } catch (error) {
        // A step of ours refused it, a budget for one: where an attempt was made before, its failure is the answer.
        if (last === undefined || !isFarthingError(error)) throw error;
        decide(this.#call, 'resilience', 'stop', error.code);
        break;
      }
      if (last.failure === undefined) return last.outcome;
      if (last.failure === 'left') return this.#left(last);
      // oxlint-disable-next-line no-await-in-loop
      if (last.gate.isOpen) return await this.#goOn(last);
      step = this.#isToBeAskedAgain(last) ? this.#inTime(again(last)) : this.#choose(this.#lastFailure(last));
    }
    return last === undefined ? this.#refuseAll() : this.#fail(last);
  }

  #choose(last: LastFailure | undefined): NextAttempt {
    const { policy, random } = this.#options;
    const terms = { retries: policy.retries, mayMoveOn: this.#call.mayMoveOn === true };
    return this.#inTime(nextAttempt(this.#candidates.states(), last, terms, random.fraction()));
  }

  #inTime(step: NextAttempt): NextAttempt {
    if (step.kind === 'stop') return step;
    this.#chosen = this.#candidates.stateOf(step.index);
    const leftMs = this.#deadlineAt - this.#options.clock.monotonicMs() - step.waitMs;
    return leftMs < LEAST_TIME_MS ? { kind: 'stop', reason: 'spent' } : step;
  }

  /** Whether other calls have found out, since the target was chosen, that it fails, or are finding out whether it works again. */
  #isOvertaken(index: number): boolean {
    const state = this.#candidates.stateOf(index);
    return state !== this.#chosen && (state === 'down' || this.#chosen === 'probe');
  }

  /** Whether the same target is asked again at once: without what it refused, or with another key. */
  #isToBeAskedAgain(last: AttemptEnd): boolean {
    if (last.failure === 'wrong' && (this.#dropsMarks(last) || this.#learns(last))) return true;
    return this.#candidates.note(last);
  }

  /** Whether the target refused what was added for its prompt cache: the caller never asked for that. */
  #dropsMarks({ index, gate }: AttemptEnd): boolean {
    const candidate = this.#candidates.at(index);
    const status = gate.upstreamHead?.status ?? 0;
    const added = this.#call.state.addedMarks.get(formatTarget(candidate.target));
    if (added === undefined || candidate.refusesMarks || (status !== 400 && status !== 422)) return false;
    const said = Buffer.from(gate.heldBytes()).toString('utf8');
    if (!added.some((name) => said.includes(name))) return false;
    candidate.refusesMarks = true;
    return true;
  }

  #lastFailure({ index, failure, retryAfterMs }: AttemptEnd): LastFailure {
    const passes = failure === 'filtered' && this.#options.policy.contentFilter === 'pass';
    const kind = passes || failure === undefined || failure === 'left' ? 'wrong' : failure;
    if (failure !== 'wrong' || !this.#isRoutedAway(index)) return { index, kind, retryAfterMs };
    this.#candidates.at(index).isSpent = true;
    return { index, kind: 'missing', retryAfterMs };
  }

  /** Whether a route chose a model that the caller did not ask for: what that refuses, the one that was asked for may take. */
  #isRoutedAway(index: number): boolean {
    const { plan } = this.#call.state;
    if (plan?.route === undefined || plan.route.route === '') return false;
    return formatTarget(this.#candidates.at(index).target) !== formatTarget(plan.baseline);
  }

  /** Whether the target refused parameters that the request can do without; they are left out from now on. */
  #learns(last: AttemptEnd): boolean {
    const { request } = this.#call.state;
    const { refused } = this.#candidates.at(last.index);
    if (!this.#options.policy.adaptParameters || request === undefined) return false;
    const status = last.gate.upstreamHead?.status ?? 0;
    const said = refusedParameters(this.#call.endpoint, status, parsed(last.gate.heldBytes()));
    const parameters = new Set([...said].filter((parameter) => !refused.has(parameter)));
    if (adaptation(request, parameters) === undefined) return false;
    for (const parameter of parameters) refused.add(parameter);
    return true;
  }

  #isNewFallback(index: number): boolean {
    return index > 0 && this.#candidates.at(index).visits === 0;
  }

  async #attempt({ index, isRetry }: AttemptStep): Promise<AttemptEnd> {
    const { policy, learned, clock } = this.#options;
    const candidate = this.#candidates.at(index);
    if (isRetry) candidate.entry.budget.spend();
    const { signal } = this.#call;
    const task = { index, lane: onlyLane(signal), receiver: this.#receiver, continues: undefined };
    const parts = { call: this.#call, runner: this.#runner, candidates: this.#candidates };
    const { end, beside } =
      policy.hedge === undefined
        ? { end: await this.#runner.run(task), beside: undefined }
        : await hedgedAttempt(task, policy.hedge, parts);
    if (beside !== undefined) this.#candidates.note(beside);
    const { refused, target } = this.#candidates.at(end.index);
    if (end.failure === undefined && refused.size > 0)
      learned.learn(this.#runner.refusalKey(target), refused, clock.nowMs());
    return end;
  }

  /** Nobody waits any more. */
  #left(last: AttemptEnd | undefined): Outcome {
    this.#call.state.answer = undefined;
    this.#call.receiver.fail(last?.gate.error ?? new FarthingError('client-left', 'nobody waits for the answer'));
    return last === undefined
      ? { kind: 'client-left', facts: undefined, neverSent: true }
      : { ...last.outcome, kind: 'client-left' };
  }

  /** The stream broke after the client had seen a part of it: another target goes on where that is allowed and can be done. */
  async #goOn(broken: AttemptEnd): Promise<Outcome> {
    let last = broken;
    // An earlier attempt may have had one that a filter spoilt.
    this.#call.state.answer = undefined;
    for (;;) {
      this.#candidates.note(last);
      const partial = this.#shown?.partial();
      const step = partial === undefined ? undefined : this.#chooseOther(last);
      if (partial === undefined || step?.kind !== 'attempt') return this.#breakOff(last);
      // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
      if (step.waitMs > 0 && !(await pause(step.waitMs, this.#call.signal))) return this.#left(last);
      try {
        // oxlint-disable-next-line no-await-in-loop
        last = await this.#continueAt(step, partial);
      } catch (error) {
        if (!isFarthingError(error)) throw error;
        decide(this.#call, 'resilience', 'stop', error.code);
        return this.#breakOff(last);
      }
      if (last.failure === undefined) return last.outcome;
      if (last.failure === 'left') return this.#left(last);
    }
  }

  /** Another target than the one that broke off; the same only where it is alone. */
  #chooseOther({ index, failure, retryAfterMs }: AttemptEnd): NextAttempt {
    const isAlone = this.#candidates.list.length === 1;
    const kind = isAlone && failure !== undefined && failure !== 'left' ? failure : 'silent';
    return this.#choose({ index, kind, retryAfterMs });
  }

  async #continueAt({ index, isRetry }: AttemptStep, partial: PartialText): Promise<AttemptEnd> {
    const { state } = this.#call;
    const request = state.request as DecodedRequest;
    // What is put together from two answers is nobody's, and not kept.
    state.mayStore = false;
    const { target, entry } = this.#candidates.at(index);
    if (isRetry) entry.budget.spend();
    const way = continuationWay(request, this.#options.vendorOf(target), target.model);
    const continuation = continuationRequest(request, partial.text, way);
    const addedBytes = Math.max(0, Buffer.byteLength(continuation.text) - Buffer.byteLength(request.text));
    const receiver = new ContinuingReceiver(this.#receiver, new ContinuedStream(partial, way));
    decide(this.#call, 'resilience', 'continue', way);
    const end = await this.#runner.run({
      index,
      lane: onlyLane(this.#call.signal),
      receiver,
      continues: { request: continuation, addedBytes },
    });
    if (end.failure !== undefined || receiver.isStream) return end;
    // A whole reply where a stream was asked for.
    state.answer = undefined;
    return { ...end, failure: 'missing', outcome: { ...end.outcome, kind: 'broken' } };
  }

  /** Ends a stream that broke with an error that says so. */
  #breakOff(last: AttemptEnd): Outcome {
    const { receiver } = this.#call;
    const obstacle = this.#shown?.obstacle();
    if (obstacle !== undefined) decide(this.#call, 'resilience', 'broken', obstacle);
    if (last.gate.error !== undefined) receiver.fail(last.gate.error);
    else if (isNotJson(last))
      receiver.fail(new FarthingError('provider-broken', 'the provider sent an event that is not JSON'));
    // The provider's own error event, in its own words.
    else if (last.gate.isOpen) last.gate.pass(last.gate.upstreamHead as UpstreamHead);
    else receiver.fail(new FarthingError('provider-failed', 'the answer broke off, and no target could go on with it'));
    return last.outcome.kind === 'complete' ? { ...last.outcome, kind: 'broken' } : last.outcome;
  }

  /** Gives the last failure to the client, who need not try again what was tried here. */
  #fail(last: AttemptEnd): Outcome {
    const { receiver } = this.#call;
    const { gate, outcome, target } = last;
    this.#call.state.answering = target;
    const head = gate.upstreamHead;
    // The answer is whole, but a filter spoilt it: no target had a better one.
    if (outcome.kind === 'complete') {
      this.#runner.show(last);
      return outcome;
    }
    this.#call.state.answer = undefined;
    const error = gate.error ?? replyFault(last);
    if (error !== undefined || head === undefined) {
      receiver.fail(spent(error ?? new FarthingError('provider-broken', 'the provider closed without an answer')));
      return outcome;
    }
    const status = head.status < 300 ? errorStatus(outcome.facts?.error) : head.status;
    const isFinal = last.failure !== 'wrong' && last.failure !== 'filtered';
    gate.pass({ ...head, status, headers: isFinal ? { ...head.headers, 'x-should-retry': 'false' } : head.headers });
    return outcome;
  }

  /** No target can be asked. */
  #refuseAll(): Outcome {
    const { clock } = this.#options;
    const retryAfterMs = Math.max(0, this.#candidates.restUntilMs() - clock.nowMs());
    const names = this.#candidates.list.map(({ target }) => formatTarget(target)).join(', ');
    decide(this.#call, 'resilience', 'refuse', 'resting');
    this.#call.receiver.fail(
      new FarthingError('targets-resting', `no target of this model works at the moment: ${names} failed too often`, {
        retryable: true,
        retryAfterMs,
      }),
    );
    return { kind: 'broken', facts: undefined, neverSent: true };
  }
}

function again({ index }: AttemptEnd): AttemptStep {
  return { kind: 'attempt', index, waitMs: 0, isRetry: false };
}

/** Items of embeddings that are in the cache came from the first target: those that are missing must not come from another. */
function targetsOf({ state }: Call): readonly Target[] {
  const targets = state.plan?.targets;
  if (targets === undefined) throw new FarthingError('internal', 'resilience before route');
  return state.isPartial ? targets.slice(0, 1) : targets;
}

/** Why a failed reply cannot be passed on as it is: it is not JSON, or a stream of which nothing was shown. */
function replyFault(last: AttemptEnd): FarthingError | undefined {
  const { gate, outcome } = last;
  const { status = 0 } = gate.upstreamHead ?? {};
  // What comes with the status of an error is passed on as it was sent: nobody takes it for an answer.
  if (isNotJson(last) && status < 300)
    return new FarthingError('provider-broken', 'the provider sent something that is not an answer');
  if (gate.upstreamHead?.form !== 'stream') return undefined;
  const error = outcome.facts?.error;
  return new FarthingError('provider-failed', `the provider failed: ${error?.message ?? 'it gave no reason'}`, {
    status: errorStatus(error),
  });
}

function isNotJson({ outcome }: AttemptEnd): boolean {
  return outcome.facts?.error?.type === BROKEN_REPLY.type;
}

/** The same error, told to one who shall not try again. */
function spent(error: FarthingError): FarthingError {
  const { code, message, status, param, headers, cause } = error;
  return new FarthingError(code, message, {
    status,
    retryable: false,
    headers,
    ...(param === undefined ? {} : { param }),
    ...(cause === undefined ? {} : { cause }),
  });
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined; // not JSON: it names no parameter
  }
}
