import type { CacheMode } from '../../src/core/cacheability.ts';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import type { EngineCache } from '../../src/engine/engine-options.ts';
import type { Random } from '../../src/ports/clock.ts';
import type { ScriptedFault } from '../../src/simulator/scripted-fault.ts';
import type { SimulatedPrices } from '../../src/simulator/provider-invoice.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

/** Prices of the schedule's models: calls of `calm` ones are never left by their clients, so that their bill is known to the nano-dollar. */
export const SCHEDULE_PRICES: SimulatedPrices = { ...SIMULATED_PRICES, 'text-embedding-3-large': { input: 130_000 } };

/** Models by endpoint: the first is calm, the second is left at random. */
const MODELS: Readonly<
  Record<'chat' | 'responses' | 'embeddings' | 'messages', readonly [calm: string, left: string]>
> = {
  chat: ['gpt-5.4-mini', 'gpt-5.5'],
  responses: ['gpt-5.4-mini', 'gpt-5.5'],
  messages: ['claude-haiku-4-5', 'claude-sonnet-5'],
  embeddings: ['text-embedding-3-small', 'text-embedding-3-large'],
};

export const CALM_MODELS: readonly string[] = Object.values(MODELS).map(([calm]) => calm);

const ENDPOINTS = ['chat', 'chat', 'messages', 'responses', 'embeddings', 'embeddings'] as const;
const TEXTS = ['What is a farthing?', 'Name a coin.', 'Why is the sky blue?', 'Count to three.', 'Say hello.'] as const;
const CACHE_WISHES = ['no-cache', 'no-store', 'max-age=0', 'only-if-cached'] as const;
const MODES: readonly CacheMode[] = ['off', 'deterministic', 'declared', 'all', 'all'];

/** One call of a schedule. */
export interface ScheduledCall {
  readonly endpoint: Endpoint;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  /** From the start of the run, in milliseconds. */
  readonly atMs: number;
  /** After how many milliseconds the client leaves; 0 is before it arrives. */
  readonly leavesAfterMs: number | undefined;
  /** Share of writes after which the reader is behind. */
  readonly slowness: number;
  /** What the provider shows from here on. */
  readonly fault: ScriptedFault | undefined;
}

/** A run: how the engine is set up, and what happens to it. */
export interface MoneySchedule {
  readonly cache: Omit<EngineCache, 'store'>;
  readonly calls: readonly ScheduledCall[];
  /** Shares of ledger writes that fail. */
  readonly intendFaults: number;
  readonly chargeFaults: number;
}

/** Makes a schedule of chance alone. */
export function moneySchedule(random: Random, count: number): MoneySchedule {
  return {
    cache: {
      mode: pick(random, MODES),
      ttlMs: pick(random, [30, 60_000]),
      staleIfErrorMs: pick(random, [0, 60_000]),
      maxEntryBytes: pick(random, [2_000, 1_000_000]),
    },
    intendFaults: pick(random, [0, 0.05]),
    chargeFaults: pick(random, [0, 0.2]),
    calls: Array.from({ length: count }, () => scheduledCall(random)),
  };
}

function scheduledCall(random: Random): ScheduledCall {
  const endpoint = pick(random, ENDPOINTS);
  const isLeft = happens(random, 0.35);
  const model = MODELS[endpoint][isLeft ? 1 : 0];
  const isStream = endpoint !== 'embeddings' && happens(random, 0.5);
  const headers: Record<string, string> = {};
  if (happens(random, 0.15)) headers['cache-control'] = pick(random, CACHE_WISHES);
  if (happens(random, 0.3)) headers['x-farthing-cache'] = pick(random, ['on', 'off']);
  return {
    endpoint,
    body: { model, ...(isStream ? { stream: true } : {}), ...bodyOf(endpoint, isStream, random) },
    headers,
    atMs: random.fraction() * 400,
    leavesAfterMs: isLeft && happens(random, 0.6) ? Math.floor(random.fraction() * 40) : undefined,
    slowness: pick(random, [0, 0, 0.3]),
    fault: happens(random, 0.12) ? faultOf(random) : undefined,
  };
}

function bodyOf(
  endpoint: (typeof ENDPOINTS)[number],
  isStream: boolean,
  random: Random,
): Readonly<Record<string, unknown>> {
  const content = pick(random, TEXTS);
  if (endpoint === 'embeddings') {
    const inputs = Array.from({ length: 1 + Math.floor(random.fraction() * 3) }, () => pick(random, TEXTS));
    const encoding_format = pick(random, ['float', 'base64']);
    return { input: happens(random, 0.4) ? content : inputs, encoding_format, dimensions: 8 };
  }
  const sampling = happens(random, 0.6) ? { temperature: 0 } : {};
  if (endpoint === 'responses') return { input: content, max_output_tokens: 60, ...sampling };
  const messages = [{ role: 'user', content }];
  if (endpoint === 'messages') return { messages, max_tokens: 60, ...sampling };
  const options = isStream && happens(random, 0.4) ? { stream_options: { include_usage: true } } : {};
  return { messages, max_completion_tokens: 60, ...sampling, ...options };
}

function faultOf(random: Random): ScriptedFault {
  // Every stream has more than two frames: none of these comes to its end.
  const afterFrames = Math.floor(random.fraction() * 3);
  const kinds: readonly ScriptedFault[] = [
    { kind: 'status', status: pick(random, [400, 429, 500, 503, 529] as const) },
    { kind: 'cut', afterFrames },
    { kind: 'in-band-error', afterFrames },
    { kind: 'slow', delayMs: 30 },
    { kind: 'reset' },
  ];
  return pick(random, kinds);
}

function happens(random: Random, ratio: number): boolean {
  return random.fraction() < ratio;
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random.fraction() * values.length)] as T;
}
