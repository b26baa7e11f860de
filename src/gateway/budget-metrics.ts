import { Counter, Gauge, type Registry } from 'prom-client';
import type { Budget } from '../core/budget/budget.ts';
import type { EngineEvent } from '../ports/event-sink.ts';

const NANO_PER_USD = 1e9;

/** Figures of budgets. Names of budgets are the operator's, and few; values of tags are never labels. @internal */
export class BudgetMetrics {
  readonly #alerts: Counter<'budget' | 'ratio'>;
  readonly #refusals: Counter<'budget' | 'reason'>;
  readonly #overruns: Counter;
  readonly #limit: Gauge<'budget'>;

  constructor(registers: Registry[]) {
    this.#alerts = new Counter({
      name: 'farthing_budget_alerts_total',
      help: "Times that spending crossed a share of a budget's limit.",
      labelNames: ['budget', 'ratio'],
      registers,
    });
    this.#refusals = new Counter({
      name: 'farthing_budget_refusals_total',
      help: 'Calls that a budget refused: spent, held by others, full of values, or its store failed.',
      labelNames: ['budget', 'reason'],
      registers,
    });
    this.#overruns = new Counter({
      name: 'farthing_budget_overruns_total',
      help: 'Bills above the bound that was reserved for them: alarm on any.',
      registers,
    });
    this.#limit = new Gauge({
      name: 'farthing_budget_limit_usd',
      help: 'The limit of a budget, in dollars.',
      labelNames: ['budget'],
      // Every worker has the same limits: their sum would be wrong.
      aggregator: 'max',
      registers,
    });
  }

  /** The budgets that hold from now on. */
  setBudgets(budgets: readonly Budget[]): void {
    this.#limit.reset();
    for (const { name, limitNanoUsd } of budgets) this.#limit.set({ budget: name }, limitNanoUsd / NANO_PER_USD);
  }

  emit(event: EngineEvent): void {
    if (event.kind === 'budget-alert') {
      this.#alerts.inc({ budget: event.alert.budget, ratio: String(event.alert.ratio) });
    } else if (event.kind === 'budget-refused') {
      this.#refusals.inc({ budget: event.budget, reason: event.reason });
    } else if (event.kind === 'budget-overrun') {
      this.#overruns.inc();
    }
  }
}
