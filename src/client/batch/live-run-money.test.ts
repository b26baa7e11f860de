import { expect, test } from 'vitest';
import { nanoUsd } from '../../core/money.ts';
import { sampleCallRecord } from '../../testing/sample-ledger-rows.ts';
import { BatchProcessor } from './batch-processor.ts';
import type { BatchEngine } from './item-call.ts';

/** Nano-dollars that a call may cost, and does. */
const BOUND = nanoUsd(60);
const COST = nanoUsd(10);

/** An engine that asks the purse before each attempt, as the real one does, and takes its time. */
function payingEngine(attemptMs: (call: number) => number): { readonly engine: BatchEngine; calls(): number } {
  let calls = 0;
  const outcomes = new Map<string, string>();
  const engine: BatchEngine = {
    protocolOf: () => 'openai',
    async handle({ purse }, sink) {
      calls += 1;
      const id = `call_${calls}`;
      const attempt = calls;
      await Promise.resolve();
      const isPaid = purse?.take(BOUND) !== false;
      outcomes.set(id, isPaid ? 'complete' : 'budget-spent');
      if (isPaid) await new Promise((resolve) => setTimeout(resolve, attemptMs(attempt)));
      sink.head({ status: isPaid ? 200 : 402, headers: { 'x-farthing-request-id': id } });
      sink.write(Buffer.from('{"choices":[{"message":{"content":"yes"}}]}'));
      if (isPaid) purse?.settle(BOUND, COST);
      sink.end();
    },
    callRecord: (callId) =>
      Promise.resolve({
        ...sampleCallRecord(),
        callId,
        outcome: outcomes.get(callId) ?? 'broken',
        costNanoUsd: outcomes.get(callId) === 'complete' ? COST : nanoUsd(0),
      }),
  };
  return { engine, calls: () => calls };
}

test('items wait for money that others have set aside, and do not keep asking for it', async () => {
  const { engine, calls } = payingEngine((call) => (call === 1 ? 60 : 1));
  const processor = new BatchProcessor({ farthing: engine, model: 'm', maxUsd: '0.000000400', concurrency: 8 });
  const prompts = Array.from({ length: 30 }, (_, index) => `Question ${index}`);
  const { results, summary } = await processor.process(prompts);
  const answered = results.filter(({ kind }) => kind === 'answer').length;
  // 350 are spent when what is left is below 60.
  expect(answered).toBe(Math.min(30, (400 - 60) / 10 + 1));
  expect(summary.unspentUsd).toBe('0.0000001');
  expect(calls()).toBeLessThan(90);
});

test('when money runs out the rest are told so, and none waits for ever', async () => {
  const { engine, calls } = payingEngine((call) => call % 7);
  const processor = new BatchProcessor({ farthing: engine, model: 'm', maxUsd: '0.000000100', concurrency: 8 });
  const { results, summary } = await processor.process(Array.from({ length: 40 }, (_, index) => `Question ${index}`));
  expect(results.filter(({ kind }) => kind === 'answer')).toHaveLength(5);
  expect(summary).toMatchObject({ failures: { 'budget-spent': 35 }, unspentUsd: '0.00000005' });
  expect(calls()).toBeLessThan(120);
});
