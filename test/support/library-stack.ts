import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { onTestFinished } from 'vitest';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { createFarthing, type Farthing, type FarthingOptions } from '../../src/client/create-farthing.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

/** A library engine in front of the simulated provider, with the official clients. */
export interface LibraryStack {
  readonly upstream: SimulatedProvider;
  readonly farthing: Farthing;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  /** Records in the order in which calls finished. */
  readonly records: CallRecord[];
  readonly events: EngineEvent[];
  last(): CallRecord;
}

/** Starts the stack; everything is closed when the test ends. */
export async function startLibraryStack(options: FarthingOptions = {}, latencyRatio = 0): Promise<LibraryStack> {
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio });
  const records: CallRecord[] = [];
  const events: EngineEvent[] = [];
  const farthing = createFarthing({
    cache: { mode: 'all', ttlMs: 60_000 },
    // Failures are passed on as they come.
    resilience: { retries: 0 },
    ...options,
    providers: {
      openai: { protocol: 'openai', baseUrl: `${upstream.origin}/v1` },
      house: { protocol: 'openai', baseUrl: `${upstream.origin}/v1` },
      anthropic: { protocol: 'anthropic', baseUrl: upstream.origin },
      ...options.providers,
    },
    onCall: (record) => records.push(record),
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  onTestFinished(async () => {
    await farthing.close();
    await upstream.close();
  });
  return {
    upstream,
    farthing,
    openai: new OpenAI({ apiKey: 'test', baseURL: `${upstream.origin}/v1`, fetch: farthing.fetch, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: 'test', baseURL: upstream.origin, fetch: farthing.fetch, maxRetries: 0 }),
    records,
    events,
    last: () => {
      const record = records.at(-1);
      if (record === undefined) throw new Error('no call has finished');
      return record;
    },
  };
}
