import { type Command, InvalidArgumentError } from 'commander';
import type { Config } from '../config/config.ts';
import { type BudgetForecast, forecastCall } from '../core/budget/budget-forecast.ts';
import type { AccountState } from '../core/budget/account-state.ts';
import { type AccountId, type Budget, scopeText } from '../core/budget/budget.ts';
import { effectiveBudgets } from '../core/budget/effective-budgets.ts';
import { isFarthingError } from '../core/errors.ts';
import { formatTarget } from '../core/model/target.ts';
import { formatUsd, type NanoUsd } from '../core/money.ts';
import { resolveRoute, type ResolvedRoute } from '../core/route/route-table.ts';
import { accountJson } from '../engine/budgets/list-budgets.ts';
import { type CallEstimate, callEstimate, type ImaginedCall, loweredOutput } from '../engine/budgets/call-estimate.ts';
import { systemClock } from '../engine/system-ports.ts';
import type { BudgetPolicy } from '../middleware/budget/budget.ts';
import type { Pricer } from '../ports/pricer.ts';
import { type CommandSettings, commandSettings, openBudgetStorage } from './command-storage.ts';
import { addDataOptions, type DataOptions } from './data-folder.ts';
import { plainTable } from './plain-table.ts';
import { shortUsd } from './short-usd.ts';

interface ExplainOptions extends DataOptions {
  readonly project: string;
  readonly key?: string;
  readonly tag?: Readonly<Record<string, string>>;
  readonly model?: string;
  readonly inputTokens?: number;
  readonly maxOutputTokens?: number;
  readonly json?: boolean;
}

/** Columns of amounts. */
const AMOUNTS: ReadonlySet<string> = new Set(['limit', 'used', 'held', 'left']);

/** What would become of the call. */
interface Outcome {
  readonly verdict: 'passes' | 'lowered' | 'waits' | 'refused' | 'unknown';
  readonly text: string;
}

/** Adds `farthing budgets explain`. @internal */
export function registerExplain(group: Command): void {
  addDataOptions(
    group
      .command('explain')
      .description('Which budgets count a call, what they have left, and what would become of it'),
  )
    .option('--project <name>', 'the project that pays', 'default')
    .option('--key <id>', 'the key, by its public id')
    .option('--tag <name=value>', 'a tag of the call; repeatable', parseTag)
    .option('--model <name>', 'the model that is asked for')
    .option('--input-tokens <count>', 'how much is sent', parseCount)
    .option('--max-output-tokens <count>', "the call's own output limit (default: it states none)", parseCount)
    .option('--json', 'print JSON')
    .action(explainCommand);
}

function parseTag(text: string, tags: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, name = '', value = ''] = /^([a-z][a-z0-9_.-]*)=(.+)$/s.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('Write name=value, the name in lower case.');
  return { ...tags, [name]: value };
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}

async function explainCommand(options: ExplainOptions): Promise<void> {
  const settings = await commandSettings(options);
  const { config } = settings;
  const opened = await openBudgetStorage(settings.storage);
  try {
    const effective = effectiveBudgets(config.budgets, await opened.book.budgets());
    const accounts = new Map<AccountId, AccountState>();
    for await (const [account, state] of opened.store.accounts()) accounts.set(account, state);
    const pricing = await pricingOf(settings, options);
    const { told, untold } = tellable(
      effective.map(({ budget }) => budget),
      options,
    );
    const estimate =
      pricing === undefined || pricing.call === undefined
        ? undefined
        : callEstimate(pricing.call, pricing.pricer, policyOf(config));
    const forecasts = forecastCall({
      budgets: told,
      facts: {
        project: options.project,
        keyId: options.key ?? '',
        tags: options.tag ?? {},
        target: pricing?.target ?? '',
      },
      accounts,
      maxAccounts: config.limits.maxTagValues,
      amount: estimate === undefined ? undefined : estimate.kind === 'priced' ? estimate.amountNanoUsd : 'unpriced',
      nowMs: systemClock.nowMs(),
    });
    const outcome = outcomeOf(forecasts, estimate, config, (left) => lowered(pricing, left, config));
    if (options.json === true)
      console.log(JSON.stringify(explanationJson(forecasts, untold, estimate, outcome), undefined, 2));
    else console.log(explanationText(forecasts, untold, estimate, outcome));
  } finally {
    await opened.close();
  }
}

