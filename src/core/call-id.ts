/** Digits of the time in a call's id: base 36, eight of them from 1972 to 2059. */
const TIME_DIGITS = 8;

/** How many hexadecimal digits of chance follow the time in a call's id. @internal */
export const CALL_ID_RANDOM_DIGITS = 20;

const CALL_ID = new RegExp(`^call_([1-9a-z][0-9a-z]{${TIME_DIGITS - 1}})[0-9a-f]{${CALL_ID_RANDOM_DIGITS}}$`);

/**
 * Names a call: `call_`, the millisecond of its arrival in base 36, and chance. Ids that begin with the time keep the ledger's
 * unique indices growing at their end, and let a call be found by its moment.
 * @param randomHex - {@link CALL_ID_RANDOM_DIGITS} digits.
 * @internal
 */
export function callIdAt(arrivedAtMs: number, randomHex: string): string {
  return `call_${arrivedAtMs.toString(36)}${randomHex}`;
}

/** When a call arrived, in Unix milliseconds, by its id; undefined when {@link callIdAt} did not make it. @internal */
export function callIdTime(callId: string): number | undefined {
  const digits = CALL_ID.exec(callId)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}
