const TENTH_MS = 100;
const SECOND_MS = 1000;
/** Below it tenths of a second tell something, in milliseconds. */
const SHORT_MS = 10 * SECOND_MS;

/** A length of time for people, in its two largest units. @internal */
export function plainDuration(lengthMs: number): string {
  const lasting = Math.max(0, lengthMs);
  if (lasting < SHORT_MS - TENTH_MS / 2) return `${(lasting / SECOND_MS).toFixed(1)} s`;
  const seconds = Math.round(lasting / SECOND_MS);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
