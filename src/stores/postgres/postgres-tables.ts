import type { Generated } from 'kysely';

/** Who writes. @internal */
export interface OwnerRow {
  readonly owner_id: string;
  readonly lease_until_ms: number;
  readonly pid: number;
  readonly host: string | null;
  readonly process_start: string | null;
}

/** An intent that has no charge yet. `facts` is that of the charge which it becomes when its owner ends. @internal */
export interface IntentRow {
  readonly charge_id: string;
  readonly owner_id: string;
  readonly call_id: string | null;
  readonly at_ms: number;
  readonly project: string;
  readonly key_id: string;
  readonly upper_bound_nano_usd: number | null;
  readonly facts: string;
}

/** A charge. `call_id` only where it is not what the charge's id begins with. @internal */
export interface ChargeRow {
  readonly sequence: Generated<number>;
  readonly charge_id: string;
  readonly owner_id: string;
  readonly call_id: string | null;
  readonly at_ms: number;
  /** Of corrections, where it is another than `at_ms`. */
  readonly booked_at_ms: number | null;
  readonly project: string;
  readonly key_id: string;
  readonly certainty: string;
  readonly amount_nano_usd: number | null;
  readonly corrects: string | null;
  readonly outcome: string;
  readonly facts: string;
}

/** The record of a call. @internal */
export interface CallRow {
  readonly sequence: Generated<number>;
  readonly call_id: string;
  readonly at_ms: number;
  readonly project: string;
  readonly key_id: string;
  readonly record: string;
}

interface KeyRow {
  readonly key_id: string;
  readonly secret_sha256: string;
  readonly created_at_ms: number;
  readonly record: string;
}

interface BudgetRow {
  readonly name: string;
  readonly budget: string;
}

interface AdjustmentRow {
  readonly adjustment_id: string;
  readonly account_id: string;
  readonly at_ms: number;
  readonly amounts: string;
}

interface AnnouncementRow {
  readonly sequence: number;
  readonly at_ms: number;
  readonly topic: string;
  readonly text: string;
}

/** A claim on a thing that a provider keeps. */
interface ResourceRow {
  readonly sequence: Generated<number>;
  readonly id: string;
  readonly provider: string;
  readonly kind: string;
  readonly project: string;
  readonly at_ms: number;
}

/** Counts of changes, and the number of the newest announcement. Its row is locked until a change is committed. @internal */
export type CounterName = 'keys' | 'budgets' | 'announcements';

interface CounterRow {
  readonly name: CounterName;
  readonly value: number;
}

/** The tables of the schema `farthing`; see `POSTGRES_MIGRATIONS`. @internal */
export interface PostgresTables {
  readonly owners: OwnerRow;
  readonly intents: IntentRow;
  readonly charges: ChargeRow;
  readonly calls: CallRow;
  readonly keys: KeyRow;
  readonly budgets: BudgetRow;
  readonly adjustments: AdjustmentRow;
  readonly announcements: AnnouncementRow;
  readonly resources: ResourceRow;
  readonly counters: CounterRow;
}
