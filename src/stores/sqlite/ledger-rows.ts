import type { AttemptKind, Charge, ChargeCertainty, Intent } from '../../core/model/charge.ts';
import type { Endpoint } from '../../core/model/protocol.ts';
import { inputTokensOf, outputTokensOf } from '../../core/model/usage.ts';
import { type NanoUsd, nanoUsd } from '../../core/money.ts';
import { type ChargeFacts, settledCertainty } from '../../core/report.ts';
import type { ChargeReceipt, SpendingRow } from '../../ports/ledger.ts';
import {
  corruptLedger,
  givenTags,
  isAbsent,
  tagsFrom,
  type Tuple,
  tupleFrom,
  usageFrom,
  usedCounts,
} from './ledger-json.ts';
import type { LedgerOperation } from './ledger-schema.ts';
import type { SqlRow } from './sqlite-database.ts';

/** A charge's id without attempt and correction: its call's id, as long as that has no dot in it. */
function callIdIn(chargeId: string): string {
  const dot = chargeId.indexOf('.');
  return dot === -1 ? chargeId : chargeId.slice(0, dot);
}

/** The column `facts` begins with what an intent knows as well. Positions 0 to 3. */
function attemptFacts(attempt: Intent | Charge): readonly unknown[] {
  return [
    attempt.endpoint,
    attempt.callId === callIdIn(attempt.chargeId) ? 0 : attempt.callId,
    attempt.kind === 'call' ? 0 : attempt.kind,
    givenTags(attempt.tags),
  ];
}

/** An intent as one element of its pack. Position 6 is the column `facts` of the charge that it becomes when its owner dies. @internal */
export function intentText(intent: Intent): string {
  return JSON.stringify([
    intent.chargeId,
    intent.atMs,
    intent.project,
    intent.keyId,
    intent.target,
    intent.upperBoundNanoUsd ?? null,
    attemptFacts(intent),
  ]);
}

/** Writes a charge, or the difference to the estimate that has its id. Changes no row when the owner was ended. @internal */
export function chargeOperation(
  statement: 'insertCharge' | 'correctEstimate',
  charge: Charge,
  ownerId: string,
): LedgerOperation {
  return [
    statement,
    charge.chargeId,
    charge.atMs,
    charge.project,
    charge.keyId,
    charge.target,
    charge.certainty,
    charge.amountNanoUsd ?? null,
    charge.corrects ?? null,
    charge.outcome,
    JSON.stringify([
      ...attemptFacts(charge),
      usedCounts(charge.usage),
      charge.status ?? 0,
      charge.servedModel ?? 0,
      charge.priceEntry ?? 0,
    ]),
    ownerId,
  ];
}

const KINDS: readonly AttemptKind[] = ['call', 'summary', 'judge', 'shadow', 'verify'];
const CERTAINTIES: readonly ChargeCertainty[] = ['exact', 'estimate', 'unpriced', 'none'];
const ENDPOINT_NAMES: readonly Endpoint[] = ['chat', 'responses', 'embeddings', 'messages', 'count-tokens'];

function text(value: unknown): string {
  if (typeof value !== 'string') throw corruptLedger('something else where a text belongs');
  return value;
}

function integer(value: unknown): number {
  if (typeof value !== 'number') throw corruptLedger('something else where a number belongs');
  return value;
}

function oneOf<T extends string>(values: readonly T[], value: unknown): T {
  const found = values.find((known) => known === value);
  if (found === undefined) throw corruptLedger('a name that this program does not know');
  return found;
}

function optionalText(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : text(value);
}

function optionalAmount(value: unknown): NanoUsd | undefined {
  return value === null || value === undefined ? undefined : nanoUsd(integer(value));
}

function attemptFrom(facts: Tuple, chargeId: string): Pick<Charge, 'endpoint' | 'callId' | 'kind' | 'tags'> {
  const [endpoint, callId, kind, tags] = facts;
  return {
    endpoint: oneOf(ENDPOINT_NAMES, endpoint),
    callId: isAbsent(callId) ? callIdIn(chargeId) : text(callId),
    kind: isAbsent(kind) ? 'call' : oneOf(KINDS, kind),
    tags: tagsFrom(tags),
  };
}

