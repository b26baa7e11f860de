import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';
import type { AccountFigures } from '../core/budget/account-figures.ts';
import { type BudgetChange, changedBudget } from '../core/budget/budget-change.ts';
import { type Budget, type BudgetWindow, scopeText, windowText } from '../core/budget/budget.ts';
import { isBudgetName, readAlertRatio, readScope, readTimezone, windowWords } from '../core/budget/budget-text.ts';
import { type EffectiveBudget, effectiveBudgets } from '../core/budget/effective-budgets.ts';
import { FarthingError } from '../core/errors.ts';
import { formatUsd, type NanoUsd, parseUsd } from '../core/money.ts';
import { accountJson, budgetJson, type ListedBudget, listBudgets } from '../engine/budgets/list-budgets.ts';
import { resetBudget } from '../engine/budgets/reset-budget.ts';
import { systemClock, systemRandom } from '../engine/system-ports.ts';
import { registerExplain } from './budget-explanation.ts';
import { type BudgetStorage, commandSettings, openBudgetStorage } from './command-storage.ts';
import { addDataOptions, type DataOptions } from './data-folder.ts';
import { plainTable } from './plain-table.ts';
import { shortUsd } from './short-usd.ts';

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

interface ListOptions extends JsonOptions {
  readonly name?: string;
  readonly accounts: number;
}

interface SetOptions extends JsonOptions {
  readonly limit?: NanoUsd;
  readonly scope?: Budget['scope'];
  readonly window?: BudgetWindow;
  readonly timezone?: string;
  readonly mode?: Budget['mode'];
  readonly alert?: readonly number[];
  readonly onLow?: Budget['onLowBudget'];
}

interface ResetOptions extends JsonOptions {
  readonly value?: string;
}

/** Columns of amounts. */
const AMOUNTS: ReadonlySet<string> = new Set(['limit', 'used', 'held', 'left']);

const DEFAULT_ACCOUNTS = 20;
const CALENDAR_UNITS = ['hour', 'day', 'week', 'month'] as const;

/** Adds `farthing budgets list|set|remove|reset|explain`. @internal */
export function registerBudgets(program: Command): void {
  const group = program
    .command('budgets')
    .description('List, set, reset and explain budgets; running gateways take note within a second');
  options(group.command('list').description('Print all budgets and what was used of them'))
    .option('--name <name>', 'one budget only')
    .option('--accounts <count>', 'at most so many accounts of each, highest use first', parseCount, DEFAULT_ACCOUNTS)
    .action(listCommand);
  options(group.command('set').description('Create a budget or change one; what was used is kept'))
    .argument('<name>', 'its name', parseName)
    .option('--limit <usd>', 'how much may be spent in the window', parseLimit)
    .option('--scope <scope>', 'all, project, project:web, key, model, model:openai/gpt-5.5 or tag:user', parseScope)
    .option('--window <window>', 'hour, day, week, month, total, or a length for a rolling one: 24h', parseWindow)
    .option('--timezone <zone>', 'where the day begins: Europe/Berlin', parseTimezone)
    .option('--mode <mode>', 'hard refuses, soft only tells', oneOf('hard', 'soft'))
    .option('--alert <list>', 'shares of the limit at which an alert goes out: 0.5,0.8; none for none', parseAlerts)
    .option('--on-low <what>', 'refuse a call that does not fit, or lower its output limit', oneOf('lower', 'refuse'))
    .action(setCommand);
  options(
    group.command('remove').description('Take a budget away that was set; what the configuration says holds again'),
  )
    .argument('<name>', 'its name')
    .action(removeCommand);
  options(group.command('reset').description('Count what was used in the window no more; the ledger stays as it is'))
    .argument('<name>', 'its name')
    .option('--value <value>', 'whose account: a project, key, model or tag value')
    .action(resetCommand);
  registerExplain(group);
}

function options(command: Command): Command {
  return addDataOptions(command).option('--json', 'print JSON');
}

function required<Value>(value: Value | undefined, expected: string): Value {
  if (value === undefined) throw new InvalidArgumentError(expected);
  return value;
}

function parseName(text: string): string {
  return required(isBudgetName(text) ? text : undefined, 'Write 1 to 128 characters, none of them "|".');
}

function parseScope(text: string): Budget['scope'] {
  return required(
    readScope(text),
    'Write all, project, project:NAME, key, key:ID, model, model:PROVIDER/MODEL or tag:NAME.',
  );
}

function parseTimezone(text: string): string {
  return required(readTimezone(text), 'Write UTC or Europe/Berlin.');
}

function parseWindow(text: string): BudgetWindow {
  if (text === 'total') return { kind: 'total' };
  const unit = CALENDAR_UNITS.find((each) => each === text);
  if (unit !== undefined) return { kind: 'calendar', unit };
  const lengthMs = parseDuration(text) ?? 0;
  if (lengthMs <= 0) throw new InvalidArgumentError('Write hour, day, week, month, total, or a length: 24h.');
  return { kind: 'rolling', lengthMs };
}

function parseAlerts(text: string): readonly number[] {
  if (text === 'none') return [];
  return text
    .split(',')
    .map((item) => required(readAlertRatio(item.trim()), 'Write shares of the limit above 0 and up to 10: 0.5,0.8.'));
}

function parseCount(text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('Write a whole number from 1.');
  return count;
}

function parseLimit(text: string): NanoUsd {
  try {
    const limit = parseUsd(text);
    if (limit >= 0) return limit;
  } catch {
    // RangeError is how money says that the text is no amount; said below.
  }
  throw new InvalidArgumentError('Write an amount in dollars: 50 or 0.05.');
}

function oneOf<const Word extends string>(...words: readonly Word[]): (text: string) => Word {
  return (text) =>
    required(
      words.find((word) => word === text),
      `Write ${words.join(' or ')}.`,
    );
}

