import { FarthingError } from './errors.ts';
import { USAGE_BUCKETS, type UsageBucket } from './model/usage.ts';
import type { PicoUsd } from './money.ts';
import type { ContextTier, PriceBook, PriceEntry, PriceMultipliers, PriceTable, PriceWindow } from './price-book.ts';
import { parsePricePerMillion, parseRatio, type PriceRatio } from './price-ratio.ts';

/** What a price-book file says it is, so that another file is not taken for one. @public */
export const PRICE_BOOK_FORMAT = 'farthing-price-book/1';

type Fields = Readonly<Record<string, unknown>>;

const BUCKETS: ReadonlySet<string> = new Set(USAGE_BUCKETS);
const BOOK_KEYS = ['format', 'version', 'notice', 'entries'];
const ENTRY_KEYS = [
  'id',
  'provider',
  'models',
  'from',
  'until',
  'usdPerMillion',
  'billedAs',
  'tiers',
  'serviceTiers',
  'speeds',
  'geos',
  'windows',
  'source',
  'checkedOn',
  'note',
];
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^([01]\d|2[0-4]):([0-5]\d)$/;

function fault(where: string, what: string): FarthingError {
  return new FarthingError('configuration', `price book: ${where}: ${what}`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isBucket(name: string): name is UsageBucket {
  return BUCKETS.has(name);
}

function isWeekday(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 6;
}

function fieldsAt(value: unknown, where: string, allowed?: readonly string[]): Fields {
  if (!isFields(value)) throw fault(where, 'is not an object');
  const unknown = allowed === undefined ? undefined : Object.keys(value).find((key) => !allowed.includes(key));
  if (unknown !== undefined) throw fault(where, `unknown key "${unknown}"`);
  return value;
}

function listAt(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw fault(where, 'is not a list');
  return value;
}

function textAt(value: unknown, where: string): string {
  if (typeof value !== 'string' || value === '') throw fault(where, 'is not a text');
  return value;
}

function bucketAt(name: string, where: string): UsageBucket {
  if (!isBucket(name)) throw fault(where, `"${name}" is not a bucket; there are ${USAGE_BUCKETS.join(', ')}`);
  return name;
}

/**
 * Midnight UTC of a day written `YYYY-MM-DD`, in Unix milliseconds.
 * @throws FarthingError `configuration` when there is no such day.
 * @public
 */
export function parseDay(text: string): number {
  const atMs = DATE.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(atMs) || new Date(atMs).toISOString().slice(0, 10) !== text) {
    throw new FarthingError('configuration', `"${text}" is not a day; write 2026-11-01`);
  }
  return atMs;
}

/** Reads prices in dollars per million units, as decimal text. */
function readPriceTable(value: unknown, where: string): PriceTable {
  const prices: Partial<Record<UsageBucket, PicoUsd>> = {};
  for (const [name, price] of Object.entries(fieldsAt(value, where))) {
    prices[bucketAt(name, where)] = parsePricePerMillion(textAt(price, `${where}.${name}`));
  }
  return prices;
}

/** Gives the buckets that a provider bills as another one the price of that one. */
function billed(prices: PriceTable, billedAs: ReadonlyMap<UsageBucket, UsageBucket>): PriceTable {
  const all: Partial<Record<UsageBucket, PicoUsd>> = { ...prices };
  for (const bucket of billedAs.keys()) {
    let payer: UsageBucket | undefined = bucket;
    for (let hops = 0; payer !== undefined && all[payer] === undefined && hops < USAGE_BUCKETS.length; hops += 1) {
      payer = billedAs.get(payer);
    }
    const price = payer === undefined ? undefined : all[payer];
    if (price !== undefined) all[bucket] = price;
  }
  return all;
}

function readBilledAs(value: unknown, where: string): ReadonlyMap<UsageBucket, UsageBucket> {
  const pairs = Object.entries(fieldsAt(value ?? {}, where));
  return new Map(pairs.map(([from, to]) => [bucketAt(from, where), bucketAt(textAt(to, where), where)]));
}

function readTiers(value: unknown, where: string): readonly ContextTier[] {
  const tiers = listAt(value ?? [], where).map((item, index) => {
    const at = `${where}[${index}]`;
    const tier = fieldsAt(item, at, ['aboveTokens', 'inclusive', 'usdPerMillion']);
    const aboveTokens = tier['aboveTokens'];
    if (typeof aboveTokens !== 'number' || !Number.isSafeInteger(aboveTokens))
      throw fault(`${at}.aboveTokens`, 'is not a whole number');
    return {
      aboveTokens,
      isInclusive: tier['inclusive'] === true,
      prices: readPriceTable(tier['usdPerMillion'], `${at}.usdPerMillion`),
    };
  });
  return tiers.toSorted((left, right) => left.aboveTokens - right.aboveTokens);
}

function readMultipliers(value: unknown, where: string): PriceMultipliers {
  const multipliers: Record<string, PriceRatio> = {};
  for (const [word, ratio] of Object.entries(fieldsAt(value ?? {}, where))) {
    multipliers[word.toLowerCase()] = parseRatio(textAt(ratio, `${where}.${word}`));
  }
  return multipliers;
}

function minuteAt(value: unknown, where: string): number {
  const match = TIME.exec(textAt(value, where));
  const minute = Number(match?.[1]) * 60 + Number(match?.[2]);
  if (match === null || minute > 1440) throw fault(where, 'is not a time; write 01:00, at most 24:00');
  return minute;
}

function readWindows(value: unknown, where: string): readonly PriceWindow[] {
  return listAt(value ?? [], where).map((item, index) => {
    const at = `${where}[${index}]`;
    const window = fieldsAt(item, at, ['weekdays', 'from', 'until', 'multiplier']);
    const weekdays = listAt(window['weekdays'], `${at}.weekdays`);
    if (!weekdays.every(isWeekday)) {
      throw fault(`${at}.weekdays`, 'holds something that is not 0 (Sunday) to 6');
    }
    return {
      weekdays,
      fromMinute: minuteAt(window['from'], `${at}.from`),
      untilMinute: minuteAt(window['until'], `${at}.until`),
      multiplier: parseRatio(textAt(window['multiplier'], `${at}.multiplier`)),
    };
  });
}

function readEntry(value: unknown, index: number): PriceEntry {
  const place = `entries[${index}]`;
  const entry = fieldsAt(value, place, ENTRY_KEYS);
  const id = textAt(entry['id'], `${place}.id`);
  const where = `${place} (${id})`;
  const billedAs = readBilledAs(entry['billedAs'], `${where}.billedAs`);
  const prices = readPriceTable(entry['usdPerMillion'], `${where}.usdPerMillion`);
  const models = listAt(entry['models'], `${where}.models`).map((model) => textAt(model, `${where}.models`));
  if (models.length === 0) throw fault(`${where}.models`, 'is empty');
  const day = (key: 'from' | 'until'): number | undefined =>
    entry[key] === undefined ? undefined : parseDay(textAt(entry[key], `${where}.${key}`));
  return {
    id,
    provider: textAt(entry['provider'], `${where}.provider`),
    models,
    isOwn: false,
    validFromMs: day('from'),
    validUntilMs: day('until'),
    prices: billed(prices, billedAs),
    tiers: readTiers(entry['tiers'], `${where}.tiers`).map(({ aboveTokens, isInclusive, prices: above }) => ({
      aboveTokens,
      isInclusive,
      prices: billed({ ...prices, ...above }, billedAs),
    })),
    serviceTiers: readMultipliers(entry['serviceTiers'], `${where}.serviceTiers`),
    speeds: readMultipliers(entry['speeds'], `${where}.speeds`),
    geos: readMultipliers(entry['geos'], `${where}.geos`),
    windows: readWindows(entry['windows'], `${where}.windows`),
    sourceUrl: textAt(entry['source'], `${where}.source`),
    checkedOn: textAt(entry['checkedOn'], `${where}.checkedOn`),
    note: entry['note'] === undefined ? undefined : textAt(entry['note'], `${where}.note`),
  };
}

/**
 * Reads a price book in Farthing's own format, strictly: an unknown key, an unknown bucket or a price that is not decimal text is an
 * error, since a price misread is money lost. Entries of a model are put into the order of their dates.
 * @throws FarthingError `configuration`, naming the entry and the field.
 * @public
 */
export function readPriceBook(value: unknown): PriceBook {
  const book = fieldsAt(value, 'the file', BOOK_KEYS);
  if (book['format'] !== PRICE_BOOK_FORMAT) throw fault('format', `is not "${PRICE_BOOK_FORMAT}"`);
  const entries = listAt(book['entries'], 'entries').map(readEntry);
  const ids = new Set<string>();
  for (const { id } of entries) {
    if (ids.has(id)) throw fault('entries', `"${id}" is there twice`);
    ids.add(id);
  }
  return {
    version: textAt(book['version'], 'version'),
    entries: entries.toSorted((left, right) => (left.validFromMs ?? -Infinity) - (right.validFromMs ?? -Infinity)),
  };
}
