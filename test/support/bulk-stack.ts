import { onTestFinished } from 'vitest';
import { BatchProcessor, type BatchProcessorOptions } from '../../src/client/batch/batch-processor.ts';
import type { BatchResult } from '../../src/client/batch/batch-result.ts';
import { createFarthing, type Farthing, type FarthingOptions } from '../../src/client/create-farthing.ts';
import {
  type SimulatedProvider,
  type SimulatedProviderOptions,
  startSimulatedProvider,
} from '../../src/simulator/simulated-provider.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

/** A library engine for bulk work in front of the simulated provider. */
export interface BulkStack {
  readonly upstream: SimulatedProvider;
  readonly farthing: Farthing;
  /** Of one model, with short answers. */
  processor(options?: Partial<BatchProcessorOptions>): BatchProcessor;
}

/** Starts the stack; everything is closed when the test ends. */
export async function startBulkStack(
  provider: Partial<SimulatedProviderOptions> = {},
  options: FarthingOptions = {},
): Promise<BulkStack> {
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0, ...provider });
  const farthing = createFarthing({
    cache: false,
    apiKeys: { openai: 'test', anthropic: 'test' },
    ...options,
    providers: {
      openai: { protocol: 'openai', baseUrl: `${upstream.origin}/v1` },
      anthropic: { protocol: 'anthropic', baseUrl: upstream.origin },
    },
  });
  onTestFinished(async () => {
    await farthing.close();
    await upstream.close();
  });
  return {
    upstream,
    farthing,
    processor: (own = {}) => new BatchProcessor({ farthing, model: 'gpt-5.4-mini', maxOutputTokens: 20, ...own }),
  };
}

/** Results in few words: the text of an answer, or the code of an error. */
export function wordsOf(results: readonly BatchResult[]): readonly string[] {
  return results.map((result) => (result.kind === 'answer' ? 'answer' : result.error.code));
}
