import { isDeepStrictEqual } from 'node:util';
import type { Budget } from '../core/budget/budget.ts';
import { type EffectiveBudget, effectiveBudgets } from '../core/budget/effective-budgets.ts';
import type { BudgetBook } from '../ports/control-store.ts';

/** What {@link BudgetWatch} is made of. @internal */
export interface BudgetWatchOptions {
  readonly book: Pick<BudgetBook, 'budgets' | 'budgetsVersion'>;
  /** Budgets of the configuration. */
  readonly configured: readonly Budget[];
  /** Told of the budgets that hold from now on, each time they are others than before. */
  readonly onBudgets: (budgets: readonly Budget[]) => void;
  /** Told of every failed operation. */
  readonly onFault: (operation: string, error: unknown) => void;
}

/** A change must reach every process within 1 s; a quarter of it leaves room for a slow store. */
const POLL_MS = 250;

/**
 * Keeps the budgets that hold: what is set by any process, all have within a second. While the book cannot be read the last ones stand.
 * @internal
 */
export class BudgetWatch {
  readonly #options: BudgetWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #configured: readonly Budget[];
  #stored: readonly Budget[] = [];
  #version = Number.NaN;
  #current: readonly EffectiveBudget[] = [];
  #polling: Promise<void> | undefined;

  private constructor(options: BudgetWatchOptions) {
    this.#options = options;
    this.#configured = options.configured;
  }

  /**
   * Reads the stored budgets and begins to watch. `onBudgets` is not told of the first ones: they are in {@link BudgetWatch.current}.
   * @throws what the book throws: a process that does not know a limit must not begin to spend.
   */
  static async start(options: BudgetWatchOptions): Promise<BudgetWatch> {
    const watch = new BudgetWatch(options);
    await watch.#read();
    watch.#current = effectiveBudgets(watch.#configured, watch.#stored);
    watch.#timer = setInterval(() => void watch.#poll(), POLL_MS).unref();
    return watch;
  }

  /** The budgets that hold, and who set them. */
  get current(): readonly EffectiveBudget[] {
    return this.#current;
  }

  /** The same without who set them. */
  get budgets(): readonly Budget[] {
    return this.#current.map(({ budget }) => budget);
  }

  /** Takes the budgets of another configuration. */
  setConfigured(configured: readonly Budget[]): void {
    this.#configured = configured;
    this.#apply();
  }

  /** Reads the stored budgets at once, so that this process has what it just wrote. @throws what the book throws */
  async refresh(): Promise<void> {
    await this.#polling;
    await this.#read();
    this.#apply();
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#polling;
  }

  #poll(): Promise<void> {
    this.#polling ??= this.#look()
      .catch((error: unknown) => this.#options.onFault('watch', error))
      .finally(() => {
        this.#polling = undefined;
      });
    return this.#polling;
  }

  async #look(): Promise<void> {
    if ((await this.#options.book.budgetsVersion()) === this.#version) return;
    await this.#read();
    this.#apply();
  }

  /** The version first: what changes while the budgets are read is then read again. */
  async #read(): Promise<void> {
    const version = await this.#options.book.budgetsVersion();
    this.#stored = await this.#options.book.budgets();
    this.#version = version;
  }

  #apply(): void {
    const before = this.budgets;
    this.#current = effectiveBudgets(this.#configured, this.#stored);
    const after = this.budgets;
    if (!isDeepStrictEqual(before, after)) this.#options.onBudgets(after);
  }
}
