import * as z from 'zod';
import { COMPRESSION_LEVELS, type CompressionLevel } from '../core/compress/compression.ts';
import type { OptimizePolicy } from '../core/optimize-policy.ts';
import { duration, line, oneOf, ratio, section, wholeNumber } from './schema-leaves.ts';

const extract = section('What level `extractive` keeps of long texts.', {
  keep: ratio('Share of the tokens that is kept; above 0, below 1.').refine(
    (share) => share > 0 && share < 1,
    'must lie between 0 and 1; write 0.5 to keep half',
  ),
  minTokens: wholeNumber('Texts below this many tokens stay whole.', 100, 10_000_000),
}).transform(({ keep, minTokens }) => ({ keepRatio: keep, minTokens }));

/** `optimize`. @internal */
export const optimizeSchema: z.ZodType<OptimizePolicy> = section('The prompt optimiser.', {
  level: oneOf<CompressionLevel>(
    'How far texts of a prompt may be changed: `lossless` keeps all data and words, `structural` all facts (records as tables, HTML as Markdown), `light` drops set phrases from English prose, `extractive` keeps the sentences that the question needs. Each level includes those before it.',
    COMPRESSION_LEVELS,
  ),
  extract,
  promptCache: oneOf<OptimizePolicy['promptCache']>(
    "`auto` adds what providers want for caching prompts (Anthropic's breakpoints, OpenAI's cache keys) where it pays by what was seen to recur; what a caller sets itself is left alone.",
    ['auto', 'off'],
  ),
  prefixWait: duration(
    "For how long a call may wait for another that writes the same beginning of a prompt to the provider's cache; at most a minute, `0s` never.",
  ).refine((waitMs) => waitMs <= 60_000, 'is too long; write 60s or less'),
  historyMaxTokens: wholeNumber(
    'Conversations above this many tokens lose their oldest turns, down to half of it at once, so that what is left stays cached. Left out: none is cut.',
    1000,
    10_000_000,
  ).optional(),
  unusedTools: z.array(line('A tool by name; `*` stands for anything.', 128)).optional().meta({
    description: 'Tools that are left out of calls as long as the conversation has not used them. Left out: none.',
  }),
  images: oneOf<OptimizePolicy['images']>(
    '`fit` makes inline images as small as the provider makes them itself; needs the package `sharp`.',
    ['verbatim', 'fit'],
  ),
}).transform((read) => ({
  level: read.level,
  extract: read.extract,
  promptCache: read.promptCache,
  prefixWaitMs: read.prefixWait,
  historyMaxTokens: read.historyMaxTokens,
  unusedTools: read.unusedTools ?? [],
  images: read.images,
}));
