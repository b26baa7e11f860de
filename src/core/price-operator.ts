import { FarthingError, isFarthingError } from './errors.ts';
import { parseTarget } from './model/target.ts';
import type { UsageBucket } from './model/usage.ts';
import type { PriceBook, PriceEntry } from './price-book.ts';
import { readPriceBook, PRICE_BOOK_FORMAT } from './price-book-format.ts';

/**
 * What an operator says a target costs: dollars per million units by bucket, as decimal text so that no digit is lost.
 * Cache reads, images and video without a price of their own are billed as input. Cache writes and audio without one are unpriced:
 * they may be dearer than input.
 * @public
 */
export type OperatorPrice = Readonly<Partial<Record<UsageBucket, string | undefined>>> & {
  /** What the provider's batches cost as a share of these prices: `0.5` is half. @defaultValue batches are unpriced: never a guess */
  readonly batchRatio?: string | undefined;
  /** What its flex tier (slower, at times refused) costs as a share of these prices. @defaultValue the flex tier is unpriced */
  readonly flexRatio?: string | undefined;
  /** First day (UTC, `YYYY-MM-DD`) on which the price holds. @defaultValue it always has */
  readonly from?: string | undefined;
  /** First day on which it holds no more. @defaultValue never */
  readonly until?: string | undefined;
};

/** Version of the book that operator prices make: part of `priceEntry` in charges. */
const OPERATOR_BOOK_VERSION = 'operator';

const BILLED_AS = {
  cacheRead: 'input',
  inputImage: 'input',
  cacheReadImage: 'cacheRead',
  inputVideo: 'input',
  cacheReadVideo: 'cacheRead',
};

function operatorEntry(targetText: string, price: OperatorPrice): readonly PriceEntry[] {
  const target = parseTarget(targetText);
  if (target === undefined) throw new FarthingError('configuration', 'is not provider/model');
  const { from, until, batchRatio, flexRatio, ...stated } = price;
  const usdPerMillion = Object.fromEntries(Object.entries(stated).filter(([, dollars]) => dollars !== undefined));
  if (stated.input === undefined) throw new FarthingError('configuration', '"input" is missing');
  const entry = {
    id: from === undefined ? targetText : `${targetText}@${from}`,
    provider: target.provider,
    models: [target.model],
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    usdPerMillion,
    billedAs: BILLED_AS,
    serviceTiers: {
      ...(batchRatio === undefined ? {} : { batch: batchRatio }),
      ...(flexRatio === undefined ? {} : { flex: flexRatio }),
    },
    source: 'configuration',
    checkedOn: from ?? 'configured',
  };
  const book = readPriceBook({ format: PRICE_BOOK_FORMAT, version: OPERATOR_BOOK_VERSION, entries: [entry] });
  return book.entries.map((read) => Object.assign({}, read, { isOwn: true }));
}

/**
 * Makes a price book of the `prices:` part of a configuration, by target `provider/model`.
 * @throws FarthingError `configuration` that names the target and the fault.
 * @public
 */
export function operatorPrices(prices: Readonly<Record<string, OperatorPrice>>): PriceBook {
  const entries = Object.entries(prices).flatMap(([target, price]) => {
    try {
      return operatorEntry(target, price);
    } catch (error) {
      if (!isFarthingError(error)) throw error;
      throw new FarthingError(
        'configuration',
        `prices.${target}: ${error.message.replace(/^price book: [^:]*: /, '')}`,
        {
          cause: error,
        },
      );
    }
  });
  return { version: OPERATOR_BOOK_VERSION, entries };
}
