import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inputTokensOf, outputTokensOf, USAGE_BUCKETS, type Usage, usageOf } from '../core/model/usage.ts';
import { readUsage } from './read-usage.ts';
import type { UsageFlavour } from './usage-flavour.ts';

const FLAVOURS: readonly UsageFlavour[] = [
  'openai-chat',
  'openai-responses',
  'openai-embeddings',
  'anthropic',
  'google',
  'groq',
  'mistral',
  'deepseek',
];

function usageIn(
  flavour: UsageFlavour,
  rawUsage: unknown,
  reply: Readonly<Record<string, unknown>> = {},
): Usage | undefined {
  return readUsage(flavour, rawUsage, reply)?.usage;
}

describe('OpenAI', () => {
  test('a chat prompt includes what was cached, written and spoken', () => {
    const usage = usageIn('openai-chat', {
      prompt_tokens: 2_006,
      completion_tokens: 300,
      prompt_tokens_details: { cached_tokens: 1_000, cache_write_tokens: 500, audio_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 192, audio_tokens: 40, rejected_prediction_tokens: 8 },
    });
    expect(usage).toEqual(
      usageOf({
        input: 500,
        cacheRead: 1_000,
        cacheWrite30m: 500,
        inputAudio: 6,
        output: 260,
        outputAudio: 40,
        reasoning: 192,
      }),
    );
  });

  test('cached audio and cached images leave the cached text', () => {
    const details = {
      cached_tokens: 900,
      audio_tokens: 300,
      cached_tokens_details: { audio_tokens: 200, image_tokens: 100 },
    };
    expect(
      usageIn('openai-chat', { prompt_tokens: 1_500, completion_tokens: 1, prompt_tokens_details: details }),
    ).toEqual(
      usageOf({ input: 500, cacheRead: 600, cacheReadAudio: 200, cacheReadImage: 100, inputAudio: 100, output: 1 }),
    );
  });

  test('a Responses answer states its details under other names', () => {
    const raw = {
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
      output_tokens: 50,
      output_tokens_details: { reasoning_tokens: 20 },
    };
    expect(readUsage('openai-responses', raw, { response: { service_tier: 'flex' } })).toEqual({
      usage: usageOf({ input: 30, cacheRead: 60, cacheWrite30m: 10, output: 50, reasoning: 20 }),
      terms: { serviceTier: 'flex' },
    });
  });

  test('embeddings are input alone', () => {
    expect(usageIn('openai-embeddings', { prompt_tokens: 8, total_tokens: 8 })).toEqual(usageOf({ input: 8 }));
  });

  test('the tier is the one that the reply says was served', () => {
    const raw = { prompt_tokens: 1, completion_tokens: 1 };
    expect(readUsage('openai-chat', raw, { service_tier: 'priority' })?.terms).toEqual({ serviceTier: 'priority' });
    expect(readUsage('openai-chat', raw, { service_tier: null })?.terms).toEqual({});
  });
});

