import { type CallRecord, type Charge, DEFERRED } from '../../core/model/charge.ts';
import { addUsage, NO_USAGE, type Usage } from '../../core/model/usage.ts';
import { SAVING_STEPS, type SavingStep } from '../../core/savings.ts';
import { type BudgetLine, budgetLines, type RefusedCalls, refusedCalls } from './demo-budgets.ts';
import { settledCharges } from './settled-charges.ts';
import type { Books } from './start-stack.ts';

/** Money that one lever saved (or lost, when negative). @internal */
interface LeverLine {
  readonly lever: string;
  /** Calls in which it took part. */
  readonly calls: number;
  readonly savedNanoUsd: bigint;
}

/** How long calls took at the gateway, in milliseconds. @internal */
export interface LatencyLine {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** The bill of a run. @internal */
export interface DemoBill {
  /** Requests, as the gateway counts them: one that a client sends again is another. */
  readonly calls: number;
  readonly baselineNanoUsd: bigint;
  readonly costNanoUsd: bigint;
  readonly savedNanoUsd: bigint;
  readonly levers: readonly LeverLine[];
  readonly hits: number;
  readonly coalesced: number;
  readonly missedByMode: { readonly calls: number; readonly nanoUsd: bigint };
  readonly hitLatency: LatencyLine;
  readonly missLatency: LatencyLine;
  /** What was paid for. */
  readonly usage: Usage;
  /** Calls that were answered after attempts had failed, and those attempts. */
  readonly rescued: { readonly calls: number; readonly failedAttempts: number };
  readonly estimates: { readonly charges: number; readonly nanoUsd: bigint };
  readonly unpricedCharges: number;
  readonly budgets: readonly BudgetLine[];
  readonly overBudget: RefusedCalls;
  readonly proof: BillProof;
}

/** The ledger against the provider's invoice. @internal */
interface BillProof {
  /** Invoiced for replies whose usage the gateway was told. */
  readonly invoiceNanoUsd: bigint;
  /** The exact charges of the ledger. */
  readonly ledgerNanoUsd: bigint;
  readonly differenceNanoUsd: bigint;
  /** Invoiced for streams that a client left or that broke: nobody tells their usage, the ledger holds estimates. */
  readonly unstatedNanoUsd: bigint;
  readonly unstatedRequests: number;
}

/** Draws the bill from both sides' books. @internal */
export function demoBill(books: Books): DemoBill {
  const { records, invoice } = books;
  const charges = settledCharges(books.charges);
  const certain = (certainty: Charge['certainty']): readonly Charge[] =>
    charges.filter((charge) => charge.certainty === certainty);
  const exactNanoUsd = sumOf(certain('exact').map((charge) => charge.amountNanoUsd));
  const statedNanoUsd = invoice.totalNanoUsd - invoice.unstatedNanoUsd;
  const missed = records.filter((record) => record.missedByMode !== undefined);
  const estimates = certain('estimate');
  // How long a call waited for its batch is not what a provider's answer takes.
  const waited = new Set(books.charges.filter(({ outcome }) => outcome === DEFERRED).map(({ callId }) => callId));
  return {
    calls: records.length,
    baselineNanoUsd: sumOf(records.map((record) => record.baselineNanoUsd)),
    costNanoUsd: sumOf(charges.map((charge) => charge.amountNanoUsd)),
    savedNanoUsd: sumOf(records.map((record) => record.savedNanoUsd)),
    levers: leverLines(records),
    hits: records.filter((record) => record.cacheStatus === 'hit').length,
    coalesced: records.filter((record) => record.cacheStatus === 'collapsed').length,
    missedByMode: { calls: missed.length, nanoUsd: sumOf(missed.map((record) => record.missedByMode?.nanoUsd)) },
    hitLatency: latencyLine(records, (record) => record.cacheStatus === 'hit'),
    missLatency: latencyLine(
      records,
      (record) => record.attempts > 0 && record.outcome === 'complete' && !waited.has(record.callId),
    ),
    usage: charges.reduce((sum, charge) => addUsage(sum, charge.usage), NO_USAGE),
    rescued: rescuedCalls(records),
    estimates: { charges: estimates.length, nanoUsd: sumOf(estimates.map((charge) => charge.amountNanoUsd)) },
    unpricedCharges: certain('unpriced').length,
    budgets: budgetLines(books),
    overBudget: refusedCalls(records, charges),
    proof: {
      invoiceNanoUsd: statedNanoUsd,
      ledgerNanoUsd: exactNanoUsd,
      differenceNanoUsd: exactNanoUsd - statedNanoUsd,
      unstatedNanoUsd: invoice.unstatedNanoUsd,
      unstatedRequests: invoice.unstatedRequests,
    },
  };
}

function sumOf(amounts: readonly (number | undefined)[]): bigint {
  return amounts.reduce<bigint>((sum, amount) => sum + BigInt(amount ?? 0), 0n);
}

function rescuedCalls(records: readonly CallRecord[]): DemoBill['rescued'] {
  const failed = records
    .filter(({ outcome }) => outcome === 'complete')
    .map(({ decisions }) => decisions.filter(({ step, verdict }) => step === 'attempt' && verdict === 'failed').length)
    .filter((count) => count > 0);
  return { calls: failed.length, failedAttempts: failed.reduce((sum, count) => sum + count, 0) };
}

function leverLines(records: readonly CallRecord[]): readonly LeverLine[] {
  const lines = new Map<string, LeverLine>();
  for (const record of records) {
    for (const step of SAVING_STEPS) {
      const part = record.savedParts?.[step] ?? 0;
      if (part === 0) continue;
      const lever = step === 'cache' ? cacheLever(record) : (LEVER_NAMES[step] ?? step);
      const line = lines.get(lever) ?? { lever, calls: 0, savedNanoUsd: 0n };
      lines.set(lever, { lever, calls: line.calls + 1, savedNanoUsd: line.savedNanoUsd + BigInt(part) });
    }
  }
  return [...lines.values()].toSorted((left, right) => (left.savedNanoUsd < right.savedNanoUsd ? 1 : -1));
}

/** What a reader of the bill knows the steps as. */
const LEVER_NAMES: Readonly<Partial<Record<SavingStep, string>>> = {
  route: 'routes: tool calls of a smaller model, checked',
  retries: 'asked again: what failed a check, or a provider',
  optimise: 'prompts: the same data in fewer tokens',
  tier: 'batches: calls that could wait, at half price',
};

function cacheLever(record: CallRecord): string {
  if (record.endpoint === 'embeddings') return 'cache: embeddings, item by item';
  return record.cacheStatus === 'collapsed' ? 'coalescing: shared while in flight' : 'cache: answered from memory';
}

function latencyLine(records: readonly CallRecord[], matches: (record: CallRecord) => boolean): LatencyLine {
  const durations = records.filter(matches).map((record) => record.durationMs);
  const rising = durations.toSorted((left, right) => left - right);
  const at = (share: number): number => rising[Math.ceil(share * rising.length) - 1] ?? 0;
  return { calls: rising.length, p50Ms: at(0.5), p95Ms: at(0.95) };
}