/** An intent from its row. @internal */
export function intentOf(row: SqlRow): Intent {
  const [id, atMs, project, keyId, target, upperBound, facts] = tupleFrom(text(row['intent']));
  const chargeId = text(id);
  return {
    chargeId,
    ...attemptFrom(facts as Tuple, chargeId),
    atMs: integer(atMs),
    ownerId: text(row['owner_id']),
    project: text(project),
    keyId: text(keyId),
    target: text(target),
    upperBoundNanoUsd: optionalAmount(upperBound),
  };
}

/** A charge from its row. @internal */
export function chargeOf(row: SqlRow): Charge {
  const facts = tupleFrom(text(row['facts']));
  const [, , , , usage, status, servedModel, priceEntry] = facts;
  const chargeId = text(row['charge_id']);
  return {
    chargeId,
    ...attemptFrom(facts, chargeId),
    atMs: integer(row['at_ms']),
    project: text(row['project']),
    keyId: text(row['key_id']),
    target: text(row['target']),
    servedModel: isAbsent(servedModel) ? undefined : text(servedModel),
    usage: usageFrom(usage),
    certainty: oneOf(CERTAINTIES, row['certainty']),
    amountNanoUsd: optionalAmount(row['amount_nano_usd']),
    priceEntry: isAbsent(priceEntry) ? undefined : text(priceEntry),
    corrects: row['corrects'] === null ? undefined : text(row['corrects']),
    status: isAbsent(status) ? undefined : integer(status),
    outcome: text(row['outcome']),
  };
}

/** The receipt of a charge from the row that stands for it. @internal */
export function receiptOf(chargeId: string, row: SqlRow): ChargeReceipt {
  return {
    chargeId,
    ownerId: optionalText(row['owner_id']),
    amountNanoUsd: optionalAmount(row['amount_nano_usd']),
    atMs: integer(row['at_ms']),
    bookedAtMs: integer(row['booked_at_ms'] ?? row['at_ms']),
  };
}

/** The columns of {@link spendingOf}. @internal */
export const SPENDING_COLUMNS =
  'owner_id, at_ms, booked_at_ms, amount_nano_usd, project, key_id, target, facts -> 3 AS tags';

/** What budgets need of a charge that has an amount, from its row. @internal */
export function spendingOf(row: SqlRow): SpendingRow {
  const { tags } = row;
  return {
    ownerId: optionalText(row['owner_id']),
    atMs: integer(row['at_ms']),
    bookedAtMs: integer(row['booked_at_ms'] ?? row['at_ms']),
    amountNanoUsd: nanoUsd(integer(row['amount_nano_usd'])),
    project: text(row['project']),
    keyId: text(row['key_id']),
    target: text(row['target']),
    tags: tags === '0' ? {} : tagsFrom(JSON.parse(text(tags))),
  };
}

/** The columns of {@link chargeFactsOf}. @internal */
export const CHARGE_FACTS_COLUMNS = `sequence, at_ms, project, key_id, target, certainty, amount_nano_usd, facts,
  CASE WHEN certainty IN ('estimate', 'unpriced') THEN (
    SELECT correction.certainty FROM charges AS correction WHERE correction.corrects = charges.charge_id
    ORDER BY correction.sequence DESC LIMIT 1) END AS correction`;

/** What a report needs of a charge, from its row. @internal */
export function chargeFactsOf(row: SqlRow): ChargeFacts {
  const [, , , tags, used] = tupleFrom(text(row['facts']));
  const usage = usageFrom(used);
  const { correction } = row;
  return {
    atMs: integer(row['at_ms']),
    project: text(row['project']),
    keyId: text(row['key_id']),
    tags: tagsFrom(tags),
    model: text(row['target']),
    inputTokens: inputTokensOf(usage),
    outputTokens: outputTokensOf(usage),
    certainty: settledCertainty(
      oneOf(CERTAINTIES, row['certainty']),
      correction === null ? undefined : oneOf(CERTAINTIES, correction),
    ),
    amountNanoUsd: optionalAmount(row['amount_nano_usd']),
  };
}
