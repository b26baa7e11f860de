import type { BudgetScope, BudgetWindow } from './budget.ts';

/** As tags come with calls: lower case, no commas or spaces. */
const TAG_NAME = /^[a-z][a-z0-9_.-]{0,127}$/;

const MAX_NAME = 128;
const MAX_RATIO = 10;

/** Whether a text may be the name of a budget: 1 to 128 characters, none of them `|`, a control or half a character. @public */
export function isBudgetName(text: string): boolean {
  return text.length > 0 && text.length <= MAX_NAME && !/[|\p{Cc}\p{Cs}]/u.test(text);
}

/** Reads `all`, `project`, `project:web`, `key`, `model:openai/gpt-5.5`, `tag:user`; undefined for anything else. @public */
export function readScope(text: string): BudgetScope | undefined {
  if (text === 'all') return { kind: 'all' };
  const [, kind, name] = /^(project|key|model|tag)(?::([^\p{Cc}\p{Cs}]{1,256}))?$/u.exec(text) ?? [];
  if (kind === 'tag') return name !== undefined && TAG_NAME.test(name) ? { kind, name } : undefined;
  if (kind === 'model' && name !== undefined && !/^[^/]+\/./.test(name)) return undefined;
  return kind === 'project' || kind === 'key' || kind === 'model' ? { kind, name } : undefined;
}

/** The canonical name of a time zone; undefined when it is not known. @public */
export function readTimezone(text: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return undefined; // RangeError is how Intl says that it does not know the zone.
  }
}

/** Reads the share of a limit at which an alert goes out: above 0, at most 10; undefined for anything else. @public */
export function readAlertRatio(text: string): number | undefined {
  const value = /^(?:\d|10)(?:\.\d{1,12})?$/.test(text) ? Number(text) : 0;
  return value > 0 && value <= MAX_RATIO ? value : undefined;
}

/** Longest first; days from two on, since `24h` is what people write for one. */
const UNITS: readonly (readonly [unit: string, lengthMs: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];

/** A window in the words of the configuration: `day`, `total`, `{ rolling: '24h' }`. @public */
export function windowWords(window: BudgetWindow): string | { readonly rolling: string } {
  if (window.kind === 'total') return 'total';
  if (window.kind === 'calendar') return window.unit;
  const { lengthMs } = window;
  const [unit, unitMs] = UNITS.find(
    ([each, length]) => lengthMs % length === 0 && (each !== 'd' || lengthMs > length),
  ) ?? ['ms', 1];
  return { rolling: `${lengthMs / unitMs}${unit}` };
}
