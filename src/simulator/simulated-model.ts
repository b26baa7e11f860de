/**
 * How a model's provider caches the beginning of prompts (facts as of November 2026):
 * - `implicit-free`: OpenAI before GPT-5.6. At least 1,024 tokens, in steps of 128, writing is free.
 * - `implicit-written`: OpenAI from GPT-5.6. At least 1,024 tokens, at the borders of parts, written tokens are billed apart (1.25x input).
 * - `explicit`: Anthropic. Only up to the caller's breakpoints, minimum by model, 5-minute and 1-hour life, written tokens are billed apart.
 * - `none`: embeddings.
 * @internal
 */
export type PromptCacheRegime =
  | {
      readonly kind: 'implicit-free';
      readonly minimumTokens: number;
      readonly stepTokens: number;
      readonly ttlMs: number;
    }
  | { readonly kind: 'implicit-written'; readonly minimumTokens: number; readonly ttlMs: number }
  | { readonly kind: 'explicit'; readonly minimumTokens: number }
  | { readonly kind: 'none' };

/** What the simulator knows of a model. @internal */
export interface SimulatedModel {
  readonly name: string;
  /** The name that replies carry: the dated snapshot where the provider resolves to one. */
  readonly servedName: string;
  readonly vendor: 'openai' | 'anthropic';
  readonly kind: 'language' | 'embedding';
  readonly regime: PromptCacheRegime;
  /** Whether `temperature`, `top_p` and `top_k` other than the default are accepted. */
  readonly allowsSampling: boolean;
  /** Reasoning tokens for each token of text at default effort. */
  readonly reasoningRatio: number;
  /** Median time to the first token, in milliseconds. An assumption: the usual order of magnitude, not a measurement. */
  readonly firstTokenMs: number;
  /** Speed after the first token. An assumption as well. */
  readonly tokensPerSecond: number;
  /** Share of tool calls whose arguments lack something that their schema requires. */
  readonly wrongArgumentsRatio: number;
  /** Length of embedding vectors; 0 for language models. */
  readonly dimensions: number;
}

const MINUTE_MS = 60_000;
const IMPLICIT_FREE: PromptCacheRegime = {
  kind: 'implicit-free',
  minimumTokens: 1024,
  stepTokens: 128,
  ttlMs: 10 * MINUTE_MS,
};
/** gpt-5.5 and later keep prompts for 24 hours (OpenAI, `prompt_cache_retention`). */
const IMPLICIT_FREE_LONG: PromptCacheRegime = { ...IMPLICIT_FREE, ttlMs: 24 * 60 * MINUTE_MS };
const IMPLICIT_WRITTEN: PromptCacheRegime = { kind: 'implicit-written', minimumTokens: 1024, ttlMs: 30 * MINUTE_MS };

type Profile = Omit<SimulatedModel, 'name' | 'servedName' | 'vendor' | 'regime'> & { readonly servedName?: string };

const LANGUAGE: Profile = {
  kind: 'language',
  allowsSampling: true,
  reasoningRatio: 0,
  firstTokenMs: 600,
  tokensPerSecond: 80,
  wrongArgumentsRatio: 0,
  dimensions: 0,
};

/** As often as calls of small models failed a check of their schema in the Berkeley Function Calling Leaderboard: 6.9 % (gpt-4o-mini) to 10.3 % (claude-3-haiku). */
const SMALL_MODEL_WRONG_RATIO = 0.1;

const PROFILES: Readonly<Record<string, Profile>> = {
  'gpt-5.4-nano': {
    ...LANGUAGE,
    firstTokenMs: 350,
    tokensPerSecond: 180,
    wrongArgumentsRatio: SMALL_MODEL_WRONG_RATIO,
  },
  'gpt-5.4-mini': { ...LANGUAGE, firstTokenMs: 450, tokensPerSecond: 130 },
  'gpt-5.5': { ...LANGUAGE, allowsSampling: false, reasoningRatio: 1.5, firstTokenMs: 1100, tokensPerSecond: 70 },
  'claude-sonnet-5': { ...LANGUAGE, allowsSampling: false, firstTokenMs: 900, tokensPerSecond: 75 },
  'claude-haiku-4-5': { ...LANGUAGE, servedName: 'claude-haiku-4-5-20251001', firstTokenMs: 500, tokensPerSecond: 150 },
  'text-embedding-3-small': { ...LANGUAGE, kind: 'embedding', firstTokenMs: 120, dimensions: 1536 },
  'text-embedding-3-large': { ...LANGUAGE, kind: 'embedding', firstTokenMs: 150, dimensions: 3072 },
};

/** Anthropic's minimum of tokens by model, by the longest fitting beginning of the name (platform.claude.com, cache limitations, October 2026). */
const ANTHROPIC_MINIMUM: readonly (readonly [prefix: string, minimumTokens: number])[] = [
  ['claude-haiku-4-5', 4096],
  ['claude-haiku-5-5', 512],
  ['claude-opus-4-5', 4096],
  ['claude-opus-4-6', 4096],
  ['claude-opus-4-7', 2048],
  ['claude-opus-5', 512],
  ['claude-sonnet-5-5', 512],
  ['claude-3-5-haiku', 2048],
];
const ANTHROPIC_DEFAULT_MINIMUM = 1024;

/**
 * What the simulator knows of the model of that name. Any name is taken: what is not in the table behaves like a usual model
 * of the vendor that the name suggests (`claude...` is Anthropic's, all else OpenAI's; `...embedding...` makes vectors).
 * @internal
 */
export function simulatedModel(name: string): SimulatedModel {
  const embedding = name.includes('embedding');
  const profile =
    PROFILES[name] ?? (embedding ? { ...LANGUAGE, kind: 'embedding' as const, dimensions: 256 } : LANGUAGE);
  const vendor = name.startsWith('claude') ? 'anthropic' : 'openai';
  const regime: PromptCacheRegime =
    profile.kind === 'embedding'
      ? { kind: 'none' }
      : vendor === 'anthropic'
        ? anthropicRegime(name)
        : openaiRegime(name);
  return { ...profile, name, vendor, regime, servedName: profile.servedName ?? name };
}

function anthropicRegime(name: string): PromptCacheRegime {
  const found = ANTHROPIC_MINIMUM.find(([prefix]) => name.startsWith(prefix));
  return { kind: 'explicit', minimumTokens: found?.[1] ?? ANTHROPIC_DEFAULT_MINIMUM };
}

function openaiRegime(name: string): PromptCacheRegime {
  const version = Number(/^gpt-(\d+(?:\.\d+)?)/.exec(name)?.[1] ?? 0);
  if (version >= 5.6) return IMPLICIT_WRITTEN;
  return version >= 5.5 ? IMPLICIT_FREE_LONG : IMPLICIT_FREE;
}
