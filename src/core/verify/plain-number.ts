import { withoutTrailing } from '../without-trailing.ts';

/** A number as people write it: thousands in groups, a decimal point, an exponent. Leading zeros make a text of it (a code, a telephone number). */
const NUMBER = /^(-?)(0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{2,3})*,\d{3})?(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;
/** Digits that are written out at most; larger ones are texts. Ours: the largest double has 309. */
const MAX_DIGITS = 400;

/**
 * A number by its value: `1,234`, `1234.0` and `1.234e3` are all `1234`. Digits are kept as text, so that long ones stay exact.
 * @returns undefined where the text is no number.
 * @internal
 */
export function plainNumber(text: string): string | undefined {
  if (text.length > MAX_DIGITS) return undefined;
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign = '', grouped = '', fraction = '', exponent = '0'] = match;
  if (grouped === '' && fraction === '') return undefined;
  const digits = grouped.replaceAll(',', '') + fraction;
  return shifted(sign, digits, Number(exponent) - fraction.length);
}

/** Digits times a power of ten. */
function shifted(sign: string, digits: string, power: number): string | undefined {
  if (Math.abs(power) > MAX_DIGITS) return undefined;
  const padded = power >= 0 ? digits + '0'.repeat(power) : digits.padStart(1 - power, '0');
  const point = power >= 0 ? padded.length : padded.length + power;
  const whole = withoutZeros(padded.slice(0, point));
  const fraction = withoutTrailing(padded.slice(point), '0');
  const value = fraction === '' ? whole : `${whole}.${fraction}`;
  return value === '0' ? '0' : `${sign}${value}`;
}

function withoutZeros(digits: string): string {
  let start = 0;
  while (start < digits.length && digits[start] === '0') start += 1;
  return start === digits.length ? '0' : digits.slice(start);
}
