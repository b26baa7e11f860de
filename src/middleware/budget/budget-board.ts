import { accountId, type Budget, budgetDefinition, scopeValue, type SpendingFacts } from '../../core/budget/budget.ts';
import { BudgetDesk } from './budget-desk.ts';

/** Desks that one call of `forget` looks at, so that a hundred thousand do not hold up the event loop. */
const FORGET_DESKS = 500;

interface Row {
  readonly budget: Budget;
  readonly definition: string;
  readonly desks: Map<string, BudgetDesk>;
}

/** The desks of all budgets, by what each of them counts apart. Always in one order: that of the definitions. @internal */
export class BudgetBoard {
  #rows: Row[] = [];
  /** Desks that may have something to do. */
  readonly #busy = new Set<BudgetDesk>();
  #round: IterableIterator<readonly [Row, string, BudgetDesk]> | undefined;

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
      for (const desk of desks.values()) desk.rule(budget);
      return { budget, definition, desks };
    });
    this.#rows = rows.toSorted((left, right) => (left.definition < right.definition ? -1 : 1));
    this.#round = undefined;
    this.#busy.clear();
    for (const desk of this.desks()) if (!desk.isIdle) this.#busy.add(desk);
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

  /** Something happened at a desk: it is looked at until it is idle again. */
  touch(desk: BudgetDesk): void {
    this.#busy.add(desk);
  }

  /** Desks that may have something to do; of a hundred thousand users that are known a few hundred call in one second. */
  busy(): IterableIterator<BudgetDesk> {
    return this.#busy.values();
  }

  /** A desk that is idle need not be looked at. */
  rest(desk: BudgetDesk): void {
    this.#busy.delete(desk);
  }

  /** A desk that has had its turn comes after all others. */
  toEnd(desk: BudgetDesk): void {
    this.#busy.delete(desk);
    this.#busy.add(desk);
  }

  /** Goes on with a round through all desks and drops those at which nothing is held or waited for; some with each call. */
  forget(mayForget: (desk: BudgetDesk) => boolean): void {
    this.#round ??= this.#places();
    for (let count = 0; count < FORGET_DESKS; count += 1) {
      const next = this.#round.next();
      if (next.done === true) {
        this.#round = undefined;
        return;
      }
      const [row, value, desk] = next.value;
      if (mayForget(desk)) {
        row.desks.delete(value);
        this.#busy.delete(desk);
      }
    }
  }

  *#places(): IterableIterator<readonly [Row, string, BudgetDesk]> {
    for (const row of this.#rows) for (const [value, desk] of row.desks) yield [row, value, desk];
  }
}
