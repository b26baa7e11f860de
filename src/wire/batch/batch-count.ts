/** A number of requests as a provider tells it; 0 where it tells none. @internal */
export function batchCount(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
