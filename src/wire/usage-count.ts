/** A JSON object whose fields are not known yet. @internal */
export type Fields = Readonly<Record<string, unknown>>;

/** No call has that many tokens; bounds nonsense so that sums of counts stay safe integers. */
const MAX_COUNT = 1_000_000_000_000;

const NO_FIELDS: Fields = Object.freeze({});

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as an object; an empty one for anything else (providers send `null` where they have nothing to say). @internal */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : NO_FIELDS;
}

/** The value as a list; an empty one for anything else. @internal */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether a provider stated a count here, be it zero. @internal */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** A count of tokens: a whole number from 0 up. Anything else (null, text, a negative number) counts as nothing stated. @internal */
export function countOf(value: unknown): number {
  if (!isCount(value) || value <= 0) return 0;
  return Math.min(Math.floor(value), MAX_COUNT);
}

/** A word that a provider stated; undefined for anything but non-empty text. @internal */
export function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * A total from which parts are taken one after the other. A part never exceeds what is left, so that
 * the parts and the rest always sum to the total, whatever a provider's details say.
 * @internal
 */
export class Remainder {
  #left: number;

  constructor(total: number) {
    this.#left = total;
  }

  /** Takes up to `count` and says how many it got. */
  take(count: number): number {
    const taken = Math.min(Math.max(count, 0), this.#left);
    this.#left -= taken;
    return taken;
  }

  /** Takes all that is left. */
  rest(): number {
    return this.take(this.#left);
  }
}
