import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';

/** What the help says about moments. @internal */
export const MOMENT_HELP = 'a date (2026-11-01, UTC), a time (2026-11-01T12:00:00Z) or a duration ago (7d)';

const DATE = /^\d{4}-\d{2}-\d{2}/;

/** Reads a moment, in Unix milliseconds. @internal */
export function parseMoment(text: string): number {
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) return Date.now() - agoMs;
  const atMs = DATE.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) throw new InvalidArgumentError(`Write ${MOMENT_HELP}.`);
  return atMs;
}

/** Reads a length of time, in milliseconds. @internal */
export function parseLength(text: string): number {
  const lengthMs = parseDuration(text);
  if (lengthMs === undefined) throw new InvalidArgumentError('Write 30m, 1h or 30d.');
  return lengthMs;
}