describe('OpenAI-compatible dialects', () => {
  test('Groq puts the usage of a stream into x_groq', () => {
    const reply = { x_groq: { usage: { prompt_tokens: 30, completion_tokens: 12 } } };
    expect(usageIn('groq', undefined, reply)).toEqual(usageOf({ input: 30, output: 12 }));
  });

  test('DeepSeek states hits and misses', () => {
    const raw = { prompt_tokens: 128, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 64, completion_tokens: 5 };
    expect(usageIn('deepseek', raw)).toEqual(usageOf({ input: 64, cacheRead: 64, output: 5 }));
    expect(usageIn('deepseek', { prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 })).toEqual(
      usageOf({ input: 36, cacheRead: 64 }),
    );
  });

  test('xAI leaves reasoning out of the completion, as its total shows', () => {
    const details = { completion_tokens_details: { reasoning_tokens: 100 } };
    expect(usageIn('openai-chat', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 115, ...details })).toEqual(
      usageOf({ input: 10, output: 105, reasoning: 100 }),
    );
    expect(
      usageIn('openai-chat', { prompt_tokens: 10, completion_tokens: 105, total_tokens: 115, ...details }),
    ).toEqual(usageOf({ input: 10, output: 105, reasoning: 100 }));
  });

  test('a stated cost becomes decimal text, but not where the caller pays the provider', () => {
    const raw = { prompt_tokens: 1, completion_tokens: 1 };
    expect(readUsage('openai-chat', { ...raw, cost: 0.00012345 }, {})?.terms.statedCostUsd).toBe('0.00012345');
    expect(readUsage('openai-chat', { ...raw, cost: 1.5e-7 }, {})?.terms.statedCostUsd).toBe('0.000000150000000');
    expect(readUsage('openai-chat', { ...raw, cost: 0.1, is_byok: true }, {})?.terms.statedCostUsd).toBeUndefined();
    expect(readUsage('openai-chat', { ...raw, cost: -1 }, {})?.terms.statedCostUsd).toBeUndefined();
  });
});

describe('Anthropic', () => {
  test('input excludes cache tokens, and writes are split by life', () => {
    const raw = {
      input_tokens: 21,
      cache_read_input_tokens: 1_000,
      cache_creation_input_tokens: 700,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 500 },
      output_tokens: 90,
      output_tokens_details: { thinking_tokens: 40 },
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
      service_tier: 'standard',
      inference_geo: 'us',
      speed: 'fast',
    };
    expect(readUsage('anthropic', raw, {})).toEqual({
      usage: usageOf({
        input: 21,
        cacheRead: 1_000,
        cacheWrite5m: 200,
        cacheWrite1h: 500,
        output: 90,
        reasoning: 40,
        webSearch: 2,
      }),
      terms: { serviceTier: 'standard', geo: 'us', speed: 'fast' },
    });
  });

  test('a write without a stated life is one of five minutes', () => {
    expect(usageIn('anthropic', { input_tokens: 1, cache_creation_input_tokens: 7, output_tokens: 1 })).toEqual(
      usageOf({ input: 1, cacheWrite5m: 7, output: 1 }),
    );
  });
});

describe('Google', () => {
  test('thinking comes on top of the candidates, and tools on top of the prompt', () => {
    const raw = {
      promptTokenCount: 1_000,
      cachedContentTokenCount: 400,
      toolUsePromptTokenCount: 50,
      candidatesTokenCount: 100,
      thoughtsTokenCount: 30,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 500 },
        { modality: 'AUDIO', tokenCount: 300 },
        { modality: 'DOCUMENT', tokenCount: 100 },
        { modality: 'VIDEO', tokenCount: 100 },
        { modality: 'IMAGE' },
      ],
      cacheTokensDetails: [
        { modality: 'AUDIO', tokenCount: 100 },
        { modality: 'TEXT', tokenCount: 300 },
      ],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 60 }],
      serviceTier: 'flex',
    };
    expect(readUsage('google', raw, {})).toEqual({
      usage: usageOf({
        input: 250,
        cacheRead: 300,
        cacheReadAudio: 100,
        inputAudio: 200,
        inputImage: 100,
        inputVideo: 100,
        output: 70,
        outputImage: 60,
        reasoning: 30,
      }),
      terms: { serviceTier: 'flex' },
    });
  });
});

const count = fc.oneof(fc.nat(300_000), fc.constantFrom(null, undefined, '12', -5, 1.5, Number.NaN, 1e300, {}, []));
const details = fc.oneof(
  fc.dictionary(
    fc.constantFrom(
      'cached_tokens',
      'cache_write_tokens',
      'audio_tokens',
      'image_tokens',
      'video_tokens',
      'reasoning_tokens',
    ),
    count,
  ),
  fc.constantFrom(null, undefined, 7),
);

