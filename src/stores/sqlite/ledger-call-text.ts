import type { ActiveCacheMode } from '../../core/cacheability.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import type { RouteFacts } from '../../core/model/route-facts.ts';
import type { NanoUsd } from '../../core/money.ts';
import { noParts, SAVING_STEPS, type SavingParts, type SavingStep } from '../../core/savings.ts';
import { type Absent, givenTags, tagsFrom, tupleFrom, usageFrom, usedCounts } from './ledger-json.ts';

/** The steps that saved or lost something; none of them is the usual case of a plain call. */
function movingParts(parts: SavingParts): Partial<SavingParts> | Absent {
  let moving: Partial<Record<SavingStep, NanoUsd>> | Absent = 0;
  for (const step of SAVING_STEPS) {
    if (parts[step] === 0) continue;
    if (moving === 0) moving = {};
    moving[step] = parts[step];
  }
  return moving;
}

function savingPartsFrom(value: unknown): SavingParts | undefined {
  if (value === null) return undefined;
  const parts = noParts();
  return value === 0 ? parts : Object.assign(parts, value);
}

/** A call's record as one element of its pack. The way back is {@link callsIn}. @internal */
export function callText(record: CallRecord): string {
  // JSON writes what is undefined inside an array as null.
  return JSON.stringify([
    record.callId,
    record.atMs,
    record.project,
    record.keyId,
    record.endpoint,
    record.modelAsked,
    record.target,
    record.servedModel,
    record.status,
    record.outcome,
    record.cacheStatus,
    record.costNanoUsd,
    record.baselineNanoUsd,
    record.savedNanoUsd,
    record.savedParts === undefined ? undefined : movingParts(record.savedParts),
    usedCounts(record.usage),
    givenTags(record.tags),
    (record.isStream ? 1 : 0) + (record.isEstimate ? 2 : 0),
    record.attempts,
    record.durationMs,
    record.firstByteMs,
    record.decisions,
    record.missedByMode === undefined ? 0 : [record.missedByMode.mode, record.missedByMode.nanoUsd],
    ...(record.route === undefined ? [] : [record.route]),
  ]);
}

type Text = string | null;
type Amount = NanoUsd | null;
type CallTuple = readonly [
  callId: string,
  atMs: number,
  project: string,
  keyId: string,
  endpoint: CallRecord['endpoint'],
  modelAsked: string,
  target: Text,
  servedModel: Text,
  status: number,
  outcome: string,
  cacheStatus: CallRecord['cacheStatus'],
  costNanoUsd: Amount,
  baselineNanoUsd: Amount,
  savedNanoUsd: Amount,
  savedParts: unknown,
  usage: unknown,
  tags: unknown,
  flags: number,
  attempts: number,
  durationMs: number,
  firstByteMs: number | null,
  decisions: CallRecord['decisions'],
  missedByMode: readonly [ActiveCacheMode, NanoUsd] | Absent,
  route?: RouteFacts,
];

function callRecordOf(tuple: CallTuple): CallRecord {
  // One value a line here would make this longer than the type above.
  // oxfmt-ignore
  const [callId, atMs, project, keyId, endpoint, modelAsked, target, servedModel, status, outcome, cacheStatus, cost, baseline,
    saved, parts, usage, tags, flags, attempts, durationMs, firstByteMs, decisions, missed, route] = tuple;
  return {
    callId,
    atMs,
    project,
    keyId,
    tags: tagsFrom(tags),
    endpoint,
    modelAsked,
    target: target ?? undefined,
    servedModel: servedModel ?? undefined,
    isStream: (flags & 1) !== 0,
    status,
    outcome,
    cacheStatus,
    usage: usageFrom(usage),
    costNanoUsd: cost ?? undefined,
    baselineNanoUsd: baseline ?? undefined,
    savedNanoUsd: saved ?? undefined,
    savedParts: savingPartsFrom(parts),
    isEstimate: (flags & 2) !== 0,
    missedByMode: missed === 0 ? undefined : { mode: missed[0], nanoUsd: missed[1] },
    attempts,
    durationMs,
    firstByteMs: firstByteMs ?? undefined,
    decisions,
    route,
  };
}

/** The records of a pack, in the order in which they were handed over. @internal */
export function callsIn(records: string): readonly CallRecord[] {
  return (tupleFrom(records) as readonly CallTuple[]).map(callRecordOf);
}
