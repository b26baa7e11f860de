import { nanoUsd, type NanoUsd } from './money.ts';

const STATED = /^(\d{1,6})(?:\.(\d{1,40}))?$/;
const NANO_DIGITS = 9;

/**
 * A cost that a provider stated as decimal dollars, rounded half up to a nano-dollar.
 * @returns undefined when nothing, or nothing readable, was stated.
 * @public
 */
export function statedAmount(text: string | undefined): NanoUsd | undefined {
  const match = text === undefined ? null : STATED.exec(text);
  if (match === null) return undefined;
  const decimals = (match[2] ?? '').padEnd(NANO_DIGITS + 1, '0');
  const whole = Number(`${match[1] ?? ''}${decimals.slice(0, NANO_DIGITS)}`);
  return nanoUsd(whole + (Number(decimals[NANO_DIGITS]) >= 5 ? 1 : 0));
}
