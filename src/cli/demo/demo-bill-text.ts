import { inputTokensOf } from '../../core/model/usage.ts';
import { formatUsd } from '../../core/money.ts';
import { plainTable } from '../plain-table.ts';
import { shortUsd } from '../short-usd.ts';
import type { LaterAnswers } from './collect-answers.ts';
import type { DemoBill, LatencyLine } from './demo-bill.ts';
import type { BudgetLine } from './demo-budgets.ts';
import type { SendOutcome } from './send-traffic.ts';
import { grouped } from '../plain-count.ts';

/** What the bill's reader must know of the run. @internal */
export interface RunFacts {
  readonly seed: number;
  /** Real seconds that the day took. */
  readonly seconds: number;
  readonly latencyRatio: number;
  readonly outcome: SendOutcome;
  /** Of the calls that could wait. */
  readonly later: LaterAnswers;
}

/** The bill as a screen of text. @internal */
export function demoBillText(bill: DemoBill, facts: RunFacts): string {
  return [
    moneyPart(bill),
    leverPart(bill),
    trafficPart(bill, facts),
    budgetPart(bill),
    proofPart(bill),
    'The traffic is made up (see src/simulator/traffic):\nyour share of repeats decides what you save.',
  ].join('\n\n');
}

function moneyPart(bill: DemoBill): string {
  const rows = [
    ['what the traffic would have cost', dollars(bill.baselineNanoUsd), ''],
    ['what it cost', dollars(bill.costNanoUsd), percent(bill.costNanoUsd, bill.baselineNanoUsd)],
    ['saved', dollars(bill.savedNanoUsd), percent(bill.savedNanoUsd, bill.baselineNanoUsd)],
  ];
  return plainTable(['THE BILL', 'USD', 'share'], rows, { align: ['left', 'right', 'right'] });
}

function leverPart(bill: DemoBill): string {
  const rows = bill.levers.map(({ lever, calls, savedNanoUsd }) => [
    lever,
    grouped(calls),
    dollars(savedNanoUsd),
    percent(savedNanoUsd, bill.baselineNanoUsd),
  ]);
  const { calls, nanoUsd } = bill.missedByMode;
  const missed = [
    'not served because of mode',
    grouped(calls),
    dollars(nanoUsd),
    percent(nanoUsd, bill.baselineNanoUsd),
  ];
  return plainTable(['saved by', 'calls', 'USD', 'share'], [...rows, missed], {
    align: ['left', 'right', 'right', 'right'],
  });
}

function trafficPart(bill: DemoBill, { outcome, later, seconds, seed, latencyRatio }: RunFacts): string {
  const { usage } = bill;
  const written = usage.cacheWrite5m + usage.cacheWrite30m + usage.cacheWrite1h;
  const hitRate = percent(BigInt(bill.hits), BigInt(bill.calls));
  const provider = `the provider at 1/${Math.round(1 / latencyRatio)} of a real one's`;
  const estimates = `${bill.estimates.charges} estimates (${dollars(bill.estimates.nanoUsd)})`;
  const rows = [
    ['calls', `${grouped(callsOf(outcome))} in ${seconds.toFixed(1)} s, seed ${seed}${sentAgain(bill, outcome)}`],
    [
      '',
      `${grouped(outcome.answered)} answered at once, ${outcome.overBudget + outcome.held} over a budget, ${outcome.failed} failed`,
    ],
    ['', `${outcome.refused} mistakes refused, ${outcome.abandoned} left by their client`],
    ['', rescuedText(bill)],
    ...laterRows(later),
    ['hit rate', `${hitRate}: ${grouped(bill.hits)} from the cache`],
    ['', `and ${grouped(bill.coalesced)} shared a call in flight`],
    ['latency of hits', latency(bill.hitLatency)],
    ['latency of misses', latency(bill.missLatency)],
    ['', `(${provider})`],
    ['tokens paid for', `${grouped(inputTokensOf(usage))} in`],
    ['', `(${grouped(usage.cacheRead)} read from the provider's cache, ${grouped(written)} written)`],
    ['', `${grouped(usage.output)} out (${grouped(usage.reasoning)} of it reasoning)`],
    ['not exact', `${estimates}, ${bill.unpricedCharges} unpriced`],
  ];
  return plainTable(['THE DAY', ''], rows);
}

