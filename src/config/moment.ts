const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

/**
 * Reads a day (`2026-11-01`, its start in UTC) or a moment with its offset (`2026-11-01T12:00:00Z`).
 * @returns Unix milliseconds, or undefined for anything else.
 * @public
 */
export function parseMoment(text: string): number | undefined {
  if (!MOMENT.test(text)) return undefined;
  const atMs = Date.parse(text);
  const dayMs = Date.parse(text.slice(0, 10));
  if (Number.isNaN(atMs) || Number.isNaN(dayMs)) return undefined;
  // Date.parse takes 30 February for 2 March.
  return new Date(dayMs).toISOString().startsWith(text.slice(0, 10)) ? atMs : undefined;
}
