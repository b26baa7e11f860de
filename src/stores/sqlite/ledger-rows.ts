import { FarthingError } from '../../core/errors.ts';
import type { Tags } from '../../core/model/caller.ts';
import type { AttemptKind, CallRecord, Charge, ChargeCertainty, Intent } from '../../core/model/charge.ts';
import type { Endpoint } from '../../core/model/protocol.ts';
import { inputTokensOf, outputTokensOf, type Usage, USAGE_BUCKETS, usageOf } from '../../core/model/usage.ts';
import { type NanoUsd, nanoUsd } from '../../core/money.ts';
import { type CallFacts, callFacts, type ChargeFacts, settledCertainty } from '../../core/report.ts';
import type { SqlRow, SqlValue } from './sqlite-database.ts';

/** Absent is NULL. */
function nullable<T extends SqlValue>(value: T | undefined): T | null {
  return value === undefined ? null : value;
}

function tagsText(tags: Tags): string | null {
  return Object.keys(tags).length === 0 ? null : JSON.stringify(tags); // most calls carry none
}

const COUNTS = [...USAGE_BUCKETS, 'reasoning'] as const;

/** Only what was used: 16 counts, of which a call has three. */
function usedCounts(usage: Usage): Partial<Usage> {
  const used: Partial<Record<keyof Usage, number>> = {};
  for (const name of COUNTS) {
    const count = usage[name];
    if (count !== 0) used[name] = count;
  }
  return used;
}

/** Parameters of `insertIntent`. @internal */
export function intentParameters(intent: Intent): readonly SqlValue[] {
  return [
    intent.chargeId,
    intent.callId,
    intent.kind,
    intent.atMs,
    intent.ownerId,
    intent.project,
    intent.keyId,
    tagsText(intent.tags),
    intent.endpoint,
    intent.target,
    nullable<number>(intent.upperBoundNanoUsd),
  ];
}

/** Parameters of `insertCharge` and `correctEstimate`. @internal */
export function chargeParameters(charge: Charge): readonly SqlValue[] {
  return [
    charge.chargeId,
    charge.callId,
    charge.kind,
    charge.atMs,
    charge.project,
    charge.keyId,
    tagsText(charge.tags),
    charge.endpoint,
    charge.target,
    nullable(charge.servedModel),
    inputTokensOf(charge.usage),
    outputTokensOf(charge.usage),
    JSON.stringify(usedCounts(charge.usage)),
    charge.certainty,
    nullable<number>(charge.amountNanoUsd),
    nullable(charge.priceEntry),
    nullable(charge.corrects),
    nullable(charge.status),
    charge.outcome,
  ];
}

/** Parameters of `insertCall`: columns for what reports sum up, the whole record as JSON. @internal */
export function callParameters(record: CallRecord): readonly SqlValue[] {
  const facts = callFacts(record);
  return [
    record.callId,
    record.atMs,
    record.project,
    record.keyId,
    tagsText(record.tags),
    facts.model,
    facts.isHit ? 1 : 0,
    nullable(facts.baselineNanoUsd),
    nullable(facts.savedNanoUsd),
    nullable(facts.missedByModeNanoUsd),
    JSON.stringify({ ...record, usage: usedCounts(record.usage) }),
  ];
}

const KINDS: readonly AttemptKind[] = ['call', 'summary', 'judge', 'shadow'];
const CERTAINTIES: readonly ChargeCertainty[] = ['exact', 'estimate', 'unpriced', 'none'];
const ENDPOINT_NAMES: readonly Endpoint[] = ['chat', 'responses', 'embeddings', 'messages', 'count-tokens'];

function corrupt(name: string): FarthingError {
  return new FarthingError('store-unavailable', `the ledger holds something else in column ${name}`);
}

function text(row: SqlRow, name: string): string {
  const value = row[name];
  if (typeof value !== 'string') throw corrupt(name);
  return value;
}

function integer(row: SqlRow, name: string): number {
  const value = row[name];
  if (typeof value !== 'number') throw corrupt(name);
  return value;
}

function optionalText(row: SqlRow, name: string): string | undefined {
  return row[name] === null ? undefined : text(row, name);
}

function optionalInteger(row: SqlRow, name: string): number | undefined {
  return row[name] === null ? undefined : integer(row, name);
}

function optionalAmount(row: SqlRow, name: string): NanoUsd | undefined {
  return row[name] === null ? undefined : nanoUsd(integer(row, name));
}

function oneOf<T extends string>(values: readonly T[], row: SqlRow, name: string): T {
  const found = values.find((value) => value === row[name]);
  if (found === undefined) throw corrupt(name);
  return found;
}

