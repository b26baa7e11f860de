import { accountId, type Budget, budgetDefinition, scopeValue, type SpendingFacts } from '../../core/budget/budget.ts';
import { BudgetDesk } from './budget-desk.ts';

interface Row {
  budget: Budget;
  readonly definition: string;
  readonly desks: Map<string, BudgetDesk>;
}

/** The desks of all budgets, by what each of them counts apart. Always in one order: that of the definitions. @internal */
export class BudgetBoard {
  #rows: Row[] = [];

  constructor(budgets: readonly Budget[]) {
    this.setBudgets(budgets);
  }

  get budgets(): readonly Budget[] {
    return this.#rows.map(({ budget }) => budget);
  }

  get definitions(): readonly string[] {
    return this.#rows.map(({ definition }) => definition);
  }

  /** Takes other budgets. Desks of definitions that stay are kept, under the new limits. True when there are definitions that were not there. */
  setBudgets(budgets: readonly Budget[]): boolean {
    const before = new Map(this.#rows.map((row) => [row.definition, row]));
    const rows = budgets.map((budget): Row => {
      const definition = budgetDefinition(budget);
      const desks = before.get(definition)?.desks ?? new Map<string, BudgetDesk>();
      for (const desk of desks.values()) desk.budget = budget;
      return { budget, definition, desks };
    });
    this.#rows = rows.toSorted((left, right) => (left.definition < right.definition ? -1 : 1));
    return rows.some(({ definition }) => !before.has(definition));
  }

  /** The desks that count a call or a charge. */
  desksOf(facts: SpendingFacts): readonly BudgetDesk[] {
    const desks: BudgetDesk[] = [];
    for (const row of this.#rows) {
      const value = scopeValue(row.budget.scope, facts);
      if (value === undefined) continue;
      let desk = row.desks.get(value);
      if (desk === undefined) {
        desk = new BudgetDesk(accountId(row.definition, value), row.budget);
        row.desks.set(value, desk);
      }
      desks.push(desk);
    }
    return desks;
  }

  *desks(): IterableIterator<BudgetDesk> {
    for (const row of this.#rows) yield* row.desks.values();
  }

  /** Drops desks at which nothing is held or waited for. */
  forget(mayForget: (desk: BudgetDesk) => boolean): void {
    for (const row of this.#rows) {
      for (const [value, desk] of row.desks) if (mayForget(desk)) row.desks.delete(value);
    }
  }
}
