import { expect, onTestFinished, test, vi } from 'vitest';
import { CostOptimizedLLM } from '../../src/client/cost-optimized-llm.ts';
import { createFarthing } from '../../src/client/create-farthing.ts';
import { judgePair } from '../../src/jobs/judge.ts';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { decodeRequest } from '../../src/wire/decode-request.ts';
import { chat } from '../support/audit-stage.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

const never = (): Promise<boolean> => new Promise(() => undefined);

test("a program's judge that never answers does not keep a program from closing", async () => {
  let asked = 0;
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 });
  onTestFinished(() => upstream.close());
  const farthing = createFarthing({
    providers: { openai: { protocol: 'openai', baseUrl: `${upstream.origin}/v1` } },
    apiKeys: { openai: 'test' },
    cache: false,
    routes: [
      {
        name: 'r',
        targets: ['openai/gpt-5.4-mini', 'openai/gpt-5.5'],
        quality: {
          maxQualityLoss: 0.1,
          calibrateRatio: 1,
          judge: () => {
            asked += 1;
            return never();
          },
        },
      },
    ],
  });
  await new CostOptimizedLLM({ farthing, defaultModel: 'gpt-5.5' }).complete('x');
  await expect.poll(() => asked).toBe(1);
  const startMs = performance.now();
  await farthing.close();
  expect(performance.now() - startMs).toBeLessThan(6000);
});

test.each([
  [{ kind: 'test', test: never } as const, { kind: 'dropped', reason: 'test-threw' }],
  [{ kind: 'checks', checks: [{ kind: 'test', name: 'never', test: never }] } as const, { kind: 'judged', loss: 0 }],
])('a test of a program that never answers ends its sample after a while: %o', async (judge, expected) => {
  vi.useFakeTimers();
  const request = decodeRequest('chat', new TextEncoder().encode(JSON.stringify(chat('m'))));
  const terms = { tools: [], uncheckedTools: [], mustCallTool: false, wantsJson: false, schema: undefined };
  const answer = (text: string): { readonly text: string; readonly toolCalls: []; readonly finish: 'complete' } => ({
    text,
    toolCalls: [],
    finish: 'complete',
  });
  const judged = judgePair(
    judge,
    { request, terms, cheap: answer('one'), strong: answer('two') },
    {
      ask: () => Promise.reject(new Error('no model is asked')),
      validate: () => [],
      random: { fraction: () => 0, hex: () => '' },
    },
  );
  await vi.advanceTimersByTimeAsync(70_000);
  vi.useRealTimers();
  expect(await judged).toMatchObject(expected);
});
