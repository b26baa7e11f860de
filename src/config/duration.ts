const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d{1,15})(ms|s|m|h|d)$/;

/**
 * Reads a duration: a whole number and one of `ms s m h d`, nothing between them. A number without a unit is refused:
 * half of all wrong timeouts are seconds taken for milliseconds.
 * @returns Milliseconds, or undefined when the text is no duration or leaves the safe integers.
 * @public
 */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  const durationMs = Number(match?.[1]) * (UNIT_MS[match?.[2] ?? ''] ?? Number.NaN);
  return Number.isSafeInteger(durationMs) ? durationMs : undefined;
}
