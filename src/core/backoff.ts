/** How pauses between tries grow. @public */
export interface BackoffOptions {
  /** The longest first pause, in milliseconds; each further one may be twice as long as the one before. */
  readonly baseMs: number;
  /** The longest pause of all, in milliseconds. */
  readonly capMs: number;
}

/**
 * The pause before a further try, with full jitter: anything from nothing to the longest, so that many who failed together do not come back together.
 * @param failures - tries that have failed, from 1.
 * @param fraction - chance, in [0, 1).
 * @returns whole milliseconds.
 * @public
 */
export function backoffMs(failures: number, options: BackoffOptions, fraction: number): number {
  const longest = Math.min(options.capMs, options.baseMs * 2 ** (failures - 1));
  return Math.floor(fraction * (longest + 1));
}