function tagsOf(row: SqlRow): Tags {
  const json = optionalText(row, 'tags');
  if (json === undefined) return {};
  const tags: Tags = JSON.parse(json);
  return tags;
}

function usageFrom(json: string): Usage {
  const used: Partial<Usage> = JSON.parse(json);
  return usageOf(used);
}

/** An intent from its row. @internal */
export function intentOf(row: SqlRow): Intent {
  return {
    chargeId: text(row, 'charge_id'),
    callId: text(row, 'call_id'),
    kind: oneOf(KINDS, row, 'kind'),
    atMs: integer(row, 'at_ms'),
    ownerId: text(row, 'owner_id'),
    project: text(row, 'project'),
    keyId: text(row, 'key_id'),
    tags: tagsOf(row),
    endpoint: oneOf(ENDPOINT_NAMES, row, 'endpoint'),
    target: text(row, 'target'),
    upperBoundNanoUsd: optionalAmount(row, 'upper_bound_nano_usd'),
  };
}

/** A charge from its row. @internal */
export function chargeOf(row: SqlRow): Charge {
  return {
    chargeId: text(row, 'charge_id'),
    callId: text(row, 'call_id'),
    kind: oneOf(KINDS, row, 'kind'),
    atMs: integer(row, 'at_ms'),
    project: text(row, 'project'),
    keyId: text(row, 'key_id'),
    tags: tagsOf(row),
    endpoint: oneOf(ENDPOINT_NAMES, row, 'endpoint'),
    target: text(row, 'target'),
    servedModel: optionalText(row, 'served_model'),
    usage: usageFrom(text(row, 'usage')),
    certainty: oneOf(CERTAINTIES, row, 'certainty'),
    amountNanoUsd: optionalAmount(row, 'amount_nano_usd'),
    priceEntry: optionalText(row, 'price_entry'),
    corrects: optionalText(row, 'corrects'),
    status: optionalInteger(row, 'status'),
    outcome: text(row, 'outcome'),
  };
}

/** The fields of a record that JSON leaves out when they are undefined. */
const ABSENT_FIELDS = {
  target: undefined,
  servedModel: undefined,
  costNanoUsd: undefined,
  baselineNanoUsd: undefined,
  savedNanoUsd: undefined,
  savedParts: undefined,
  missedByMode: undefined,
  firstByteMs: undefined,
} satisfies Partial<CallRecord>;

/** A call's record from its row. @internal */
export function callRecordOf(row: SqlRow): CallRecord {
  const record: CallRecord = JSON.parse(text(row, 'record'));
  return { ...ABSENT_FIELDS, ...record, usage: usageOf(record.usage) };
}

/** The columns of {@link chargeFactsOf}. @internal */
export const CHARGE_FACTS_COLUMNS = `sequence, at_ms, project, key_id, tags, target, input_tokens, output_tokens, certainty,
  amount_nano_usd, CASE WHEN certainty IN ('estimate', 'unpriced') THEN (
    SELECT correction.certainty FROM charges AS correction WHERE correction.corrects = charges.charge_id
    ORDER BY correction.sequence DESC LIMIT 1) END AS correction`;

/** What a report needs of a charge, from its row. @internal */
export function chargeFactsOf(row: SqlRow): ChargeFacts {
  return {
    atMs: integer(row, 'at_ms'),
    project: text(row, 'project'),
    keyId: text(row, 'key_id'),
    tags: tagsOf(row),
    model: text(row, 'target'),
    inputTokens: integer(row, 'input_tokens'),
    outputTokens: integer(row, 'output_tokens'),
    certainty: settledCertainty(
      oneOf(CERTAINTIES, row, 'certainty'),
      row['correction'] === null ? undefined : oneOf(CERTAINTIES, row, 'correction'),
    ),
    amountNanoUsd: optionalAmount(row, 'amount_nano_usd'),
  };
}

/** The columns of {@link callFactsOf}. @internal */
export const CALL_FACTS_COLUMNS = `sequence, at_ms, project, key_id, tags, model, is_hit, baseline_nano_usd, saved_nano_usd,
  missed_by_mode_nano_usd`;

/** What a report needs of a call, from its row. @internal */
export function callFactsOf(row: SqlRow): CallFacts {
  return {
    atMs: integer(row, 'at_ms'),
    project: text(row, 'project'),
    keyId: text(row, 'key_id'),
    tags: tagsOf(row),
    model: text(row, 'model'),
    isHit: integer(row, 'is_hit') === 1,
    baselineNanoUsd: optionalAmount(row, 'baseline_nano_usd'),
    savedNanoUsd: optionalAmount(row, 'saved_nano_usd'),
    missedByModeNanoUsd: optionalAmount(row, 'missed_by_mode_nano_usd'),
  };
}
