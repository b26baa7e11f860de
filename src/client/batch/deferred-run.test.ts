import { expect, onTestFinished, test } from 'vitest';
import { startSimulatedProvider } from '../../simulator/simulated-provider.ts';
import { createFarthing } from '../create-farthing.ts';
import { BatchProcessor } from './batch-processor.ts';

test('in mode batch items are answered in their order through the Batch API, at half the price', async () => {
  const provider = await startSimulatedProvider({
    prices: { 'gpt-5.4-mini': { input: 1_000_000, output: 4_000_000 } },
    batches: { medianMs: 500, spreadSigma: 0, slowRatio: 0 },
  });
  const farthing = createFarthing({
    providers: {
      openai: { protocol: 'openai', baseUrl: `${provider.origin}/v1`, vendor: 'openai', apiKey: 'sk-test' },
    },
    prices: { 'openai/gpt-5.4-mini': { input: '1', output: '4', batchRatio: '0.5' } },
  });
  onTestFinished(async () => {
    await farthing.close();
    await provider.close();
  });
  const processor = new BatchProcessor({ farthing, model: 'gpt-5.4-mini', mode: 'batch', maxUsd: '1' });
  const items = [
    'What is a farthing?',
    { id: 'second', prompt: 'What is a groat?' },
    { id: 'again', prompt: 'What is a farthing?' },
    { prompt: 'And a crown?' },
  ];
  const { results, summary } = await processor.process(items);
  expect(results.map(({ kind, id, isRepeat }) => [kind, id, isRepeat])).toEqual([
    ['answer', undefined, false],
    ['answer', 'second', false],
    ['answer', 'again', true],
    ['answer', undefined, false],
  ]);
  expect(results[2]).toMatchObject({ body: results[0]?.body, costUsd: '0.00' });
  expect(summary.repeats).toBe(1);
  const { byTier, totalNanoUsd } = provider.invoice();
  expect(byTier.batch.requests).toBe(items.length - 1);
  expect(Math.round(Number(summary.costUsd) * 1e9)).toBe(Number(totalNanoUsd));
}, 60_000);
