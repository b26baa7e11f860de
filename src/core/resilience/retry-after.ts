/**
 * How long a provider asks to be left alone, in milliseconds: `retry-after-ms` (OpenAI, Azure) or `retry-after` in seconds or as a date (RFC 9110, 10.2.3).
 * @returns undefined when it does not say, or says something else.
 * @public
 */
export function retryAfterMs(
  headers: Readonly<Record<string, string | readonly string[]>>,
  nowMs: number,
): number | undefined {
  const exact = wordOf(headers['retry-after-ms']);
  if (exact !== undefined && /^\d{1,12}(?:\.\d{1,6})?$/.test(exact)) return Number(exact);
  const text = wordOf(headers['retry-after']);
  if (text === undefined) return undefined;
  if (/^\d{1,9}(?:\.\d{1,6})?$/.test(text)) return Number(text) * 1000;
  // `Date.parse` takes all sorts of texts; a date as HTTP has it begins with the day of the week.
  const atMs = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

function wordOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value.trim() : value?.[0]?.trim();
}
