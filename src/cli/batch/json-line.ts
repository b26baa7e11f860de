import { jsonFaultAt } from '../../wire/json-fault.ts';

/** What is wrong with a line, to stand behind its number. Never quotes content but for names. @internal */
export interface LineProblem {
  readonly problem: string;
  /** The line's own name, where it has one. */
  readonly customId?: string;
}

/** The value that a line of JSON holds. @internal */
export function jsonLine(text: string): { readonly value: unknown } | LineProblem {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const at = jsonFaultAt(text, error);
    return { problem: `is not JSON${at === undefined ? '' : ` (column ${at + 1})`}` };
  }
}
