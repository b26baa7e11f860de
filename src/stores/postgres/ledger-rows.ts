import { FarthingError } from '../../core/errors.ts';
import type { CallRecord, Charge, Intent } from '../../core/model/charge.ts';
import { inputTokensOf, outputTokensOf, type Usage, usageOf } from '../../core/model/usage.ts';
import { type NanoUsd, nanoUsd } from '../../core/money.ts';
import { type ChargeFacts, settledCertainty } from '../../core/report.ts';
import type { SpendingRow } from '../../ports/ledger.ts';
import type { CallRow, ChargeRow, IntentRow } from './postgres-tables.ts';
import { ABSENT_CALL_FIELDS } from '../sql/call-record-fields.ts';

/** A row as a statement takes it; sequences are Postgres's, the owner is the same for all of a statement. */
type New<Row> = Omit<Row, 'sequence' | 'owner_id'>;

/** @internal */
export type NewIntent = New<IntentRow>;
/** @internal */
export type NewCharge = Omit<New<ChargeRow>, 'booked_at_ms'>;
/** @internal */
export type NewCall = New<CallRow>;

/** A charge as it is read. @internal */
export type StoredCharge = Omit<ChargeRow, 'sequence'> & { readonly sequence: number };

/** The column `facts`: what is only read, never asked for. Absent are what most rows have: no tags, no counts, kind `call`. */
interface Facts {
  readonly endpoint: Charge['endpoint'];
  readonly target: string;
  readonly kind?: Charge['kind'];
  readonly tags?: Charge['tags'];
  readonly usage?: Partial<Usage>;
  readonly servedModel?: string | undefined;
  readonly priceEntry?: string | undefined;
  readonly status?: number | undefined;
}

/** A charge's id without attempt and correction: its call's id, as long as that has no dot in it. */
function callIdIn(chargeId: string): string {
  const dot = chargeId.indexOf('.');
  return dot === -1 ? chargeId : chargeId.slice(0, dot);
}

function ownCallId(attempt: Pick<Charge, 'callId' | 'chargeId'>): string | null {
  return attempt.callId === callIdIn(attempt.chargeId) ? null : attempt.callId;
}

/** Text for a column that is asked for: Postgres has no U+0000, and lone surrogates are no text. @internal */
export function columnText(text: string): string {
  return text.replaceAll(/[\0\p{Surrogate}]/gu, '\uFFFD');
}

function attemptFacts({ endpoint, target, kind, tags }: Intent | Charge): Facts {
  return {
    endpoint,
    target,
    ...(kind === 'call' ? {} : { kind }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  };
}

function usedCounts(usage: Usage): Partial<Usage> {
  return Object.fromEntries(Object.entries(usage).filter(([, count]) => count !== 0));
}

/** @internal */
export function intentRow(intent: Intent): NewIntent {
  return {
    charge_id: intent.chargeId,
    call_id: ownCallId(intent),
    at_ms: intent.atMs,
    project: columnText(intent.project),
    key_id: columnText(intent.keyId),
    upper_bound_nano_usd: intent.upperBoundNanoUsd ?? null,
    facts: JSON.stringify(attemptFacts(intent)),
  };
}

/** @internal */
export function chargeRow(charge: Charge): NewCharge {
  const { servedModel, priceEntry, status } = charge;
  return {
    charge_id: charge.chargeId,
    call_id: ownCallId(charge),
    at_ms: charge.atMs,
    project: columnText(charge.project),
    key_id: columnText(charge.keyId),
    certainty: charge.certainty,
    amount_nano_usd: charge.amountNanoUsd ?? null,
    corrects: charge.corrects ?? null,
    outcome: charge.outcome,
    facts: JSON.stringify({
      ...attemptFacts(charge),
      usage: usedCounts(charge.usage),
      servedModel,
      priceEntry,
      status,
    } satisfies Facts),
  };
}

/** @internal */
export function callRow(record: CallRecord): NewCall {
  return {
    call_id: record.callId,
    at_ms: record.atMs,
    project: columnText(record.project),
    key_id: columnText(record.keyId),
    record: JSON.stringify(record),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FarthingError('store-unavailable', 'the ledger holds a value that is no JSON', { cause: error });
  }
}

function factsOf(row: Pick<ChargeRow, 'facts'>): Facts {
  return parsed(row.facts) as Facts;
}

function optionalAmount(value: number | null): NanoUsd | undefined {
  return value === null ? undefined : nanoUsd(value);
}

/** @internal */
export function intentOf(row: IntentRow): Intent {
  const { endpoint, target, kind, tags } = factsOf(row);
  return {
    chargeId: row.charge_id,
    callId: row.call_id ?? callIdIn(row.charge_id),
    kind: kind ?? 'call',
    atMs: row.at_ms,
    ownerId: row.owner_id,
    project: row.project,
    keyId: row.key_id,
    tags: tags ?? {},
    endpoint,
    target,
    upperBoundNanoUsd: optionalAmount(row.upper_bound_nano_usd),
  };
}

/** @internal */
export function chargeOf(row: StoredCharge): Charge {
  const { endpoint, target, kind, tags, usage, servedModel, priceEntry, status } = factsOf(row);
  return {
    chargeId: row.charge_id,
    callId: row.call_id ?? callIdIn(row.charge_id),
    kind: kind ?? 'call',
    atMs: row.at_ms,
    project: row.project,
    keyId: row.key_id,
    tags: tags ?? {},
    endpoint,
    target,
    servedModel,
    usage: usageOf(usage ?? {}),
    certainty: row.certainty as Charge['certainty'],
    amountNanoUsd: optionalAmount(row.amount_nano_usd),
    priceEntry,
    corrects: row.corrects ?? undefined,
    status,
    outcome: row.outcome,
  };
}

/** @param correction - certainty of the latest correction of an estimate; null when there is none. @internal */
export function chargeFactsOf(row: StoredCharge, correction: string | null): ChargeFacts {
  const { target, tags, usage: used } = factsOf(row);
  const usage = usageOf(used ?? {});
  return {
    atMs: row.at_ms,
    project: row.project,
    keyId: row.key_id,
    tags: tags ?? {},
    model: target,
    inputTokens: inputTokensOf(usage),
    outputTokens: outputTokensOf(usage),
    certainty: settledCertainty(
      row.certainty as Charge['certainty'],
      (correction ?? undefined) as Charge['certainty'] | undefined,
    ),
    amountNanoUsd: optionalAmount(row.amount_nano_usd),
  };
}

/** @internal */
export function spendingOf(row: StoredCharge): SpendingRow {
  const { target, tags } = factsOf(row);
  return {
    ownerId: row.owner_id,
    atMs: row.at_ms,
    bookedAtMs: row.booked_at_ms ?? row.at_ms,
    amountNanoUsd: nanoUsd(row.amount_nano_usd ?? 0),
    project: row.project,
    keyId: row.key_id,
    tags: tags ?? {},
    target,
  };
}

/** @internal */
export function callRecordOf(text: string): CallRecord {
  return { ...ABSENT_CALL_FIELDS, ...(parsed(text) as CallRecord) };
}

/** The charge of an intent that was refused, so that nothing was sent. @internal */
export function unsentCharge(intent: NewIntent): NewCharge {
  const { upper_bound_nano_usd: _bound, ...row } = intent;
  return { ...row, certainty: 'none', amount_nano_usd: 0, corrects: null, outcome: 'never-sent' };
}
