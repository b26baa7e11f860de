import type { PromptBoundary, RenderedPrompt, BreakpointTtl } from './rendered-prompt.ts';
import type { PromptCache, PromptCacheScope } from './prompt-cache.ts';
import type { PromptCacheRegime } from './simulated-model.ts';

/** How the tokens of a prompt are billed; the buckets are disjoint and sum to the prompt's tokens. @internal */
export interface PromptAccount {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite30m: number;
  readonly cacheWrite1h: number;
}

/** What accounting needs beside the prompt. Times in simulated milliseconds. @internal */
export interface PromptAccountingContext {
  readonly cache: PromptCache;
  readonly scope: PromptCacheScope;
  readonly nowMs: number;
  /** When the first token of this request is there: from then on others can read what it wrote. */
  readonly availableAtMs: number;
  /** OpenAI from GPT-5.6: cache at the caller's breakpoints only. */
  readonly explicitOnly: boolean;
}

const TTL_MS: Readonly<Record<BreakpointTtl, number>> = { '5m': 300_000, '30m': 1_800_000, '1h': 3_600_000 };

/** Anthropic looks back over this many blocks from each breakpoint for a prefix that it knows. */
const ANTHROPIC_LOOK_BACK_BLOCKS = 20;

/** Splits a prompt's tokens into what was read from the provider's cache, written to it and neither, and remembers what was written. @internal */
export function accountPrompt(
  prompt: RenderedPrompt,
  regime: PromptCacheRegime,
  context: PromptAccountingContext,
): PromptAccount {
  if (regime.kind === 'none') return accountOf(prompt.tokens, 0, {});
  if (regime.kind === 'implicit-free') return implicitFree(prompt, regime, context);
  if (regime.kind === 'implicit-written') return implicitWritten(prompt, regime, context);
  return explicit(prompt, regime.minimumTokens, context);
}

function implicitFree(
  prompt: RenderedPrompt,
  regime: Extract<PromptCacheRegime, { kind: 'implicit-free' }>,
  context: PromptAccountingContext,
): PromptAccount {
  const { cache, scope, nowMs, availableAtMs } = context;
  if (prompt.tokens < regime.minimumTokens) return accountOf(prompt.tokens, 0, {});
  let cacheRead = 0;
  for (const [index, digest] of prompt.prefixDigests(regime.stepTokens).entries()) {
    const tokens = (index + 1) * regime.stepTokens;
    if (tokens < regime.minimumTokens) continue;
    // The last token is always computed, so a prompt is never read to its end.
    if (tokens < prompt.tokens && cache.read(scope, digest, nowMs)) cacheRead = tokens;
    cache.write(scope, digest, { nowMs, availableAtMs, ttlMs: regime.ttlMs });
  }
  return accountOf(prompt.tokens, cacheRead, {});
}

function implicitWritten(
  prompt: RenderedPrompt,
  regime: Extract<PromptCacheRegime, { kind: 'implicit-written' }>,
  context: PromptAccountingContext,
): PromptAccount {
  const { cache, scope, nowMs, availableAtMs } = context;
  const last = prompt.boundaries.length - 1;
  const marked = prompt.boundaries.filter(
    (boundary, index) =>
      boundary.tokens >= regime.minimumTokens &&
      (boundary.breakpoint !== undefined || (index === last && !context.explicitOnly)),
  );
  let cacheRead = 0;
  if (!context.explicitOnly || marked.length > 0) {
    for (const boundary of prompt.boundaries) {
      if (boundary.tokens >= regime.minimumTokens && cache.read(scope, boundary.digest, nowMs))
        cacheRead = boundary.tokens;
    }
  }
  for (const boundary of marked) cache.write(scope, boundary.digest, { nowMs, availableAtMs, ttlMs: regime.ttlMs });
  const end = marked.at(-1)?.tokens ?? 0;
  return accountOf(prompt.tokens, cacheRead, { cacheWrite30m: Math.max(0, end - cacheRead) });
}

function explicit(prompt: RenderedPrompt, minimumTokens: number, context: PromptAccountingContext): PromptAccount {
  const { cache, scope, nowMs, availableAtMs } = context;
  const marked = prompt.boundaries.filter(
    (boundary) => boundary.breakpoint !== undefined && boundary.tokens >= minimumTokens,
  );
  const cacheRead = longestKnown(prompt, marked, context);
  const written = { '5m': 0, '30m': 0, '1h': 0 };
  let start = cacheRead;
  for (const boundary of marked) {
    const ttl = boundary.breakpoint ?? '5m';
    if (boundary.tokens > start) {
      written[ttl] += boundary.tokens - start;
      start = boundary.tokens;
    }
    cache.write(scope, boundary.digest, { nowMs, availableAtMs, ttlMs: TTL_MS[ttl] });
  }
  return accountOf(prompt.tokens, cacheRead, { cacheWrite5m: written['5m'], cacheWrite1h: written['1h'] });
}

function longestKnown(
  prompt: RenderedPrompt,
  marked: readonly PromptBoundary[],
  context: PromptAccountingContext,
): number {
  const candidates = new Set<PromptBoundary>();
  for (const boundary of marked) {
    const index = prompt.boundaries.indexOf(boundary);
    const from = Math.max(0, index - ANTHROPIC_LOOK_BACK_BLOCKS + 1);
    for (const candidate of prompt.boundaries.slice(from, index + 1)) candidates.add(candidate);
  }
  const longestFirst = [...candidates].toSorted((left, right) => right.tokens - left.tokens);
  return (
    longestFirst.find((candidate) => context.cache.read(context.scope, candidate.digest, context.nowMs))?.tokens ?? 0
  );
}

function accountOf(
  tokens: number,
  cacheRead: number,
  written: Partial<Omit<PromptAccount, 'input' | 'cacheRead'>>,
): PromptAccount {
  const account = { cacheWrite5m: 0, cacheWrite30m: 0, cacheWrite1h: 0, ...written };
  const cached = cacheRead + account.cacheWrite5m + account.cacheWrite30m + account.cacheWrite1h;
  return { input: tokens - cached, cacheRead, ...account };
}
