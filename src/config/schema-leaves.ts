import * as z from 'zod';
import { parseUsd, type NanoUsd } from '../core/money.ts';
import { parseDuration } from './duration.ts';
import { parseMoment } from './moment.ts';
import { nearestName } from './nearest-name.ts';
import { parseSize } from './size.ts';

/** How a value is described to people and editors. @internal */
interface LeafDescription {
  /** One sentence: what it is and what 0 means. */
  readonly description: string;
  /** Shown in the documentation's table. */
  readonly unit: string;
  /** JSON Schema of what may be written besides a reference (`${env:...}`). */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Every scalar of a file is text, see `read-yaml`; a leaf reads it. @internal */
export function leaf<Value>(
  read: (text: string) => Value | undefined,
  expected: string,
  { description, unit, json }: LeafDescription,
): z.ZodType<Value, string> {
  const schema = z.string().transform((text, context): Value => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
  return schema.meta({ description, 'x-unit': unit, ...json });
}

/** What editors accept for a value that is not text: the value itself or a reference to it. */
function orReference(json: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { type: undefined, anyOf: [json, { type: 'string', pattern: String.raw`\$\{` }] };
}

/** Timers of Node hold 2^31 - 1 ms; beyond it they fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const DURATION_PATTERN = String.raw`^(\d+(ms|s|m|h|d)|.*\$\{.*)$`;

/** A duration. @internal */
export function duration(description: string): z.ZodType<number, string> {
  return leaf(parseDuration, 'is not a duration; write 500ms, 2s, 10m, 1h or 7d', {
    description,
    unit: 'duration',
    json: { type: 'string', pattern: DURATION_PATTERN },
  });
}

/** A duration above 0. @internal */
export function positiveDuration(description: string): z.ZodType<number, string> {
  return duration(description).refine((durationMs) => durationMs > 0, 'is too short; it must be above 0');
}

/** A duration that a timer must be able to wait for. 0 is refused: it would end every call at once. @internal */
export function timeout(description: string): z.ZodType<number, string> {
  return leaf(readTimeout, 'is not a duration from 1ms to 24d; write 500ms, 2s, 10m, 1h or 7d', {
    description,
    unit: 'duration, 1ms to 24d',
    json: { type: 'string', pattern: DURATION_PATTERN },
  });
}

/** A size in bytes, at least `leastBytes`. @internal */
export function size(description: string, leastBytes: number = 0): z.ZodType<number, string> {
  const read = (text: string): number | undefined => {
    const sizeBytes = parseSize(text);
    return sizeBytes !== undefined && sizeBytes >= leastBytes ? sizeBytes : undefined;
  };
  const least = leastBytes === 0 ? '' : ` of at least ${leastBytes}B`;
  return leaf(read, `is not a size${least}; write 512KB, 64MB or 1GB (MB is 10^6 bytes, MiB 2^20)`, {
    description,
    unit: `size${least}`,
    json: { type: 'string', pattern: String.raw`^(\d+([KMGT]i?)?B|.*\$\{.*)$` },
  });
}

/** A whole number between two bounds, both included. @internal */
export function wholeNumber(description: string, least: number, most: number): z.ZodType<number, string> {
  const read = (text: string): number | undefined => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : -1;
    return value >= least && value <= most ? value : undefined;
  };
  return leaf(read, `is not a whole number from ${least} to ${most}`, {
    description,
    unit: `whole number, ${least} to ${most}`,
    json: orReference({ type: 'integer', minimum: least, maximum: most }),
  });
}

/** A share between 0 and 1. @internal */
export function ratio(description: string): z.ZodType<number, string> {
  return leaf(readRatio, 'is not a share from 0 to 1; write 0.5', {
    description,
    unit: 'share, 0 to 1',
    json: orReference({ type: 'number', minimum: 0, maximum: 1 }),
  });
}

/** An amount of money, read from its digits and never through floating point. @internal */
export function usd(description: string): z.ZodType<NanoUsd, string> {
  return leaf(readUsd, 'is not an amount in dollars; write 50 or 0.05 (at most nine decimals)', {
    description,
    unit: 'USD',
    json: orReference({ type: 'number', minimum: 0 }),
  });
}

/** `true` or `false`. @internal */
export function flag(description: string): z.ZodType<boolean, string> {
  return leaf(readFlag, 'is not true or false', {
    description,
    unit: 'true or false',
    json: orReference({ type: 'boolean' }),
  });
}

/** One of some words. @internal */
export function oneOf<const Word extends string>(description: string, words: readonly Word[]): z.ZodType<Word, string> {
  const list = words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return leaf((text) => words.find((word) => word === text), `is not known here; write ${list}`, {
    description,
    unit: words.map((word) => `\`${word}\``).join(' '),
    json: orReference({ type: 'string', enum: words }),
  });
}

/** Text without control characters, 1 to `most` characters. @internal */
export function line(description: string, most: number = 1024): z.ZodType<string, string> {
  // Control characters end headers and lines of logs early.
  const read = (text: string): string | undefined =>
    text !== '' && text.length <= most && !/\p{Cc}/u.test(text) ? text : undefined;
  return leaf(read, `must have 1 to ${most} characters and no line breaks`, {
    description,
    unit: 'text',
    json: { type: 'string' },
  });
}

/** A credential: visible ASCII, so that it fits into a header. May be empty. @internal */
export function credential(description: string): z.ZodType<string, string> {
  return leaf(
    (text) => (/^[\x21-\x7e]{0,8192}$/.test(text) ? text : undefined),
    'holds characters that no key has (spaces, line breaks or letters beyond ASCII)',
    { description, unit: 'secret', json: { type: 'string' } },
  );
}

/** A day (`2026-11-01`, its start in UTC) or a moment with its offset (`2026-11-01T12:00:00Z`). @internal */
export function moment(description: string): z.ZodType<number, string> {
  return leaf(parseMoment, 'is not a date; write 2026-11-01 or 2026-11-01T12:00:00Z', {
    description,
    unit: 'date',
    json: { type: 'string' },
  });
}

/** A day, kept as written. @internal */
export function day(description: string): z.ZodType<string, string> {
  return leaf(readDay, 'is not a date; write 2026-11-01', { description, unit: 'date', json: { type: 'string' } });
}

function readTimeout(text: string): number | undefined {
  const durationMs = parseDuration(text) ?? 0;
  return durationMs > 0 && durationMs <= MAX_TIMER_MS ? durationMs : undefined;
}

function readRatio(text: string): number | undefined {
  const value = /^[01](\.\d{1,12})?$/.test(text) ? Number(text) : 2;
  return value <= 1 ? value : undefined;
}

function readUsd(text: string): NanoUsd | undefined {
  try {
    return text.startsWith('-') ? undefined : parseUsd(text);
  } catch {
    return undefined; // RangeError is how money says that the text is no amount.
  }
}

function readFlag(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

function readDay(text: string): string | undefined {
  return text.length === 10 && parseMoment(text) !== undefined ? text : undefined;
}

/**
 * A mapping whose names are all known. The message of unknown names has one line for each, in the order of the issue's `keys`.
 * @internal
 */
export function section<Shape extends z.ZodRawShape>(
  description: string,
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, { error: (issue) => unknownNames(issue, Object.keys(shape)) }).meta({ description });
}

function unknownNames(issue: z.core.$ZodRawIssue, known: readonly string[]): string | undefined {
  if (issue.code !== 'unrecognized_keys') return undefined;
  return issue.keys.map((name) => unknownName(name, known)).join('\n');
}

/** What to say about a name that is not known. @internal */
export function unknownName(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined
    ? `is not known here; known are ${known.join(', ')}`
    : `is not known here; did you mean ${nearest}?`;
}