interface Pricing {
  readonly target: string;
  readonly pricer: Pricer;
  /** Undefined where the size was not said. */
  readonly call: ImaginedCall | undefined;
}

async function pricingOf({ config, storage }: CommandSettings, options: ExplainOptions): Promise<Pricing | undefined> {
  if (options.model === undefined) return undefined;
  const [
    { routeTableOf },
    { bookPricer },
    { layerPriceBooks },
    { shippedPriceBook },
    { operatorPrices },
    { readPriceFeed },
  ] = await Promise.all([
    import('../gateway/build-engine.ts'),
    import('../engine/book-pricer.ts'),
    import('../core/price-book.ts'),
    import('../core/price-book-shipped.ts'),
    import('../core/price-operator.ts'),
    import('./price-feed-file.ts'),
  ]);
  const feed = storage.kind === 'folder' ? await readPriceFeed(storage.path) : undefined;
  const book = layerPriceBooks(shippedPriceBook(), feed, operatorPrices(config.prices));
  // Also of providers without a key: a budget can be planned before.
  const active = { ...config, providers: config.providers.map((provider) => ({ ...provider, isActive: true })) };
  const { targets } = routeOf(options.model, routeTableOf(active), options);
  return {
    target: formatTarget(targets[0]),
    pricer: bookPricer(book, new Map(config.providers.map(({ name, vendor }) => [name, vendor]))),
    call:
      options.inputTokens === undefined
        ? undefined
        : {
            targets,
            inputTokens: options.inputTokens,
            maxOutputTokens: options.maxOutputTokens,
            atMs: systemClock.nowMs(),
          },
  };
}

/** By whichever protocol the model is asked for. */
function routeOf(model: string, table: Parameters<typeof resolveRoute>[0], options: ExplainOptions): ResolvedRoute {
  const caller = { project: options.project, keyId: options.key ?? '' };
  try {
    return resolveRoute(table, model, 'openai', caller);
  } catch (error) {
    if (!isFarthingError(error) || error.code !== 'model-not-found') throw error;
    try {
      return resolveRoute(table, model, 'anthropic', caller);
    } catch {
      throw error; // the first answer says more
    }
  }
}

/** A budget of keys or models says nothing of a call whose key or model was not said. */
function tellable(
  budgets: readonly Budget[],
  { key, model }: ExplainOptions,
): { readonly told: readonly Budget[]; readonly untold: readonly string[] } {
  const isTold = ({ scope }: Budget): boolean =>
    !(scope.kind === 'key' && key === undefined) && !(scope.kind === 'model' && model === undefined);
  const untold = budgets.filter((budget) => !isTold(budget)).map(({ name, scope }) => `${name} (say --${scope.kind})`);
  return { told: budgets.filter(isTold), untold };
}

function policyOf({ limits }: Config): BudgetPolicy {
  const { budgetWaitMs, defaultMaxOutputTokens, toolAllowanceNanoUsd, unboundedCalls } = limits;
  return { waitMs: budgetWaitMs, defaultMaxOutputTokens, toolAllowanceNanoUsd, unboundedCalls };
}

function lowered(pricing: Pricing | undefined, left: NanoUsd, config: Config): number | undefined {
  return pricing?.call === undefined ? undefined : loweredOutput(pricing.call, left, pricing.pricer, policyOf(config));
}