interface OpenedBudgets extends BudgetStorage {
  readonly effective: readonly EffectiveBudget[];
}

async function withBudgets(dataOptions: DataOptions, work: (opened: OpenedBudgets) => Promise<void>): Promise<void> {
  const { config, storage } = await commandSettings(dataOptions);
  const opened = await openBudgetStorage(storage);
  try {
    await work({ ...opened, effective: effectiveBudgets(config.budgets, await opened.book.budgets()) });
  } finally {
    await opened.close();
  }
}

function budgetNamed(effective: readonly EffectiveBudget[], name: string): EffectiveBudget {
  const found = effective.find(({ budget }) => budget.name === name);
  if (found === undefined) throw new FarthingError('not-found', `no budget "${name}": see \`farthing budgets list\``);
  return found;
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}

async function listCommand({ name, accounts: limit, json, ...data }: ListOptions): Promise<void> {
  await withBudgets(data, async ({ effective, store }) => {
    const wanted = name === undefined ? effective : [budgetNamed(effective, name)];
    const listed = await listBudgets(wanted, store, { nowMs: systemClock.nowMs(), limit });
    if (json === true) return printJson({ budgets: listed.map(listedJson) });
    return console.log(
      listed.length === 0
        ? 'No budgets: farthing budgets set team --scope all --limit 50 --window day'
        : tableOf(listed),
    );
  });
}

function listedJson({ figures, origin }: ListedBudget): object {
  const { budget, accountCount, accounts } = figures;
  return { ...budgetJson(budget, origin), accountCount, accounts: accounts.map(accountJson) };
}

function tableOf(listed: readonly ListedBudget[]): string {
  const headers = ['budget', 'from', 'scope', 'window', 'mode', 'limit', 'account', 'used', 'held', 'left', 'resets'];
  const rows = listed.flatMap(({ figures: { budget, accounts }, origin }) => {
    const own = [
      budget.name,
      origin,
      scopeText(budget.scope),
      windowLabel(budget),
      budget.mode,
      shortUsd(budget.limitNanoUsd),
    ];
    if (accounts.length === 0) return [[...own, '(none yet)']];
    return accounts.map((account, index) => [...(index === 0 ? own : own.map(() => '')), ...accountCells(account)]);
  });
  const align = headers.map((header) => (AMOUNTS.has(header) ? 'right' : 'left'));
  const more = listed
    .filter(({ figures }) => figures.accountCount > figures.accounts.length)
    .map(
      ({ figures: { budget, accountCount, accounts } }) =>
        `${accountCount - accounts.length} more of ${budget.name}: --accounts`,
    );
  return [plainTable(headers, rows, { align }), ...more].join('\n');
}

function windowLabel({ window, timezone }: Budget): string {
  const words = windowWords(window);
  if (typeof words !== 'string') return `rolling ${words.rolling}`;
  return window.kind === 'calendar' && timezone !== 'UTC' ? `${words} (${timezone})` : windowText(window);
}

function accountCells(account: AccountFigures): readonly string[] {
  const { value, usedNanoUsd, heldNanoUsd, leftNanoUsd, resetsAtMs } = account;
  const resets = resetsAtMs === undefined ? '' : new Date(resetsAtMs).toISOString().slice(0, 16);
  return [value, ...[usedNanoUsd, heldNanoUsd, leftNanoUsd].map(shortUsd), resets];
}

async function setCommand(name: string, given: SetOptions): Promise<void> {
  await withBudgets(given, async ({ effective, book }) => {
    const before = effective.find(({ budget }) => budget.name === name)?.budget;
    const budget = changedBudget(name, before, changeOf(given));
    await book.putBudget(budget);
    if (given.json === true) return printJson(budgetJson(budget, 'stored'));
    const { scope, limitNanoUsd, mode } = budget;
    return console.log(
      `${name}: ${mode}, $${formatUsd(limitNanoUsd)} for ${scopeText(scope)}, ${windowLabel(budget)}.`,
    );
  });
}

function changeOf({ limit, scope, window, timezone, mode, alert, onLow }: SetOptions): BudgetChange {
  return {
    ...(limit === undefined ? {} : { limitNanoUsd: limit }),
    ...(scope === undefined ? {} : { scope }),
    ...(window === undefined ? {} : { window }),
    ...(timezone === undefined ? {} : { timezone }),
    ...(mode === undefined ? {} : { mode }),
    ...(alert === undefined ? {} : { alertAtRatios: alert }),
    ...(onLow === undefined ? {} : { onLowBudget: onLow }),
  };
}

async function removeCommand(name: string, given: JsonOptions): Promise<void> {
  await withBudgets(given, async ({ effective, book }) => {
    const { origin } = budgetNamed(effective, name);
    if (origin === 'configuration') {
      throw new FarthingError('invalid-request', `"${name}" stands in the configuration: remove it there`);
    }
    const isRemoved = await book.removeBudget(name);
    if (given.json === true) return printJson({ removed: isRemoved });
    return console.log(`${name} is removed; what the configuration says of it holds again.`);
  });
}

async function resetCommand(name: string, given: ResetOptions): Promise<void> {
  await withBudgets(given, async ({ effective, book, store }) => {
    const { budget } = budgetNamed(effective, name);
    const { clearedNanoUsd } = await resetBudget(
      { store, book, clock: systemClock, random: systemRandom },
      budget,
      given.value,
    );
    if (given.json === true) return printJson({ clearedUsd: formatUsd(clearedNanoUsd) });
    const whose = given.value === undefined ? name : `${name} of ${given.value}`;
    return console.log(`${whose} is reset: $${formatUsd(clearedNanoUsd)} counts no more.`);
  });
}
