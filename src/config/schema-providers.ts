import * as z from 'zod';
import type { Protocol } from '../core/model/protocol.ts';
import { parseTarget, type Target } from '../core/model/target.ts';
import type { UsageBucket } from '../core/model/usage.ts';
import type { OperatorPrice } from '../core/price-operator.ts';
import type { RouteBalance } from '../core/route/route-table.ts';
import { withoutTrailing } from '../core/without-trailing.ts';
import type { ModelConfig, ProviderConfig, ProviderKey } from './config.ts';
import { credential, day, leaf, line, oneOf, section, wholeNumber } from './schema-leaves.ts';
import { vendorOf } from './vendor-of.ts';

const PROVIDER_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** They belong to the connection or to the body, which the gateway writes itself (RFC 9110, section 7.6.1). */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'trailer',
  'te',
  'keep-alive',
]);

/** A target. @internal */
export const targetSchema: z.ZodType<Target, string> = leaf(parseTarget, 'is not a target; write provider/model', {
  description: 'A model at a provider: `provider/model`, split at the first slash.',
  unit: 'provider/model',
  json: { type: 'string', pattern: '^[^/]+/.+$' },
});

const baseUrl: z.ZodType<string, string> = leaf(
  readBaseUrl,
  'is not an address; write https://host/path, without user, query or fragment',
  {
    description: 'Where the provider is. An OpenAI base ends in `/v1`, an Anthropic base does not.',
    unit: 'http or https address',
    json: { type: 'string' },
  },
);

function readBaseUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || /[?#\s]/.test(text)) return undefined;
  return url.username !== '' || url.password !== '' ? undefined : withoutTrailing(url.href, '/');
}

const weightedKey: z.ZodType<ProviderKey> = section('A key with its weight.', {
  key: credential('The key.'),
  weight: wholeNumber('Its share of the attempts against the sum of all weights.', 1, 1000),
}).transform(({ key, weight }) => ({ secret: key, weight }));

const plainKey: z.ZodType<ProviderKey> = credential('A key with weight 1.').transform((secret) => ({
  secret,
  weight: 1,
}));

const headers: z.ZodType<Readonly<Record<string, string>>> = z
  .record(z.string(), line('The value.', 8192))
  .transform((values, context) => {
    const lower: Record<string, string> = {};
    for (const [name, value] of Object.entries(values)) {
      const key = name.toLowerCase();
      const isUsable = HEADER_NAME.test(name) && !RESERVED_HEADERS.has(key) && !Object.hasOwn(lower, key);
      if (isUsable) lower[key] = value;
      else context.addIssue({ code: 'custom', path: [name], message: 'is not a header that can be set here (once)' });
    }
    return lower;
  })
  .meta({ description: 'Headers added to each attempt.' });

const providerSection = section(
  'An upstream. One whose keys are all empty is inactive: named at start, its targets are skipped.',
  {
    protocol: oneOf<Protocol>('The dialect that it speaks.', ['openai', 'anthropic']),
    baseUrl,
    apiKey: credential('Its key. Leave both `apiKey` and `apiKeys` out for a provider that needs none.').optional(),
    apiKeys: z
      .array(z.union([plainKey, weightedKey]))
      .meta({ description: 'Several keys instead of `apiKey`: texts, or `{ key, weight }`.' })
      .optional(),
    headers: headers.optional(),
    query: z
      .record(z.string(), line('The value.'))
      .meta({ description: "Parameters added to each attempt's address (Azure's `api-version`)." })
      .optional(),
    vendor: line(
      'Whose prices apply: `openai`, `anthropic`, ... Left out: told by the address, else by the name.',
      64,
    ).optional(),
  },
);

type ProviderSection = z.output<typeof providerSection>;

function providerConfig(name: string, read: ProviderSection): ProviderConfig {
  const stated = read.apiKey === undefined ? read.apiKeys : [{ secret: read.apiKey, weight: 1 }];
  const keys = (stated ?? []).filter(({ secret }) => secret !== '');
  return {
    name,
    protocol: read.protocol,
    baseUrl: read.baseUrl,
    keys,
    headers: read.headers ?? {},
    query: read.query ?? {},
    vendor: read.vendor ?? vendorOf(name, read.baseUrl),
    isActive: stated === undefined || keys.length > 0,
  };
}

/** `providers`. @internal */
export const providersSchema: z.ZodType<readonly ProviderConfig[]> = z
  .record(z.string(), providerSection)
  .transform((providers, context) => {
    const fault = (path: string[], message: string): void => {
      context.addIssue({ code: 'custom', path, message });
    };
    return Object.entries(providers).map(([name, provider]) => {
      if (!PROVIDER_NAME.test(name)) {
        fault([name], 'a provider name has 1 to 64 letters, digits, dots, dashes or underscores');
      }
      if (provider.apiKey !== undefined && provider.apiKeys !== undefined) {
        fault([name, 'apiKeys'], 'stands beside apiKey; write one of them');
      }
      return providerConfig(name, provider);
    });
  })
  .meta({ description: 'The upstreams, by name. At least one must be active.' });

