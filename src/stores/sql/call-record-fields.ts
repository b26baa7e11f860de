import type { CallRecord } from '../../core/model/charge.ts';

/** The fields of a call's record that JSON leaves out when they are undefined. @internal */
export const ABSENT_CALL_FIELDS: Partial<CallRecord> = {
  target: undefined,
  servedModel: undefined,
  costNanoUsd: undefined,
  baselineNanoUsd: undefined,
  savedNanoUsd: undefined,
  savedParts: undefined,
  missedByMode: undefined,
  firstByteMs: undefined,
  route: undefined,
};
