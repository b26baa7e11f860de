import type { NanoUsd } from '../money.ts';

/** A calendar window in the budget's time zone, a rolling one, or no window at all. @public */
export type BudgetWindow =
  | { readonly kind: 'calendar'; readonly unit: 'hour' | 'day' | 'week' | 'month' }
  | { readonly kind: 'rolling'; readonly lengthMs: number }
  | { readonly kind: 'total' };

/**
 * Whose spending a budget counts: everything, one or each project, key or model, or each value of a tag.
 * A `name` left undefined makes one account for each project (key, model) that spends. Models are named as targets: `provider/model`.
 * @public
 */
export type BudgetScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'project' | 'key' | 'model'; readonly name: string | undefined }
  | { readonly kind: 'tag'; readonly name: string };

/** A limit on what may be spent in a window. @public */
export interface Budget {
  /** Unique among the budgets of an engine. */
  readonly name: string;
  readonly scope: BudgetScope;
  readonly limitNanoUsd: NanoUsd;
  readonly window: BudgetWindow;
  /** IANA name; decides where calendar windows begin. */
  readonly timezone: string;
  /** `hard` refuses calls that do not fit; `soft` only counts and tells. */
  readonly mode: 'hard' | 'soft';
  /** Shares of the limit, above 0, at which an alert goes out, once a window each; a soft budget always tells at 1 as well. */
  readonly alertAtRatios: readonly number[];
  /** What becomes of a call whose own output limit does not fit any more: refused, or sent with a lower limit. */
  readonly onLowBudget: 'lower' | 'refuse';
}

/**
 * One counter: a budget and the project, key, model or tag value that it counts. Text without blanks, see `accountId`.
 * @public
 */
export type AccountId = string & { readonly __brand: 'AccountId' };

/** What decides which accounts an amount of money belongs to. @public */
export interface SpendingFacts {
  readonly project: string;
  readonly keyId: string;
  readonly tags: Readonly<Record<string, string>>;
  /** `provider/model`. */
  readonly target: string;
}

/**
 * What a budget's counters depend on: its name, scope, window and time zone. Limit, mode and alerts are not part of it, so that changing
 * them keeps the usage; another scope or window is another definition, whose counters are built from the ledger.
 * @public
 */
export function budgetDefinition(budget: Pick<Budget, 'name' | 'scope' | 'window' | 'timezone'>): string {
  return [budget.name, scopeText(budget.scope), windowText(budget.window), budget.timezone]
    .map(encodeURIComponent)
    .join('|');
}

/** The scope in the words of the configuration: `all`, `project`, `project:web`, `tag:user`. @public */
export function scopeText(scope: BudgetScope): string {
  if (scope.kind === 'all') return 'all';
  return scope.name === undefined ? scope.kind : `${scope.kind}:${scope.name}`;
}

/** The window as text: `day`, `total`, `rolling:86400000` (milliseconds). @public */
export function windowText(window: BudgetWindow): string {
  if (window.kind === 'total') return 'total';
  return window.kind === 'calendar' ? window.unit : `rolling:${window.lengthMs}`;
}

/** The name that a budget counts these facts under; undefined when it does not count them at all. @public */
export function scopeValue(scope: BudgetScope, facts: SpendingFacts): string | undefined {
  switch (scope.kind) {
    case 'all':
      return '';
    case 'project':
      return named(scope.name, facts.project);
    case 'key':
      return named(scope.name, facts.keyId);
    case 'model':
      return named(scope.name, facts.target);
    case 'tag':
      return facts.tags[scope.name];
  }
}

/** Whether a budget counts nobody but one caller's own project or key, so that what is left of it tells nothing of others. @public */
export function isOwn({ kind }: BudgetScope): boolean {
  return kind === 'project' || kind === 'key';
}

function named(wanted: string | undefined, actual: string): string | undefined {
  return wanted === undefined || wanted === actual ? actual : undefined;
}

/** The account of a definition for one value of its scope. @public */
export function accountId(definition: string, value: string): AccountId {
  return `${definition}|${encodeURIComponent(value)}` as AccountId;
}

/** Definition and scope value of an account. @public */
export function accountParts(id: AccountId): { readonly definition: string; readonly value: string } {
  const bar = id.lastIndexOf('|');
  return { definition: id.slice(0, bar), value: decodeURIComponent(id.slice(bar + 1)) };
}

/** Scope and window of a definition. @throws RangeError for text that is none. @public */
export function parseDefinition(definition: string): Pick<Budget, 'name' | 'scope' | 'window' | 'timezone'> {
  const [name, scope, window, timezone] = definition.split('|').map(decodeURIComponent);
  if (name === undefined || scope === undefined || window === undefined || timezone === undefined) {
    throw new RangeError('not the definition of a budget');
  }
  return { name, scope: parseScope(scope), window: parseWindow(window), timezone };
}

/** Reads what {@link scopeText} writes. @throws RangeError @public */
export function parseScope(text: string): BudgetScope {
  if (text === 'all') return { kind: 'all' };
  const colon = text.indexOf(':');
  const kind = colon === -1 ? text : text.slice(0, colon);
  const name = colon === -1 ? undefined : text.slice(colon + 1);
  if (kind === 'project' || kind === 'key' || kind === 'model') return { kind, name };
  if (kind === 'tag' && name !== undefined && name !== '') return { kind, name };
  throw new RangeError(`not a scope: ${text}`);
}

/** Reads what {@link windowText} writes. @throws RangeError @public */
export function parseWindow(text: string): BudgetWindow {
  if (text === 'total') return { kind: 'total' };
  if (text === 'hour' || text === 'day' || text === 'week' || text === 'month') return { kind: 'calendar', unit: text };
  const lengthMs = /^rolling:(\d{1,15})$/.exec(text)?.[1];
  if (lengthMs === undefined) throw new RangeError(`not a window: ${text}`);
  return { kind: 'rolling', lengthMs: Number(lengthMs) };
}

/** The shares of the limit at which a budget tells: those it states, and for a soft one always the limit itself, since it does nothing else. @public */
export function alertRatios({ mode, alertAtRatios }: Pick<Budget, 'mode' | 'alertAtRatios'>): readonly number[] {
  return mode === 'hard' || alertAtRatios.includes(1) ? alertAtRatios : [...alertAtRatios, 1];
}

/** For how long owners that were folded are remembered at least, and accounts with them, in milliseconds. */
const LEAST_KEPT_MS = 8 * 24 * 3_600_000;
const LONGEST_MONTH_MS = 31 * 24 * 3_600_000;

/** {@link accountLifeMs} of an account that is known by its id alone. @internal */
export function lifeOfAccountMs(account: AccountId): number | undefined {
  return accountLifeMs(parseDefinition(accountParts(account).definition).window);
}

/** For how long an account must be kept on which nothing happens, in milliseconds; undefined: for ever. @public */
export function accountLifeMs(window: BudgetWindow): number | undefined {
  switch (window.kind) {
    case 'total':
      return undefined;
    case 'rolling':
      return Math.max(LEAST_KEPT_MS, 2 * window.lengthMs);
    case 'calendar':
      return window.unit === 'month' ? LEAST_KEPT_MS + LONGEST_MONTH_MS : 2 * LEAST_KEPT_MS;
  }
}
