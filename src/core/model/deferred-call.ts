import { inputClass } from '../batch/embedding-inputs.ts';
import type { RemovedTokens } from '../optimise/usage-without.ts';
import type { NanoUsd } from '../money.ts';
import type { Tags } from './caller.ts';
import type { CallRecord } from './charge.ts';
import type { Decision } from './decision.ts';
import type { Endpoint } from './protocol.ts';
import type { RouteFacts } from './route-facts.ts';

/** A call that is answered later, with all that is needed to send it, to charge it and to store its answer, by any process. Plain data. @public */
export interface DeferredCall {
  readonly callId: string;
  /** The run that it belongs to, of a program or a command; empty for calls of a gateway's clients. */
  readonly run: string;
  /** Its place in the run, from 0; 0 outside runs. */
  readonly position: number;
  /** When it arrived, in Unix milliseconds. */
  readonly atMs: number;
  readonly endpoint: Endpoint;
  readonly project: string;
  readonly keyId: string;
  readonly tags: Tags;
  /** The query of the client's address, without its question mark. */
  readonly query: string;
  /** The client's headers that matter to an answer or to Farthing; lower-case names, no credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** The caller's own body: what is sent when it is answered live after all. */
  readonly body: string;
  /** What a provider's batch gets in place of `body`: the target's model, an output limit, a shorter prompt. Undefined: the same. */
  readonly sentBody: string | undefined;
  /** The model as the caller wrote it. */
  readonly modelAsked: string;
  /** `provider/model` that is to answer. */
  readonly target: string;
  /** `provider/model` that the baseline is priced as. */
  readonly baseline: string;
  readonly route: RouteFacts | undefined;
  /** What was taken out of the prompt, for the baseline. */
  readonly removed: readonly RemovedTokens[];
  readonly decisions: readonly Decision[];
  /** Under which the answer is stored; undefined: it may not be. */
  readonly cacheKey: string | undefined;
  /** The most that it can cost when it is answered live: what is held for it. */
  readonly boundNanoUsd: NanoUsd;
  /** Tokens that count against what a provider lets be enqueued: an upper bound of its input. */
  readonly inputTokens: number;
  /** When its answer must be there, in Unix milliseconds. Undefined: whenever it comes. */
  readonly deadlineAtMs: number | undefined;
  /** Who is told when it is answered. Undefined: nobody. */
  readonly webhookUrl: string | undefined;
  /** What is done when a batch comes back without its answer. @defaultValue 'batch' */
  readonly onUnanswered?: UnansweredPolicy | undefined;
  /** What its run calls it; comes back with its result. @defaultValue nothing */
  readonly label?: string | undefined;
  /** Inputs of a request for embeddings, whose number providers limit for the whole of a batch. @defaultValue 1 */
  readonly inputs?: number | undefined;
  /** Set in a batch that a client has made himself: the custom id of its row. Its answer is the client's to fetch, and is not kept here. */
  readonly customId?: string | undefined;
}

/**
 * What is done with a call that its batch did not answer (it expired, or the provider was overloaded): it goes into another batch, is asked live, or fails.
 * A call with a deadline is asked live unless another batch is worth it.
 * @public
 */
export type UnansweredPolicy = 'batch' | 'live' | 'fail';

/**
 * The number of the attempt that batches make. What a batch did not answer cost nothing, so that the next batch makes the same attempt, with the money that
 * is held for it; only calls asked live have further ones.
 * @public
 */
export const BATCH_ATTEMPT = 1;

/**
 * Where a deferred call is. `accepting`: its client does not know of it yet, and its money may not be held. `waiting`: for a batch, or for its hour.
 * `batched`: it is in a batch of a provider. `live`: it is being asked, or about to be, like any call. `done`: its answer (or failure) is there.
 * @public
 */
export type JobState = 'accepting' | 'waiting' | 'batched' | 'live' | 'done';

/** How a deferred call was answered. @public */
export type JobWay = 'batch' | 'live' | 'flex' | 'cache' | 'none';

/** What came of a deferred call. @public */
export interface JobResult {
  /** HTTP status: of the provider's answer, or of the error that stands for it. */
  readonly status: number;
  /** The answer's or the error's body, JSON text in the protocol's shape. */
  readonly body: string;
  readonly way: JobWay;
  /** `complete`, or why there is no answer: a code. */
  readonly outcome: string;
  readonly finishedAtMs: number;
  /** Its cost is an estimate (`isEstimate`) while a batch that it was in as well has not been settled. */
  readonly record: CallRecord;
}

/** A deferred call on its way. @public */
export interface Job {
  readonly call: DeferredCall;
  readonly state: JobState;
  /** Grows with every change. */
  readonly version: number;
  /** Attempts that were numbered so far. The first, {@link BATCH_ATTEMPT}, is the one that batches make: its money is held from the beginning. */
  readonly attempts: number;
  /** The batch that it is in, or was in last, until that is settled. */
  readonly batchId: string | undefined;
  /** When it is asked live unless it is answered by then, in Unix milliseconds. Undefined: never by itself. */
  readonly liveAtMs: number | undefined;
  /** How it is asked then. */
  readonly liveTier: 'default' | 'flex';
  /** In how many batches it has been. */
  readonly batches: number;
  /** Until when the process that asks it live is taken to be at it; 0: nobody is. */
  readonly leaseUntilMs: number;
  readonly result: JobResult | undefined;
  /** When its client was told, or the telling was given up, in Unix milliseconds. */
  readonly toldAtMs: number | undefined;
}

/** Whether a job may have been asked live, so that what is held for it may be spent. @public */
export function wasAskedLive({ attempts }: Pick<Job, 'attempts'>): boolean {
  return attempts > BATCH_ATTEMPT;
}

/** Jobs that may share a batch: one target, one endpoint, one set of headers that a batch is sent under; of embeddings those that have about as many inputs. @public */
export type QueueName = string;

/** What a batch is sent under beside the usual headers: betas of the provider. */
const BATCH_HEADERS = ['anthropic-beta', 'anthropic-version', 'openai-beta'] as const;

/** The queue of a call. @public */
export function queueOf({
  target,
  endpoint,
  headers,
  inputs = 1,
}: Pick<DeferredCall, 'target' | 'endpoint' | 'headers' | 'inputs'>): QueueName {
  const shared = BATCH_HEADERS.map((name) => headers[name] ?? '');
  const most = inputs > 1 ? [String(inputClass(inputs))] : [];
  return JSON.stringify([target, endpoint, ...shared, ...most]);
}

/** What a queue's name says. @public */
export interface QueueFacts {
  readonly target: string;
  readonly endpoint: Endpoint;
  readonly headers: Readonly<Record<string, string>>;
  /** Inputs that each of its requests has at the most. */
  readonly inputsEach: number;
}

/** Reads the name of a queue. @public */
export function queueFacts(queue: QueueName): QueueFacts {
  const [target = '', endpoint = '', ...shared] = JSON.parse(queue) as readonly string[];
  const headers = BATCH_HEADERS.flatMap((name, index) => {
    const value = shared[index] ?? '';
    return value === '' ? [] : [[name, value] as const];
  });
  const inputsEach = Number(shared[BATCH_HEADERS.length] ?? 1);
  return { target, endpoint: endpoint as Endpoint, headers: Object.fromEntries(headers), inputsEach };
}
