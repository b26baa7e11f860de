import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { BudgetAlert } from '../core/budget/budget-alert.ts';
import { type Budgets, openBudgets } from '../engine/budgets/open-budgets.ts';
import { AlertDelivery } from '../jobs/alert-delivery.ts';
import type { Clock, Random } from '../ports/clock.ts';
import { BudgetWatch } from './budget-watch.ts';
import type { OpenedBudgets } from './gateway-context.ts';
import { gatewayEvents } from './gateway-events.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { GatewayStores } from './gateway-stores.ts';

/** What {@link GatewayBudgets} is made of. @internal */
export interface GatewayBudgetsOptions {
  readonly config: Config;
  readonly stores: GatewayStores;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * The budgets of a gateway's process: those of the configuration and those that were set at run time, what they are counted with, and where their
 * alerts go. One for all engines that reloads make.
 * @internal
 */
export class GatewayBudgets {
  readonly budgets: Budgets;
  /** For those who see and change budgets. */
  readonly opened: OpenedBudgets;
  readonly #watch: BudgetWatch;
  readonly #alerts: AlertDelivery;

  private constructor(budgets: Budgets, watch: BudgetWatch, alerts: AlertDelivery, { stores }: GatewayBudgetsOptions) {
    this.budgets = budgets;
    this.opened = { store: stores.budgets, book: stores.control, watch };
    this.#watch = watch;
    this.#alerts = alerts;
  }

  /** @throws FarthingError `store-unavailable` when nobody can say which budgets there are. */
  static async open(options: GatewayBudgetsOptions): Promise<GatewayBudgets> {
    const { config, stores, metrics, log, clock, random } = options;
    const plainEvents = gatewayEvents(metrics, log, undefined);
    const alerts = new AlertDelivery({ webhook: config.alerts.webhook, clock, random, events: plainEvents });
    const events = gatewayEvents(metrics, log, undefined, (alert: BudgetAlert) => alerts.deliver(alert));
    let opened: Budgets | undefined;
    const watch = await BudgetWatch.start({
      book: stores.control,
      configured: config.budgets,
      onBudgets: (budgets) => {
        metrics.setBudgets(budgets);
        opened?.setBudgets(budgets);
      },
      onFault: (operation, error) => plainEvents.emit({ kind: 'store-failed', store: 'budgets', operation, error }),
    });
    metrics.setBudgets(watch.budgets);
    opened = await openBudgets({
      store: stores.budgets,
      ledger: stores.ledger,
      book: stores.control,
      budgets: watch.budgets,
      maxAccounts: config.limits.maxTagValues,
      clock,
      random,
      events,
    });
    // What changed while the counters were opened.
    opened.setBudgets(watch.budgets);
    return new GatewayBudgets(opened, watch, alerts, options);
  }

  /** Takes the budgets and the webhook of another configuration. */
  reconfigure({ budgets, alerts }: Config): void {
    this.#watch.setConfigured(budgets);
    this.#alerts.setWebhook(alerts.webhook);
  }

  /** Reports what was spent, gives slices back and stops. */
  async close(): Promise<void> {
    await this.#watch.close();
    await this.budgets.close();
    await this.#alerts.close();
  }
}
