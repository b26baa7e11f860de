import { FarthingError, isFarthingError } from '../../core/errors.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { addUsd, type NanoUsd } from '../../core/money.ts';
import { agrees } from '../../core/verify/agrees.ts';
import type { AnswerCheck, CheckedRequest } from '../../core/verify/answer-check.ts';
import type { AnswerView } from '../../core/verify/answer-view.ts';
import { checkAnswer } from '../../core/verify/check-answer.ts';
import { answerTerms } from '../../wire/answer-terms.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import type { Call, CallState, CascadePlan, Next, Outcome, ReplyReceiver, RoutePlan } from '../compose.ts';
import type { CascadeOptions } from './cascade-options.ts';
import { collectedAnswers } from './collected-answers.ts';
import { LastReceiver } from './last-receiver.ts';
import { PatientReceiver } from './patient-receiver.ts';
import { ReplyCollector } from './reply-collector.ts';
import { type SecondAnswer, secondAnswer } from './second-answer.ts';
import { carryAnswer, subState } from './sub-state.ts';

/** What a call's plan says of its cascade. @internal */
export interface CascadeStages {
  readonly cascade: CascadePlan;
  readonly request: DecodedRequest;
  /** Whose answers are checked, in the order in which they are asked. */
  readonly cheap: readonly Target[];
  /** The strong target, whose answer is given as it is, and its fallbacks. */
  readonly last: RoutePlan['targets'];
}

type AgreeCheck = Extract<AnswerCheck, { readonly kind: 'agree' }>;

/** A whole answer with what it was to the call. */
interface WholeAnswer {
  readonly state: CallState;
  readonly reply: ReplyCollector;
  readonly outcome: Outcome;
}

/** How a cheap target did. `unchecked`: its answer passed what could be checked, and there was no second one to hold it against. */
type CheapEnd =
  | { readonly kind: 'passed' | 'unchecked'; readonly answer: WholeAnswer }
  | { readonly kind: 'failed'; readonly reason: string };

interface Second {
  readonly check: AgreeCheck;
  readonly answer: SecondAnswer;
}

const NO_SECOND_ANSWER = 'no-second-answer';

/** One call on its way through a cascade. @internal */
export class CascadeRun {
  readonly #call: Call;
  readonly #stages: CascadeStages;
  readonly #next: Next;
  readonly #options: CascadeOptions;
  readonly #checked: CheckedRequest;
  readonly #deadlineAt: number;
  #unchecked: WholeAnswer | undefined;

  constructor(call: Call, stages: CascadeStages, next: Next, options: CascadeOptions) {
    this.#call = call;
    this.#stages = stages;
    this.#next = next;
    this.#options = options;
    this.#checked = { terms: answerTerms(stages.request), body: stages.request.body };
    this.#deadlineAt = options.clock.monotonicMs() + options.totalMs;
  }

  async run(): Promise<Outcome> {
    const { receiver, endpoint, arrivedAt } = this.#call;
    if (!this.#stages.request.isStream) return this.#answer(receiver);
    const patient = new PatientReceiver(receiver, endpoint, this.#options.clock.monotonicMs() - arrivedAt);
    try {
      return await this.#answer(patient);
    } finally {
      patient.stop();
    }
  }

  async #answer(receiver: ReplyReceiver): Promise<Outcome> {
    const { cheap } = this.#stages;
    for (const [index, target] of cheap.entries()) {
      // oxlint-disable-next-line no-await-in-loop -- the next target is asked only where this one's answer will not do
      const end = await this.#tryCheap(target, this.#deadlineOf(cheap.length - index));
      if (this.#call.signal.aborted) return this.#leave(receiver);
      if (end.kind === 'passed') {
        this.#decide('pass', target);
        this.#noteSpared(end.answer);
        return this.#give(end.answer, receiver);
      }
      if (end.kind === 'unchecked') this.#unchecked = end.answer;
      this.#decide('escalate', target, end.kind === 'failed' ? end.reason : NO_SECOND_ANSWER);
    }
    return this.#askLast(receiver);
  }

  /** Each stage may use an equal part of the time that is left, so that the last one always has some. Ours. */
  #deadlineOf(stagesBehind: number): number {
    const nowMs = this.#options.clock.monotonicMs();
    return nowMs + (this.#deadlineAt - nowMs) / (stagesBehind + 1);
  }

  #decide(verdict: string, target: Target, reason?: string): void {
    const decision = { step: 'cascade', verdict, target: formatTarget(target) };
    this.#call.state.decisions.push(reason === undefined ? decision : { ...decision, reason });
  }

  async #tryCheap(target: Target, deadlineAt: number): Promise<CheapEnd> {
    const asked = this.#ask(target, deadlineAt);
    // Side by side: one behind the other each call would wait twice, to spare the second answer of the few whose first fails another check.
    const seconds = this.#seconds(target, deadlineAt);
    try {
      const answer = await asked;
      return 'failure' in answer
        ? { kind: 'failed', reason: answer.failure }
        : await this.#judged(answer, seconds, deadlineAt);
    } finally {
      for (const second of seconds) second.answer.drop();
      // What they cost belongs to the call, whose record is written at its end.
      await Promise.all(seconds.map((second) => second.answer.views));
    }
  }