function whole(stated: unknown): number {
  return typeof stated === 'number' && stated > 0 ? Math.min(Math.floor(stated), 1e12) : 0;
}

describe('whatever a provider sends', () => {
  test('no value at all makes a reader throw or state something that is no usage', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FLAVOURS),
        fc.jsonValue(),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (flavour, raw, reply) => {
          const usage = readUsage(flavour, raw, reply)?.usage ?? usageOf({});
          expect(USAGE_BUCKETS.every((bucket) => Number.isSafeInteger(usage[bucket]) && usage[bucket] >= 0)).toBe(true);
        },
      ),
    );
  });

  test.each(FLAVOURS)('%s: no usage object is no usage', (flavour) => {
    for (const nothing of [undefined, null, {}, [], 'usage', 7, { prompt_tokens: '12', input_tokens: null }]) {
      expect(readUsage(flavour, nothing, {})).toBeUndefined();
    }
  });
});

describe('OpenAI-shaped totals', () => {
  test('chat buckets sum to the stated totals, and none is negative or broken', () => {
    const raw = fc.record({
      prompt_tokens: count,
      completion_tokens: count,
      prompt_tokens_details: details,
      completion_tokens_details: details,
    });
    fc.assert(
      fc.property(
        raw,
        fc.constantFrom<UsageFlavour>('openai-chat', 'groq', 'mistral', 'deepseek'),
        (usage, flavour) => {
          const read = usageIn(flavour, usage);
          if (read === undefined) return;
          expect(inputTokensOf(read)).toBe(whole(usage.prompt_tokens));
          expect(outputTokensOf(read)).toBe(whole(usage.completion_tokens));
          for (const bucket of USAGE_BUCKETS)
            expect(Number.isSafeInteger(read[bucket]) && read[bucket] >= 0).toBe(true);
          expect(read.reasoning).toBeLessThanOrEqual(read.output);
        },
      ),
    );
  });
});

describe('totals of the others', () => {
  test('Anthropic buckets sum to input, reads and creation', () => {
    const raw = fc.record({
      input_tokens: fc.nat(1e6),
      cache_read_input_tokens: count,
      cache_creation_input_tokens: fc.nat(1e6),
      cache_creation: fc.record({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count }),
      output_tokens: fc.nat(1e6),
    });
    fc.assert(
      fc.property(raw, (usage) => {
        const read = usageIn('anthropic', usage) ?? usageOf({});
        const reads = whole(usage.cache_read_input_tokens);
        expect(inputTokensOf(read)).toBe(usage.input_tokens + reads + usage.cache_creation_input_tokens);
        expect(outputTokensOf(read)).toBe(usage.output_tokens);
      }),
    );
  });

  test('Google buckets sum to prompt, tool prompt, candidates and thoughts', () => {
    const modalities = fc.array(
      fc.record({
        modality: fc.constantFrom('TEXT', 'AUDIO', 'IMAGE', 'VIDEO', 'DOCUMENT', 'SMELL'),
        tokenCount: count,
      }),
    );
    const raw = fc.record({
      promptTokenCount: fc.nat(1e6),
      cachedContentTokenCount: count,
      toolUsePromptTokenCount: fc.nat(1e6),
      candidatesTokenCount: fc.nat(1e6),
      thoughtsTokenCount: fc.nat(1e6),
      promptTokensDetails: modalities,
      cacheTokensDetails: modalities,
      toolUsePromptTokensDetails: modalities,
      candidatesTokensDetails: modalities,
    });
    fc.assert(
      fc.property(raw, (usage) => {
        const read = usageIn('google', usage) ?? usageOf({});
        expect(inputTokensOf(read)).toBe(usage.promptTokenCount + usage.toolUsePromptTokenCount);
        expect(outputTokensOf(read)).toBe(usage.candidatesTokenCount + usage.thoughtsTokenCount);
      }),
    );
  });
});