const pricePerMillion = leaf(
  (text) => (/^\d{1,7}(\.\d{1,6})?$/.test(text) ? text : undefined),
  'is not a price; write dollars per million as 0.75 (at most six decimals)',
  {
    description: 'Dollars per million.',
    unit: 'USD per million',
    json: { type: ['number', 'string'] },
  },
);

const priceShare = (description: string): z.ZodType<string, string> =>
  leaf(
    (text) => (/^\d{1,3}(\.\d{1,4})?$/.test(text) ? text : undefined),
    'is not a share; write 0.5 (at most four decimals)',
    { description, unit: 'share of the price', json: { type: ['number', 'string'] } },
  );

type BucketShape = Record<UsageBucket, z.ZodExactOptional<z.ZodType<string, string>>>;

const bucketPrice: BucketShape[UsageBucket] = pricePerMillion.exactOptional();

const bucketPrices: BucketShape = {
  input: bucketPrice,
  cacheRead: bucketPrice,
  cacheWrite5m: bucketPrice,
  cacheWrite30m: bucketPrice,
  cacheWrite1h: bucketPrice,
  output: bucketPrice,
  inputAudio: bucketPrice,
  cacheReadAudio: bucketPrice,
  outputAudio: bucketPrice,
  inputImage: bucketPrice,
  cacheReadImage: bucketPrice,
  outputImage: bucketPrice,
  inputVideo: bucketPrice,
  cacheReadVideo: bucketPrice,
  webSearch: bucketPrice,
};

const priceSection = section(
  'The prices of a target. Cache reads, images and video without one cost what input costs; cache writes, audio and searches without one are unpriced.',
  {
    ...bucketPrices,
    input: pricePerMillion,
    batchRatio: priceShare(
      "What the provider's batches cost as a share of these prices. Left out: batches are unpriced, so that no call is moved there.",
    ).optional(),
    flexRatio: priceShare(
      'What its flex tier costs as a share of these prices. Left out: the tier is unpriced.',
    ).optional(),
    from: day('First day (UTC) on which the price holds.').optional(),
    until: day('First day (UTC) on which it holds no more.').optional(),
  },
);

/** `prices`. @internal */
export const pricesSchema: z.ZodType<Readonly<Record<string, OperatorPrice>>> = z
  .record(z.string(), priceSection)
  .transform((prices, context): Readonly<Record<string, OperatorPrice>> => {
    for (const [name, { from, until }] of Object.entries(prices)) {
      if (parseTarget(name) === undefined) {
        context.addIssue({ code: 'custom', path: [name], message: 'a price is listed under provider/model' });
      }
      if (from !== undefined && until !== undefined && from >= until) {
        context.addIssue({ code: 'custom', path: [name, 'until'], message: 'is not after from' });
      }
    }
    return prices;
  })
  .meta({ description: 'Prices over the shipped price book, by target, in dollars per million (tokens, searches).' });

interface WeightedTarget {
  readonly target: Target;
  readonly weight: number;
}

const weightedTarget: z.ZodType<WeightedTarget> = section('A target with its weight.', {
  target: targetSchema,
  weight: wholeNumber(
    'With `balance: weighted` its share of the calls against the sum of all weights; with `latency` how much slower it may be.',
    1,
    1000,
  ),
});

const plainTarget: z.ZodType<WeightedTarget> = targetSchema.transform((read) => ({ target: read, weight: 1 }));

const modelSection = section('A name that clients may ask for.', {
  targets: z
    .array(z.union([plainTarget, weightedTarget]))
    .min(1, 'needs at least one target')
    .meta({
      description:
        'What answers: `provider/model` (weight 1), or `{ target, weight }`. The first is asked, the others are fallbacks in their order, unless `balance` says otherwise.',
    }),
  balance: oneOf(
    'Which target is asked first, and then which fallback: `order` as they are written; `weighted` by chance, each as often as its weight says; `latency` the one that is expected to begin its answer soonest, from its last answers and what it has under way. For targets that answer alike: the cache keeps their answers apart.',
    ['order', 'weighted', 'latency'],
  ),
  baseline: targetSchema
    .optional()
    .meta({ description: 'What the call would have used without Farthing. Left out: the first target.' }),
});

const UNUSED_WEIGHT = 'has no effect where targets are tried in order; write balance: weighted or balance: latency';

function balanceOf(by: RouteBalance['by'] | 'order', targets: readonly WeightedTarget[]): RouteBalance | undefined {
  return by === 'order' ? undefined : { by, weights: targets.map(({ weight }) => weight) };
}

/** `models`. @internal */
export const modelsSchema: z.ZodType<readonly ModelConfig[]> = z
  .record(z.string(), modelSection)
  .transform((models, context) =>
    Object.entries(models).map(([name, { targets, balance, baseline }]) => {
      if (!/^[\x21-\x7e]{1,256}$/.test(name)) {
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'a model name has 1 to 256 visible ASCII characters',
        });
      }
      if (balance === 'order') {
        for (const [index, { weight }] of targets.entries()) {
          if (weight === 1) continue;
          context.addIssue({ code: 'custom', path: [name, 'targets', index, 'weight'], message: UNUSED_WEIGHT });
        }
      }
      return { name, targets: targets.map((each) => each.target), balance: balanceOf(balance, targets), baseline };
    }),
  )
  .meta({ description: 'Names that clients may ask for beside `provider/model` and plain model names.' });
