import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { environment } from '../config/env.ts';
import { FarthingError } from '../core/errors.ts';
import { type ServedTerms, type Usage, USAGE_BUCKETS, usageOf } from '../core/model/usage.ts';
import { layerPriceBooks, type PriceBook } from '../core/price-book.ts';
import { parseDay } from '../core/price-book-format.ts';
import { shippedPriceBook } from '../core/price-book-shipped.ts';
import { operatorPrices } from '../core/price-operator.ts';
import { installPriceFeed, readBookFrom, readPriceFeed } from './price-feed-file.ts';
import { diffPrices, explainPrice, showPrice, showPrices, targetOf } from './prices-text.ts';

interface BookOptions {
  readonly config?: string;
  readonly at?: string;
}

interface ExplainOptions extends BookOptions {
  readonly usage: string;
  readonly tier?: string;
  readonly speed?: string;
  readonly geo?: string;
}

const DEFAULT_DATA_FOLDER = './farthing-data';
const COUNTS: ReadonlySet<string> = new Set([...USAGE_BUCKETS, 'reasoning']);

/** Adds `farthing prices show|diff|update|explain`. @internal */
export function registerPrices(program: Command): void {
  const group = program.command('prices').description('Show, compare, update and explain prices');
  group
    .command('show')
    .description('Print the prices that hold now, or everything about one model')
    .argument('[model]', 'a model, or provider/model')
    .option('-c, --config <file>', 'the configuration whose prices: apply (default: farthing.yaml)')
    .option('--at <date>', 'the day or moment to look at (default: now)')
    .action(async (model: string | undefined, options: BookOptions) => {
      const book = await effectiveBook(options.config);
      const atMs = momentOf(options.at);
      console.log(model === undefined ? showPrices(book, atMs) : showPrice(book, model, atMs));
    });
  group
    .command('diff')
    .description('Compare the prices in force with another price book')
    .argument('<file>', 'a price book, as file or https address')
    .option('-c, --config <file>', 'the configuration (default: farthing.yaml)')
    .action(async (from: string, options: BookOptions) => {
      console.log(diffPrices(await effectiveBook(options.config), (await readBookFrom(from)).book));
    });
  group
    .command('update')
    .description('Take a price book as feed, pinned by its hash: later changes to the file are refused')
    .requiredOption('--from <source>', 'file or https address')
    .option('-c, --config <file>', 'the configuration that names the data folder (default: farthing.yaml)')
    .action(async (options: { readonly from: string; readonly config?: string }) => {
      const config = await configOf(options.config);
      const folder = dataFolder(config);
      const lock = await installPriceFeed(folder, options.from);
      // Against the book without any feed: the one before may be broken, and this is how it is mended.
      const without = layerPriceBooks(shippedPriceBook(), undefined, operatorPrices(config.prices));
      console.log(diffPrices(without, await effectiveBook(options.config)));
      console.log(`feed ${lock.version} is in ${folder}, pinned as sha256 ${lock.sha256}`);
    });
  group
    .command('explain')
    .description('Print how a usage is priced, bucket by bucket')
    .argument('<target>', 'provider/model')
    .requiredOption('--usage <json>', `counts by bucket, such as '{"input":1200,"cacheRead":800,"output":90}'`)
    .option('-c, --config <file>', 'the configuration whose prices: apply (default: farthing.yaml)')
    .option('--at <date>', 'the day or moment of the call (default: now)')
    .option('--tier <tier>', 'the service tier that was served: flex, batch, priority ...')
    .option('--speed <speed>', 'the speed that was served: fast')
    .option('--geo <geo>', 'where it was served: us')
    .action(async (target: string, options: ExplainOptions) => {
      const usage = parseUsage(options.usage);
      const book = await effectiveBook(options.config);
      const atMs = momentOf(options.at);
      console.log(explainPrice(book, targetOf(book, target, atMs), usage, termsOf(options), atMs));
    });
}

/**
 * Reads the usage that a user typed.
 * @throws FarthingError `configuration` on anything but whole numbers by bucket.
 * @internal
 */
export function parseUsage(text: string): Usage {
  const counts = new Map<string, number>();
  for (const [bucket, count] of Object.entries(jsonObject(text))) {
    if (!COUNTS.has(bucket)) {
      throw new FarthingError(
        'configuration',
        `--usage: "${bucket}" is not a bucket; there are ${[...COUNTS].join(', ')}`,
      );
    }
    if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) {
      throw new FarthingError('configuration', `--usage: ${bucket} is not a whole number from 0 up`);
    }
    counts.set(bucket, count);
  }
  return usageOf(Object.fromEntries(counts));
}

function jsonObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FarthingError('configuration', '--usage: is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FarthingError('configuration', '--usage: is not an object of counts');
  }
  return value;
}

/**
 * Reads a day (midnight UTC) or a moment in ISO 8601, into Unix milliseconds; now when there is none.
 * @throws FarthingError `configuration` on anything else.
 * @internal
 */
export function momentOf(text: string | undefined): number {
  if (text === undefined) return Date.now();
  if (!text.includes('T')) return parseDay(text);
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) throw new FarthingError('configuration', `--at: "${text}" is not a day or moment`);
  return atMs;
}

function termsOf({ tier, speed, geo }: ExplainOptions): ServedTerms {
  return {
    ...(tier === undefined ? {} : { serviceTier: tier }),
    ...(speed === undefined ? {} : { speed }),
    ...(geo === undefined ? {} : { geo }),
  };
}

async function configOf(path: string | undefined): Promise<Config> {
  const { findConfig } = await import('../config/find-config.ts');
  return findConfig({ env: environment(), readFile: (file) => readFileSync(file, 'utf8') }, path).config;
}

/** Where the feed lies: the data folder; beside services the default one. */
function dataFolder({ storage }: Config): string {
  return storage.kind === 'folder' ? storage.path : DEFAULT_DATA_FOLDER;
}

/** The prices in force: shipped, feed and the operator's own, the last one winning. @internal */
export async function effectiveBook(path: string | undefined): Promise<PriceBook> {
  const config = await configOf(path);
  return layerPriceBooks(shippedPriceBook(), await readPriceFeed(dataFolder(config)), operatorPrices(config.prices));
}
