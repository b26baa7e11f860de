import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inputTokensOf, outputTokensOf, type Usage } from '../src/core/model/usage.ts';
import { shippedPriceBook } from '../src/core/price-book-shipped.ts';
import { type Priced, type PriceParts, priceUsage } from '../src/core/price-usage.ts';
import { readUsage } from '../src/wire/read-usage.ts';
import type { UsageFlavour } from '../src/wire/usage-flavour.ts';
import { sharedData } from './support/shared-data.ts';

interface Reading {
  readonly api_flavor: string;
  readonly provider_id: string;
  readonly input_price?: string;
  readonly output_price?: string;
}

interface OracleCase {
  readonly file: string;
  readonly model: string | null;
  readonly body: Readonly<Record<string, unknown>>;
  readonly extracted: readonly {
    readonly usage: Readonly<Record<string, number>>;
    readonly extractors: readonly Reading[];
  }[];
}

type DeviationKind = 'unpriced-here' | 'priced-here-only' | 'differs';

interface Deviation {
  readonly reading: string;
  readonly model: string;
  readonly kind: DeviationKind;
  readonly count: number;
  readonly reason: string;
}

const FLAVOURS: ReadonlyMap<string, UsageFlavour> = new Map([
  ['openai/chat', 'openai-chat'],
  ['openai/responses', 'openai-responses'],
  ['openai/embeddings', 'openai-embeddings'],
  ['anthropic/default', 'anthropic'],
  ['google/default', 'google'],
  ['groq/default', 'groq'],
  ['mistral/default', 'mistral'],
  ['deepseek/chat', 'deepseek'],
]);
/** The month of the oracle's price book, outside DeepSeek's peak hours (a Saturday). */
const AT_MS = Date.parse('2026-08-15T12:00:00Z');
const OUTPUT_BUCKETS = new Set(['output', 'outputAudio', 'outputImage']);
/** Parts of the oracle's counts that are not billed apart: text is the rest, tool tokens are input. */
const LABELS = new Set(['input_text_tokens', 'output_text_tokens', 'input_tool_tokens', 'input_text_tool_tokens']);

const path = sharedData('wire', 'oracle-genai-prices.jsonl');
const cases: readonly OracleCase[] =
  path === undefined
    ? []
    : readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((line): OracleCase => JSON.parse(line));
const deviations: readonly Deviation[] = JSON.parse(
  readFileSync(new URL('price-oracle-deviations.json', import.meta.url), 'utf8'),
);

interface Comparison {
  readonly name: string;
  readonly reading: string;
  readonly flavour: UsageFlavour;
  readonly model: string;
  readonly body: OracleCase['body'];
  readonly oracleUsage: Readonly<Record<string, number>>;
  readonly oracle: Reading;
}

function comparisonsOf({ file, model, body, extracted }: OracleCase): readonly Comparison[] {
  const named = body['model'] ?? body['modelVersion'] ?? model;
  const asked = typeof named === 'string' ? named : '';
  return extracted.flatMap(({ usage, extractors }) =>
    extractors.flatMap((oracle) => {
      const reading = `${oracle.provider_id}/${oracle.api_flavor}`;
      const flavour = FLAVOURS.get(reading);
      if (flavour === undefined) return [];
      return [{ name: `${reading} ${file}`, reading, flavour, model: asked, body, oracleUsage: usage, oracle }];
    }),
  );
}

function readOf({ flavour, body }: Comparison): Usage | undefined {
  return readUsage(flavour, flavour === 'google' ? body['usageMetadata'] : body['usage'], body)?.usage;
}