  async #ask(target: Target, deadlineAt: number): Promise<WholeAnswer | { readonly failure: string }> {
    const { signal, state: callState } = this.#call;
    const dropped = new AbortController();
    const reply = new ReplyCollector(this.#options.maxReplyBytes, () =>
      dropped.abort(new FarthingError('attempt-dropped', 'the answer is too long to be checked')),
    );
    const state = subState(callState, [target]);
    const asked = {
      ...this.#call,
      state,
      receiver: reply,
      signal: AbortSignal.any([signal, dropped.signal]),
      deadlineAt,
      mayMoveOn: true,
    };
    try {
      const outcome = await this.#next(asked);
      const failure = reply.failure ?? (outcome.kind === 'complete' ? undefined : outcome.kind);
      return failure === undefined ? { state, reply, outcome } : { failure };
    } catch (error) {
      // A step of ours refused it, a budget for one: the next target may be refused as well, and then the client is told.
      if (!isFarthingError(error)) throw error;
      return { failure: error.code };
    }
  }

  #seconds(target: Target, deadlineAt: number): readonly Second[] {
    const { events, maxReplyBytes } = this.#options;
    const onFault = (error: unknown): void => events.emit({ kind: 'internal-fault', callId: this.#call.id, error });
    return this.#stages.cascade.verify
      .filter((check) => check.kind === 'agree')
      .map((check) => {
        const asked = { target: check.target ?? target, isSample: check.target === undefined };
        const options = { maxReplyBytes, deadlineAt, onFault };
        return { check, answer: secondAnswer(this.#call, asked, this.#next, options) };
      });
  }

  async #judged(answer: WholeAnswer, seconds: readonly Second[], deadlineAt: number): Promise<CheapEnd> {
    const views = collectedAnswers(this.#call.endpoint, answer.reply);
    if (views === undefined) return { kind: 'failed', reason: 'unreadable' };
    const { cascade } = this.#stages;
    const validate = this.#options.newValidator();
    const checking = checkAnswer(cascade.verify, views, this.#checked, { validate });
    const { signal } = this.#call;
    // A program's own test may take its time, and nobody may be waiting any more.
    const verdict = await within(deadlineAt - this.#options.clock.monotonicMs(), checking, signal);
    if (verdict === undefined) return { kind: 'failed', reason: signal.aborted ? 'client-left' : 'check-timeout' };
    if (verdict.kind === 'failed') return { kind: 'failed', reason: verdict.reason };
    return this.#compared(answer, views, seconds);
  }

  async #compared(answer: WholeAnswer, views: readonly AnswerView[], seconds: readonly Second[]): Promise<CheapEnd> {
    let isUnchecked = false;
    for (const { check, answer: second } of seconds) {
      // oxlint-disable-next-line no-await-in-loop -- all of them are under way; the first that disagrees settles it
      const others = await second.views;
      if (others === undefined) isUnchecked = true;
      else if (!this.#agree(views, others, check)) return { kind: 'failed', reason: 'disagrees' };
    }
    return { kind: isUnchecked ? 'unchecked' : 'passed', answer };
  }

  /** Of several answers (`n`) each must agree with the one at its place. */
  #agree(views: readonly AnswerView[], others: readonly AnswerView[], { form }: AgreeCheck): boolean {
    return views.every((view, index) => {
      const other = others[index];
      return other !== undefined && agrees(view, other, form, this.#checked.terms);
    });
  }

  #give({ state, reply, outcome }: WholeAnswer, receiver: ReplyReceiver): Outcome {
    carryAnswer(state, this.#call.state);
    reply.giveTo(receiver);
    return outcome;
  }

  #leave(receiver: ReplyReceiver): Outcome {
    receiver.fail(new FarthingError('client-left', 'nobody waits for the answer'));
    return { kind: 'client-left', facts: undefined };
  }

  /**
   * Passes the strong target's answer on as it comes. Where that target fails, the client gets its error: nobody forgives an answer that failed a check.
   * The exception is one that nothing speaks against but that the second answer never came.
   */
  async #askLast(receiver: ReplyReceiver): Promise<Outcome> {
    const { state: callState } = this.#call;
    const chargesBefore = callState.spending.charges.length;
    const state = subState(callState, this.#stages.last);
    const last = new LastReceiver(receiver, {
      beforePassing: () => carryAnswer(state, callState),
      hidesFailure: this.#unchecked !== undefined,
    });
    const outcome = await this.#next({ ...this.#call, state, receiver: last, deadlineAt: this.#deadlineAt });
    if (outcome.kind === 'complete') this.#noteEscalated(chargesBefore);
    if (this.#unchecked === undefined || !last.isHidden) {
      carryAnswer(state, callState);
      return outcome;
    }
    if (this.#call.signal.aborted) return this.#leave(receiver);
    return this.#giveUnchecked(this.#unchecked, receiver);
  }

  /** It is not kept: the next call may find out whether it is right. */
  #giveUnchecked(answer: WholeAnswer, receiver: ReplyReceiver): Outcome {
    this.#call.state.decisions.push({ step: 'cascade', verdict: 'unchecked', reason: 'strong-failed' });
    answer.state.mayStore = false;
    return this.#give(answer, receiver);
  }

  #noteSpared({ state }: WholeAnswer): void {
    const { pricer } = this.#options;
    const usage = state.answer?.usage;
    const priced = usage && pricer.price(this.#stages.last[0], usage, {}, this.#call.arrivedAtMs);
    this.#note(false, this.#spent(0), priced?.amountNanoUsd);
  }

  #noteEscalated(chargesBefore: number): void {
    this.#note(true, this.#spent(0, chargesBefore), this.#spent(chargesBefore));
  }

  /** What charges cost; undefined where one of them has no price. */
  #spent(from: number, to?: number): NanoUsd | undefined {
    const amounts = this.#call.state.spending.charges.slice(from, to).map(({ amountNanoUsd }) => amountNanoUsd);
    return amounts.every((amount) => amount !== undefined) ? addUsd(...amounts) : undefined;
  }

  #note(isEscalated: boolean, cheapNanoUsd: NanoUsd | undefined, strongNanoUsd: NanoUsd | undefined): void {
    if (cheapNanoUsd === undefined || strongNanoUsd === undefined) return;
    const { book, events } = this.#options;
    const { name } = this.#stages.cascade;
    const change = book.note(name, { isEscalated, cheapNanoUsd, strongNanoUsd });
    if (change === undefined) return;
    events.emit({ kind: 'cascade-switched', route: this.#call.state.plan?.route?.route ?? name, ...change });
  }
}

/** Undefined: the time was over, or the signal came. */
function within<T>(ms: number, work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      stop();
      resolve(undefined);
    };
    const timer = setTimeout(giveUp, Math.max(0, ms)).unref();
    const stop = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    work.then(resolve, reject).finally(stop);
  });
}
