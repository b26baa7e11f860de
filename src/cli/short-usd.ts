import { formatUsd } from '../core/money.ts';

/** An amount for tables: six decimals, rounded half away from zero, so that points stand below each other. @internal */
export function shortUsd(amount: bigint | number): string {
  const value = BigInt(amount);
  const micros = ((value < 0n ? -value : value) + 500n) / 1000n;
  const [whole = '0', decimals = ''] = formatUsd(micros * 1000n).split('.');
  return `${value < 0n && micros > 0n ? '-' : ''}${whole}.${decimals.padEnd(6, '0')}`;
}