function rescuedText({ rescued: { calls, failedAttempts } }: DemoBill): string {
  return `${grouped(failedAttempts)} failed attempts (429, 5xx) hidden: ${grouped(calls)} calls answered all the same`;
}

function laterRows({
  taken,
  answered,
  byBatch,
  byLive,
  failed,
  missing,
}: LaterAnswers): readonly (readonly string[])[] {
  if (taken === 0) return [];
  const rest = `${failed === 0 ? '' : `, ${failed} failed`}${missing === 0 ? '' : `, ${missing} not there yet`}`;
  const text = `${grouped(answered)} of ${grouped(taken)}, by batch ${grouped(byBatch)} / live ${grouped(byLive)}${rest}`;
  return [['answered later', text]];
}

function callsOf({ answered, taken, refused, overBudget, held, failed, abandoned }: SendOutcome): number {
  return answered + taken + refused + overBudget + held + failed + abandoned;
}

/** Why the gateway counted more calls than were made: clients try again after 429 and 5xx. */
function sentAgain({ calls }: DemoBill, { sentAgain: again }: SendOutcome): string {
  return again === 0 ? '' : `; ${again} sent again (429, 5xx): ${grouped(calls)} requests`;
}

function budgetPart({ budgets, overBudget: { calls, users, costNanoUsd } }: DemoBill): string {
  const row = (label: string, cell: (line: BudgetLine) => string): readonly string[] => [label, ...budgets.map(cell)];
  const rows = [
    row('limit', ({ limitNanoUsd }) => dollars(limitNanoUsd)),
    row('accounts', ({ accounts }) => grouped(accounts)),
    row('used of the fullest', ({ fullest }) => dollars(fullest.usedNanoUsd)),
    row('share of its limit', ({ fullest, limitNanoUsd }) => percent(fullest.usedNanoUsd, limitNanoUsd)),
    row('ever above the limit', ({ accountsOverLimit }) =>
      accountsOverLimit === 0 ? 'none' : grouped(accountsOverLimit),
    ),
    row('refused: spent (402)', ({ refused }) => grouped(refused.spent)),
    row('refused: held (429)', ({ refused }) => grouped(refused.held)),
    row('used, by the counters', ({ usedNanoUsd }) => exactDollars(usedNanoUsd)),
    row('used, by the ledger', ({ ledgerNanoUsd }) => exactDollars(ledgerNanoUsd)),
    row('difference', ({ differenceNanoUsd }) => exactDollars(differenceNanoUsd)),
  ];
  const table = plainTable(['THE BUDGETS (hard, 24 h)', ...budgets.map(({ name }) => name)], rows, {
    align: ['left', ...budgets.map(() => 'right' as const)],
  });
  if (calls === 0) return table;
  const who = `${grouped(users)} ${users === 1 ? 'user' : 'users'}`;
  return [
    table,
    `Refused before they were sent: ${grouped(calls)} calls of ${who}, which cost ${dollars(costNanoUsd)}.`,
    'The most that they could have cost did not fit into what was left.',
  ].join('\n');
}

function proofPart({ proof, estimates }: DemoBill): string {
  const rows = [
    ["the provider's invoice", exactDollars(proof.invoiceNanoUsd)],
    ['our ledger', exactDollars(proof.ledgerNanoUsd)],
    ['difference', exactDollars(proof.differenceNanoUsd)],
  ];
  const table = plainTable(['THE PROOF', 'USD'], rows, { align: ['left', 'right'] });
  if (proof.unstatedRequests === 0 && estimates.charges === 0) return table;
  return [
    table,
    `Beside it, streams that were cut, whose usage nobody was told: ${proof.unstatedRequests}`,
    `(invoiced ${dollars(proof.unstatedNanoUsd)}; in the ledger as ${estimates.charges} estimates of ${dollars(estimates.nanoUsd)}).`,
  ].join('\n');
}

function latency({ p50Ms, p95Ms }: LatencyLine): string {
  return `p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms`;
}

function dollars(amount: bigint): string {
  return `$${shortUsd(amount)}`;
}

function exactDollars(amount: bigint): string {
  const [dollarText = '0', decimals = ''] = formatUsd(amount).split('.');
  return `$${dollarText}.${decimals.padEnd(9, '0')}`;
}

/** Rounded half up to a tenth of a percent. */
function percent(part: bigint, total: bigint): string {
  return total === 0n ? '-' : `${(Number((2000n * part + total) / (2n * total)) / 10).toFixed(1)} %`;
}
