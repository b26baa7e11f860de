import { type GuardPlan, type GuardState, newGuard } from './guard-state.ts';

/**
 * Reads a state that was stored.
 * @param stored - what a store held, parsed; anything at all.
 * @returns undefined where it is none, or that of another plan: begin with a new one, which sends everything to the strong target.
 * @public
 */
export function readGuardState(stored: unknown, plan: GuardPlan): GuardState | undefined {
  return isGuardState(stored, newGuard(plan)) ? stored : undefined;
}

/** What does not change while the plan does not. */
const FIXED: readonly (keyof GuardState)[] = ['version', 'fingerprint', 'maxQualityLoss', 'alpha'];

function isGuardState(stored: unknown, fresh: GuardState): stored is GuardState {
  if (!isRecord(stored) || FIXED.some((name) => stored[name] !== fresh[name])) return false;
  const { events } = stored;
  if (!Array.isArray(events) || !events.every((event) => isRecord(event) && typeof event['kind'] === 'string'))
    return false;
  return isAlike({ ...stored, events: [] }, fresh);
}

/** Whether a value has the members and kinds of value of a model, all the way down, and its numbers are numbers. */
function isAlike(value: unknown, model: unknown): boolean {
  if (Array.isArray(model)) {
    return (
      Array.isArray(value) && value.length === model.length && model.every((each, index) => isAlike(value[index], each))
    );
  }
  if (isRecord(model)) {
    return isRecord(value) && Object.entries(model).every(([name, each]) => isAlike(value[name], each));
  }
  return typeof model === 'number' ? Number.isFinite(value) : typeof value === typeof model;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
