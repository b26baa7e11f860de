/** A count for people: 1,234,567. @internal */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** A count of things for people: 1 line, 2,000 lines. @internal */
export function countOf(count: number, thing: string): string {
  return `${grouped(count)} ${thing}${count === 1 ? '' : 's'}`;
}
