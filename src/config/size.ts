const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const SIZE = /^(\d{1,15})([KMGT]?i?B)$/;

/**
 * Reads a size: a whole number and a unit, nothing between them. `KB MB GB TB` are powers of 1000, `KiB MiB GiB TiB` of 1024.
 * @returns Bytes, or undefined when the text is no size or leaves the safe integers.
 * @public
 */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  const sizeBytes = Number(match?.[1]) * (UNIT_BYTES[match?.[2] ?? ''] ?? Number.NaN);
  return Number.isSafeInteger(sizeBytes) ? sizeBytes : undefined;
}
