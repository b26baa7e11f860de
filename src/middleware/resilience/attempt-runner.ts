import { FarthingError } from '../../core/errors.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import type { RefusedParameter } from '../../core/adapt/refused-parameter.ts';
import { blamesTarget } from '../../core/resilience/failure.ts';
import { observe, observeFailure } from '../../core/route/latency-average.ts';
import { knownRefusals } from '../../core/adapt/known-refusals.ts';
import { refusalScope } from '../../wire/refusal-scope.ts';
import type { Attempt, Call, Next, Outcome, ReplyReceiver, UpstreamHead, WarmTarget } from '../compose.ts';
import { type AttemptEnd, failureOf, failureReason } from './attempt-end.ts';
import type { CallCandidate, CallCandidates } from './call-candidates.ts';
import type { AttemptLane } from './lane.ts';
import { ReplyGate } from './reply-gate.ts';
import type { ResilienceOptions } from './resilience-options.ts';
import type { AttemptTicket, TargetEntry } from './target-book.ts';

/** Most bytes that are held back before a stream's first text: a preamble of that size is none, and is passed on. */
const MAX_PREAMBLE_BYTES = 1_000_000;

const NONE: ReadonlySet<RefusedParameter> = new Set();

/** One attempt to be made. @internal */
export interface AttemptTask {
  readonly index: number;
  readonly lane: AttemptLane;
  /** Takes the reply, once it is worth showing. */
  readonly receiver: ReplyReceiver;
  readonly continues: Attempt['continues'];
}

/** Makes single attempts of a call: chooses the key, watches the clock, and writes down what came of it. @internal */
export class AttemptRunner {
  readonly #call: Call;
  readonly #next: Next;
  readonly #options: ResilienceOptions;
  readonly #candidates: CallCandidates;
  readonly #deadlineAt: number;
  #warm: WarmTarget | undefined;

  constructor(call: Call, next: Next, options: ResilienceOptions, candidates: CallCandidates, deadlineAt: number) {
    this.#call = call;
    this.#next = next;
    this.#options = options;
    this.#candidates = candidates;
    this.#deadlineAt = deadlineAt;
  }