/** Our buckets in the oracle's words, in which totals include their parts. */
function inOracleWords(usage: Usage, flavour: UsageFlavour): Readonly<Record<string, number>> {
  const words: Record<string, number> = {
    input_tokens: inputTokensOf(usage),
    output_tokens: outputTokensOf(usage),
    output_reasoning_tokens: usage.reasoning,
    cache_read_tokens: usage.cacheRead + usage.cacheReadAudio + usage.cacheReadImage + usage.cacheReadVideo,
    cache_write_tokens: usage.cacheWrite5m + usage.cacheWrite30m + usage.cacheWrite1h,
    cache_write_5m_tokens: usage.cacheWrite5m,
    cache_write_1h_tokens: usage.cacheWrite1h,
    cache_text_read_tokens: flavour === 'google' ? usage.cacheRead : 0,
    cache_audio_read_tokens: usage.cacheReadAudio,
    cache_image_read_tokens: usage.cacheReadImage,
    cache_video_read_tokens: usage.cacheReadVideo,
    input_audio_tokens: usage.inputAudio + usage.cacheReadAudio,
    input_image_tokens: usage.inputImage + usage.cacheReadImage,
    input_video_tokens: usage.inputVideo + usage.cacheReadVideo,
    output_audio_tokens: usage.outputAudio,
    output_image_tokens: usage.outputImage,
    web_searches: usage.webSearch,
  };
  return Object.fromEntries(Object.entries(words).filter(([, count]) => count !== 0));
}

function withoutLabels(usage: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(usage).filter(([name, count]) => count !== 0 && !LABELS.has(name)));
}

function pricedOf(comparison: Comparison, usage: Usage): Priced {
  const target = { provider: comparison.oracle.provider_id, model: comparison.model };
  return priceUsage(shippedPriceBook(), target, usage, {}, AT_MS);
}

/** One side of a price and how many nano-dollars its rounded parts may be off. */
function sideOf(parts: PriceParts, isOutput: boolean): { readonly nanoUsd: number; readonly tolerance: number } {
  const side = Object.entries(parts).filter(
    ([bucket]) => bucket !== 'webSearch' && OUTPUT_BUCKETS.has(bucket) === isOutput,
  );
  return { nanoUsd: side.reduce((sum, [, part]) => sum + part, 0), tolerance: side.length };
}

function isEqualPrice(parts: PriceParts, oracle: Reading): boolean {
  const isNear = (isOutput: boolean, dollars: string | undefined): boolean => {
    const { nanoUsd, tolerance } = sideOf(parts, isOutput);
    return Math.abs(nanoUsd - Math.round(Number(dollars) * 1e9)) <= tolerance;
  };
  return isNear(false, oracle.input_price) && isNear(true, oracle.output_price);
}

function deviationOf(comparison: Comparison, usage: Usage): DeviationKind | undefined {
  const priced = pricedOf(comparison, usage);
  const isPricedThere = comparison.oracle.input_price !== undefined;
  if (priced.kind === 'unpriced') return isPricedThere ? 'unpriced-here' : undefined;
  if (!isPricedThere) return 'priced-here-only';
  return isEqualPrice(priced.parts, comparison.oracle) ? undefined : 'differs';
}

describe.skipIf(path === undefined)('against the recorded replies of genai-prices', () => {
  test('every usage is the one that the oracle read', () => {
    const all = cases.flatMap(comparisonsOf);
    const differing = all.filter((comparison) => {
      const usage = readOf(comparison);
      const ours = usage === undefined ? {} : inOracleWords(usage, comparison.flavour);
      const theirs = withoutLabels(comparison.oracleUsage);
      const isLifeStated = comparison.flavour === 'anthropic' && 'cache_write_5m_tokens' in theirs;
      const words = Object.keys({ ...ours, ...theirs }).filter(
        (word) => isLifeStated || !/^cache_write_.*_tokens$/.test(word),
      );
      return words.some((word) => ours[word] !== theirs[word]);
    });
    expect(differing.map(({ name }) => name)).toEqual([]);
    expect(all).toHaveLength(2234);
  });

  test('every price is the one of the August 2026 book, but for the deviations that are listed with a reason', () => {
    const found = new Map<string, number>();
    let equal = 0;
    for (const comparison of cases.flatMap(comparisonsOf)) {
      const usage = readOf(comparison);
      if (usage === undefined) throw new Error(`no usage read: ${comparison.name}`);
      const kind = deviationOf(comparison, usage);
      if (kind === undefined) {
        equal += comparison.oracle.input_price === undefined ? 0 : 1;
        continue;
      }
      const key = `${comparison.reading} ${comparison.model} ${kind}`;
      found.set(key, (found.get(key) ?? 0) + 1);
    }
    const listed = new Map(deviations.map(({ reading, model, kind, count }) => [`${reading} ${model} ${kind}`, count]));
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(listed));
    expect(deviations.every(({ reason }) => reason.length > 40)).toBe(true);
    expect(equal).toBe(857);
  });
});
