import type { PairedRow } from './paired-rows.ts';
import { cascadeRows, type ReplayRow } from './replay-row.ts';

/** Whether two final answers say the same. @public */
export type AnswersAgree = (left: string, right: string) => boolean;

/** A cascade that has decided each row. @public */
export interface CascadeDecisions {
  readonly rows: readonly ReplayRow[];
  /** By row: whether the answer went on to the strong model. */
  readonly isSent: readonly boolean[];
}

/** Faults of a tool call that its schema shows, by the words of BFCL's checker: not decoded, no such function, arguments that are missing, unexpected or of a wrong type. */
const SCHEMA_FAULTS = ['decoder_failed', 'missing_required', 'unexpected_param', 'type_error', 'wrong_func_name'];

/**
 * Cheap answers are kept where every checker says the same. The checkers are asked one after the other: behind one that disagrees nobody is asked, or paid.
 * An answer that could not be found agrees with none.
 * @public
 */
export function agreementCascade(rows: readonly PairedRow[], agree: AnswersAgree): CascadeDecisions {
  const verdicts = rows.map((row) => agreementOf(row, agree));
  return {
    rows: cascadeRows(rows, (_, index) => verdicts[index]?.checkCostUsd ?? 0),
    isSent: verdicts.map(({ isSent }) => isSent),
  };
}

function agreementOf(
  { cheap, checkers }: PairedRow,
  agree: AnswersAgree,
): { readonly isSent: boolean; readonly checkCostUsd: number } {
  let checkCostUsd = 0;
  const { answer } = cheap;
  if (typeof answer !== 'string') return { isSent: true, checkCostUsd };
  for (const checker of checkers) {
    checkCostUsd += checker.costUsd;
    if (typeof checker.answer !== 'string' || !agree(answer, checker.answer)) return { isSent: true, checkCostUsd };
  }
  return { isSent: false, checkCostUsd };
}

/** Cheap answers are kept unless something about them tells that they will not do; looking costs nothing. @public */
export function checkCascade(rows: readonly PairedRow[], isFaulty: (row: PairedRow) => boolean): CascadeDecisions {
  return { rows: cascadeRows(rows), isSent: rows.map(isFaulty) };
}

/** Whether the checks that a cascade can make would have caught the cheap answer. @public */
export function failsChecks({ cheap }: PairedRow): boolean {
  const { isValid, errorType } = cheap;
  return isValid === false || (errorType !== undefined && SCHEMA_FAULTS.some((fault) => errorType.includes(fault)));
}