  /** Makes the attempt and, where its reply is a whole answer, passes it on. @throws what a step of ours refuses it with */
  async run(task: AttemptTask): Promise<AttemptEnd> {
    const { clock, random } = this.#options;
    const candidate = this.#candidates.at(task.index);
    const { entry, target } = candidate;
    if (candidate.visits === 0) entry.budget.earn();
    candidate.visits += 1;
    this.#call.state.answering ??= target;
    const ticket = entry.begin(clock.nowMs(), random, candidate.spentKeys, this.#warmKey(target));
    const startedAt = clock.monotonicMs();
    let shownAt: number | undefined;
    const gate = this.#gate(task, target, () => {
      shownAt = clock.monotonicMs();
    });
    let outcome: Outcome;
    try {
      outcome = await this.#next({
        ...this.#call,
        receiver: gate,
        signal: task.lane.signal,
        attempt: this.#attempt(task, candidate, ticket),
      });
    } catch (error) {
      entry.end(ticket, 'left', undefined, clock.nowMs());
      throw error;
    }
    const end = this.#endOf(task, ticket, outcome, gate);
    this.#observe(entry, end, (shownAt ?? clock.monotonicMs()) - startedAt);
    this.#note(end, candidate, ticket);
    if (end.failure === undefined && !gate.isOpen) this.show(end);
    return end;
  }

  /** Finds out where the prompt is warm; before the first attempt, since between the choice of a target and its attempt nothing may be waited for. */
  async findWarm(): Promise<void> {
    const isAsked = this.#candidates.list.some(({ entry }) => entry.hasKeys);
    if (isAsked) this.#warm = await this.#options.warmOf(this.#call);
  }

  #warmKey(target: Target): number | undefined {
    const warm = this.#warm;
    return warm !== undefined && formatTarget(warm.target) === formatTarget(target) ? warm.keyIndex : undefined;
  }

  /** Whether the call is asked on a cheaper tier, since it may wait: how long that takes, and whether there is room, is another matter. */
  get #isOnOtherTerms(): boolean {
    const { waitedFor } = this.#call.state;
    return waitedFor !== undefined && waitedFor !== '';
  }

  #observe(entry: TargetEntry, { failure, outcome }: AttemptEnd, tookMs: number): void {
    if (this.#isOnOtherTerms) return;
    const now = this.#options.clock.monotonicMs();
    if (failure !== undefined) {
      if (failure !== 'left' && blamesTarget(failure)) entry.latency = observeFailure(entry.latency, tookMs, now);
      return;
    }
    if (outcome.kind !== 'complete') return;
    const isStream = this.#call.state.shape?.isStream === true;
    (isStream ? entry.streamLatency : entry.wholeLatency).add(tookMs);
    entry.latency = observe(entry.latency, tookMs, now);
  }

  #gate(task: AttemptTask, target: Target, onShown: () => void): ReplyGate {
    const { policy, maxReplyBytes } = this.#options;
    const holdsAll = policy.midStream === 'buffer';
    return new ReplyGate(task.receiver, {
      holdsAll,
      maxHeldBytes: holdsAll ? maxReplyBytes : MAX_PREAMBLE_BYTES,
      mayOpen: () => {
        if (!task.lane.claim()) return false;
        onShown();
        this.#answers(target);
        return true;
      },
    });
  }

  #attempt(task: AttemptTask, candidate: CallCandidate, ticket: AttemptTicket): Attempt {
    const request = task.continues?.request ?? this.#call.state.request;
    if (request === undefined) throw new FarthingError('internal', 'an attempt before decode');
    return {
      target: candidate.target,
      request,
      changes: [],
      droppedMessages: [],
      verbatimMessages: 0,
      mayMark: !candidate.refusesMarks,
      keyIndex: candidate.entry.hasKeys ? ticket.keyIndex : undefined,
      deadlineAt: this.#deadlineAt,
      continues: task.continues,
      refused: this.#refusedBy(candidate),
      mayAnswer: (outcome) => (this.#isFiltered(outcome) ? !task.lane.isDropped : task.lane.claim()),
    };
  }

  /** What the target is known to refuse, has refused of late, or refused of this very call. */
  #refusedBy({ target, refused }: CallCandidate): ReadonlySet<RefusedParameter> | undefined {
    const { policy, learned, vendorOf, clock } = this.#options;
    const { request, plan } = this.#call.state;
    if (!policy.adaptParameters || request === undefined) return undefined;
    // What the caller named itself is asked as the caller wrote it, until it has refused that.
    const isNamed = plan?.asked === target.model || plan?.asked === formatTarget(target);
    const known = isNamed ? NONE : knownRefusals(this.#call.endpoint, vendorOf(target), target.model);
    const late = learned.refusedBy(this.refusalKey(target), clock.nowMs());
    if (refused.size === 0 && late.size === 0) return known;
    return new Set([...known, ...late, ...refused]);
  }

  /** What a refusal is remembered under. */
  refusalKey(target: Target): string {
    const { request } = this.#call.state;
    const scope = request === undefined ? '' : refusalScope(request, this.#call.headers['anthropic-version']);
    return `${formatTarget(target)} ${scope}`;
  }

  #endOf(task: AttemptTask, ticket: AttemptTicket, outcome: Outcome, gate: ReplyGate): AttemptEnd {
    const { target } = this.#candidates.at(task.index);
    const ended = failureOf(outcome, gate, this.#options.clock.nowMs());
    const isHidden = ended.failure === undefined && !gate.isOpen;
    const isFiltered = isHidden && this.#isFiltered(outcome);
    // A whole answer that comes after another one: it is charged, and nobody wants it.
    const isLate = isHidden && !isFiltered && !task.lane.claim();
    const failure = isFiltered ? 'filtered' : isLate ? 'left' : ended.failure;
    return { target, index: task.index, keyIndex: ticket.keyIndex, outcome, gate, ...ended, failure };
  }

  #note(end: AttemptEnd, { entry, target }: CallCandidate, ticket: AttemptTicket): void {
    const { events, clock } = this.#options;
    const { id, state, credentials, pinnedProvider } = this.#call;
    // A caller's own key says nothing about the target for others; nor does a tier that few ask for.
    const isOwnKey = credentials !== undefined && target.provider === pinnedProvider;
    const isApart = isOwnKey || this.#isOnOtherTerms;
    const blamed = isApart && (end.failure === 'refused' || end.failure === 'limited') ? 'left' : end.failure;
    const change = entry.end(ticket, blamed, end.retryAfterMs, clock.nowMs());
    const name = formatTarget(target);
    if (change.hasRecovered) events.emit({ kind: 'target-recovered', target: name });
    if (end.failure === undefined) return;
    const reason = failureReason(end);
    state.decisions.push({
      step: 'attempt',
      verdict: end.failure === 'left' ? 'left' : 'failed',
      reason,
      target: name,
    });
    if (end.failure === 'left') return;
    events.emit({ kind: 'attempt-failed', callId: id, target: name, reason });
    if (change.restsMs > 0) events.emit({ kind: 'target-rested', target: name, restsMs: change.restsMs, reason });
  }

  #answers(target: Target): void {
    const { state } = this.#call;
    state.answering = target;
    state.decisions.push({ step: 'attempt', verdict: 'answered', target: formatTarget(target) });
  }

  /** Passes a whole answer on that was held back until now. */
  show({ gate, target }: AttemptEnd): void {
    this.#answers(target);
    gate.pass(gate.upstreamHead as UpstreamHead);
  }

  /** Whether the answer is one that the provider's filter spoilt, and another target may be asked instead. */
  #isFiltered({ facts }: Outcome): boolean {
    const isSpoilt = facts?.finish === 'content-filter' || facts?.finish === 'refusal';
    return isSpoilt && this.#options.policy.contentFilter === 'next';
  }
}