function outcomeOf(
  forecasts: readonly BudgetForecast[],
  estimate: CallEstimate | undefined,
  config: Config,
  loweredTo: (left: NanoUsd) => number | undefined,
): Outcome {
  const hard = forecasts.filter(({ budget }) => budget.mode === 'hard');
  if (hard.length === 0) return { verdict: 'passes', text: 'It passes: no hard budget counts it.' };
  const first = (verdict: BudgetForecast['verdict']): BudgetForecast | undefined =>
    hard.find((each) => each.verdict === verdict);
  const [full, spent, held] = [first('full'), first('spent'), first('held')];
  if (estimate?.kind === 'unpriced') {
    return {
      verdict: 'refused',
      text: `It is refused (400): ${estimate.target} has no price or no known limits, and a hard budget counts it.`,
    };
  }
  if (full !== undefined) {
    return {
      verdict: 'refused',
      text: `It is refused (429): ${full.budget.name} counts limits.maxTagValues accounts already.`,
    };
  }
  if (estimate === undefined) {
    return { verdict: 'unknown', text: 'Say --model and --input-tokens to see whether such a call fits.' };
  }
  if (spent !== undefined) return spentOutcome(hard, spent, loweredTo, estimate.amountNanoUsd);
  if (held !== undefined) {
    const text = `It waits up to ${config.limits.budgetWaitMs} ms for what other calls hold of ${held.budget.name}, and is then refused (429).`;
    return { verdict: 'waits', text: `${text} What gateways hold without need they give back meanwhile.` };
  }
  return { verdict: 'passes', text: 'It passes.' };
}

function spentOutcome(
  hard: readonly BudgetForecast[],
  spent: BudgetForecast,
  loweredTo: (left: NanoUsd) => number | undefined,
  amountNanoUsd: NanoUsd,
): Outcome {
  const least = hard.reduce(
    (tightest, each) => (each.figures.leftNanoUsd < tightest.figures.leftNanoUsd ? each : tightest),
    spent,
  );
  const tokens = least.budget.onLowBudget === 'lower' ? loweredTo(least.figures.leftNanoUsd) : undefined;
  if (tokens !== undefined) {
    return {
      verdict: 'lowered',
      text: `It passes with its output limit lowered to ${tokens} tokens, which is what ${least.budget.name} has room for.`,
    };
  }
  const { name, limitNanoUsd } = spent.budget;
  if (amountNanoUsd > limitNanoUsd) {
    return {
      verdict: 'refused',
      text: `It is refused (402): ${name} is too small for it, its limit is $${formatUsd(limitNanoUsd)}. A lower output limit makes a call smaller.`,
    };
  }
  const { resetsAtMs } = spent.figures;
  const resets =
    resetsAtMs === undefined ? 'It does not reset by itself' : `It resets at ${new Date(resetsAtMs).toISOString()}`;
  return { verdict: 'refused', text: `It is refused (402): ${name} has not enough left. ${resets}.` };
}

function explanationJson(
  forecasts: readonly BudgetForecast[],
  untold: readonly string[],
  estimate: CallEstimate | undefined,
  { verdict, text }: Outcome,
): object {
  return {
    budgets: forecasts.map(({ budget, figures, verdict: says }) => ({
      name: budget.name,
      scope: scopeText(budget.scope),
      mode: budget.mode,
      limitUsd: formatUsd(budget.limitNanoUsd),
      ...accountJson(figures),
      says,
    })),
    notTold: untold,
    reservesUsd: estimate?.kind === 'priced' ? formatUsd(estimate.amountNanoUsd) : null,
    outputTokens: estimate?.kind === 'priced' ? estimate.outputTokens : null,
    verdict,
    why: text,
  };
}

function explanationText(
  forecasts: readonly BudgetForecast[],
  untold: readonly string[],
  estimate: CallEstimate | undefined,
  outcome: Outcome,
): string {
  const headers = ['budget', 'scope', 'account', 'mode', 'limit', 'used', 'held', 'left', 'says'];
  const rows = forecasts.map(({ budget, figures, verdict }) => [
    budget.name,
    scopeText(budget.scope),
    figures.value,
    budget.mode,
    shortUsd(budget.limitNanoUsd),
    shortUsd(figures.usedNanoUsd),
    shortUsd(figures.heldNanoUsd),
    shortUsd(figures.leftNanoUsd),
    verdict,
  ]);
  const align = headers.map((header) => (AMOUNTS.has(header) ? 'right' : 'left'));
  const table = rows.length === 0 ? 'No budget counts such a call.' : plainTable(headers, rows, { align });
  const reserves =
    estimate?.kind === 'priced'
      ? [
          `A call of that size reserves $${formatUsd(estimate.amountNanoUsd)} (up to ${estimate.outputTokens} output tokens).`,
        ]
      : [];
  return [table, ...untold.map((name) => `Not told: ${name}`), ...reserves, outcome.text].join('\n');
}
