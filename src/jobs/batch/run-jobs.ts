import { CALL_ID_RANDOM_DIGITS, callIdAt } from '../../core/call-id.ts';
import { FarthingError } from '../../core/errors.ts';
import { BATCH_ATTEMPT, type DeferredCall, type Job, type JobResult } from '../../core/model/deferred-call.ts';
import { type Endpoint, ENDPOINTS } from '../../core/model/protocol.ts';
import { NO_USAGE } from '../../core/model/usage.ts';
import { ZERO_USD } from '../../core/money.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import { errorBody } from '../../wire/error-body.ts';

/** Something that a run is to ask. @internal */
export interface RunCall {
  readonly kind: 'call';
  /** Its place in the run, from 0, without gaps. */
  readonly position: number;
  /** Comes back with the result. */
  readonly label: string | undefined;
  readonly endpoint: Endpoint;
  readonly body: Uint8Array;
}

/** Something of a run that cannot be asked. @internal */
export interface RunFault {
  readonly kind: 'fault';
  readonly position: number;
  readonly label: string | undefined;
  readonly error: FarthingError;
}

/** Something that a run has asked already, at an earlier place. @internal */
export interface RunRepeat {
  readonly kind: 'repeat';
  readonly position: number;
  readonly label: string | undefined;
  readonly endpoint: Endpoint;
  /** The place of what it repeats. */
  readonly of: number;
}

/** One thing of a run. @internal */
export type RunItem = RunCall | RunFault | RunRepeat;

/** Outcome of a repeat: what it repeats has the answer. */
const REPEAT = 'repeat';

/** A job that was done as soon as it was there: from the cache, or since nobody would answer it. It holds the run's place, and is found when the run is taken up again. @internal */
export function endedJob(run: string, item: RunItem, result: JobResult): Job {
  return {
    call: callOf(run, item, result.record),
    state: 'done',
    version: 1,
    attempts: BATCH_ATTEMPT,
    batchId: undefined,
    liveAtMs: undefined,
    liveTier: 'default',
    batches: 0,
    leaseUntilMs: 0,
    result,
    toldAtMs: undefined,
  };
}

interface ResultPorts {
  readonly clock: Clock;
  readonly random: Random;
}

/** The result of what cannot be asked. @internal */
export function faultyResult({ error }: RunFault, ports: ResultPorts): JobResult {
  const record = unaskedRecord({ status: error.status, outcome: error.code }, ports);
  const body = errorBody(ENDPOINTS.chat.protocol, error, record.callId);
  return { status: error.status, body, way: 'none', outcome: error.code, finishedAtMs: record.atMs, record };
}

/** The result of what is asked at another place: `repeatedPosition` reads it. @internal */
export function repeatResult({ of }: RunRepeat, ports: ResultPorts): JobResult {
  const record = unaskedRecord({ status: 200, outcome: REPEAT }, ports);
  return { status: 200, body: String(of), way: 'none', outcome: REPEAT, finishedAtMs: record.atMs, record };
}

/** The place of what a job repeats; undefined: it is no repeat. @internal */
export function repeatedPosition({ result }: Job): number | undefined {
  return result?.outcome === REPEAT ? Number(result.body) : undefined;
}

function unaskedRecord(
  { status, outcome }: Pick<CallRecord, 'status' | 'outcome'>,
  { clock, random }: ResultPorts,
): CallRecord {
  const nowMs = clock.nowMs();
  const callId = callIdAt(nowMs, random.hex(CALL_ID_RANDOM_DIGITS));
  return {
    callId,
    atMs: nowMs,
    project: '',
    keyId: '',
    tags: {},
    endpoint: 'chat',
    modelAsked: '',
    target: undefined,
    servedModel: undefined,
    isStream: false,
    status,
    outcome,
    cacheStatus: 'off',
    usage: NO_USAGE,
    costNanoUsd: ZERO_USD,
    baselineNanoUsd: ZERO_USD,
    savedNanoUsd: ZERO_USD,
    savedParts: undefined,
    isEstimate: false,
    missedByMode: undefined,
    attempts: 0,
    durationMs: 0,
    firstByteMs: undefined,
    decisions: [],
    route: undefined,
  };
}

function callOf(run: string, item: RunItem, record: CallRecord): DeferredCall {
  const { callId, atMs, project, keyId, tags, modelAsked, target = '', decisions, route } = record;
  return {
    callId,
    run,
    position: item.position,
    atMs,
    endpoint: item.kind === 'fault' ? record.endpoint : item.endpoint,
    project,
    keyId,
    tags,
    query: '',
    headers: {},
    body: bodyOf(item),
    sentBody: undefined,
    modelAsked,
    target,
    baseline: target,
    route,
    removed: [],
    decisions,
    cacheKey: undefined,
    boundNanoUsd: ZERO_USD,
    inputTokens: 0,
    deadlineAtMs: undefined,
    webhookUrl: undefined,
    ...(item.label !== undefined && { label: item.label }),
  };
}

/** What of an item tells whether it is the same when its run is taken up again. @internal */
export function bodyOf(item: RunItem): string {
  return item.kind === 'call' ? Buffer.from(item.body).toString('utf8') : '';
}

/** A run is taken up again with other items. @internal */
export function changedItem(position: number): FarthingError {
  return new FarthingError(
    'configuration',
    `item ${position} is not the one that the run had there before: give the run another name, or remove it`,
    { param: 'items' },
  );
}
