import { type Budget, parseScope, parseWindow } from '../core/budget/budget.ts';
import { windowPosition } from '../core/budget/budget-window.ts';
import { FarthingError } from '../core/errors.ts';
import { parseUsd } from '../core/money.ts';

/** A budget of the library, in the words of the configuration file. @public */
export interface LibraryBudget {
  /** Unique among the budgets of an engine. */
  readonly name: string;
  /** How much may be spent in a window, as decimal dollars: `'12.50'`. */
  readonly limitUsd: string;
  /** `hour`, `day`, `week`, `month`, `total`, or the length of a rolling window in milliseconds. */
  readonly window: 'hour' | 'day' | 'week' | 'month' | 'total' | { readonly rollingMs: number };
  /**
   * Whose spending counts: `all`, `project`, `project:web`, `model:openai/gpt-5.5`, `tag:user` (one account for each user) ...
   * @defaultValue 'all'
   */
  readonly scope?: string;
  /** IANA name; decides where calendar windows begin. @defaultValue 'UTC' */
  readonly timezone?: string;
  /** `hard` refuses calls that do not fit, `soft` only counts and tells. @defaultValue 'hard' */
  readonly mode?: 'hard' | 'soft';
  /** Shares of the limit at which `onEvent` gets a `budget-alert`, once a window each. @defaultValue none */
  readonly alertAt?: readonly number[];
  /** Whether a call's output limit may be lowered to what is left. @defaultValue 'refuse' */
  readonly onLowBudget?: 'lower' | 'refuse';
}

/**
 * Reads a budget.
 * @throws FarthingError `configuration` that names the field at fault.
 * @internal
 */
export function readLibraryBudget(budget: LibraryBudget): Budget {
  const { name, window, scope = 'all', timezone = 'UTC', mode = 'hard', alertAt = [], onLowBudget = 'refuse' } = budget;
  const read = <Value>(field: string, work: () => Value): Value => {
    try {
      return work();
    } catch (error) {
      throw new FarthingError('configuration', `budget ${name}: ${field} cannot be read`, { cause: error });
    }
  };
  if (name === '' || name.includes('|')) throw new FarthingError('configuration', 'a budget needs a name without |');
  const windowText = typeof window === 'string' ? window : `rolling:${window.rollingMs}`;
  const parsed: Budget = {
    name,
    scope: read('scope', () => parseScope(scope)),
    limitNanoUsd: read('limitUsd', () => parseUsd(budget.limitUsd)),
    window: read('window', () => parseWindow(windowText)),
    timezone,
    mode,
    alertAtRatios: alertAt,
    onLowBudget,
  };
  if (parsed.limitNanoUsd < 0) throw new FarthingError('configuration', `budget ${name}: limitUsd is negative`);
  if (parsed.window.kind === 'rolling' && parsed.window.lengthMs < 60) {
    throw new FarthingError('configuration', `budget ${name}: a rolling window has at least 60 milliseconds`);
  }
  read('timezone', () => windowPosition(parsed.window, timezone, 0));
  return parsed;
}
