import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { usageOf } from '../core/model/usage.ts';
import { costOf, picoUsd } from '../core/money.ts';
import { parseRatio, scaledCost } from '../core/price-ratio.ts';
import { ProviderInvoice } from './provider-invoice.ts';

test('each bucket is rounded half up to a nano-dollar before summing', () => {
  const invoice = new ProviderInvoice({ model: { input: 500, output: 499, cacheRead: 1500 } });
  invoice.bill('model', usageOf({ input: 1, output: 1, cacheRead: 1, reasoning: 1 }), true);
  expect(invoice.invoice()).toEqual({
    totalNanoUsd: 3n, // 0.5 -> 1, 0.499 -> 0, 1.5 -> 2; reasoning is part of output
    unstatedNanoUsd: 0n,
    unstatedRequests: 0,
    byModel: { model: { requests: 1, totalNanoUsd: 3n, unstatedNanoUsd: 0n } },
    byTier: {
      standard: { requests: 1, totalNanoUsd: 3n },
      batch: { requests: 0, totalNanoUsd: 0n },
      flex: { requests: 0, totalNanoUsd: 0n },
    },
    requests: 1,
  });
});

test('the invoice agrees with the money rule of the core to the nano-dollar', () => {
  const usages = fc.array(fc.record({ input: fc.nat(2_000_000), cacheRead: fc.nat(100_000), output: fc.nat(100_000) }));
  const prices = fc.record({ input: fc.nat(1e8), cacheRead: fc.nat(1e7), output: fc.nat(1e9) });
  fc.assert(
    fc.property(usages, prices, (requests, price) => {
      const invoice = new ProviderInvoice({ model: price });
      let expected = 0n;
      for (const usage of requests) {
        invoice.bill('model', usageOf(usage), true);
        for (const bucket of ['input', 'cacheRead', 'output'] as const) {
          expected += BigInt(costOf(usage[bucket], picoUsd(price[bucket])));
        }
      }
      expect(invoice.invoice().totalNanoUsd).toBe(expected);
      expect(invoice.invoice().requests).toBe(requests.length);
    }),
  );
});

test('batches and flex are billed at their share of the price, to the nano-dollar as the price book would', () => {
  const usages = fc.array(fc.record({ input: fc.nat(2_000_000), output: fc.nat(100_000) }));
  const ratio = fc.nat(20_000).map((tenThousandths) => tenThousandths / 10_000);
  fc.assert(
    fc.property(usages, fc.nat(1e8), fc.nat(1e9), ratio, (requests, input, output, batchRatio) => {
      const invoice = new ProviderInvoice({ model: { input, output } }, { batchRatio });
      const exact = parseRatio(String(batchRatio));
      let expected = 0n;
      for (const usage of requests) {
        invoice.bill('model', usageOf(usage), true, 'batch');
        expected += BigInt(scaledCost(usage.input, picoUsd(input), exact));
        expected += BigInt(scaledCost(usage.output, picoUsd(output), exact));
      }
      expect(invoice.invoice().byTier.batch).toEqual({ requests: requests.length, totalNanoUsd: expected });
      expect(invoice.invoice().totalNanoUsd).toBe(expected);
    }),
  );
  expect(() => new ProviderInvoice({}, { flexRatio: 0.123_45 })).toThrow('not a share');
});

test('requests whose usage the client never learnt are billed and shown apart', () => {
  const invoice = new ProviderInvoice({ model: { input: 1_000_000 } });
  invoice.bill('model', usageOf({ input: 10 }), true);
  invoice.bill('model', usageOf({ input: 3 }), false);
  expect(invoice.invoice()).toMatchObject({
    totalNanoUsd: 13_000n,
    unstatedNanoUsd: 3000n,
    unstatedRequests: 1,
    requests: 2,
  });
});

test('a bucket without a price is a fault, never free', () => {
  const invoice = new ProviderInvoice({ model: { input: 1 } });
  expect(() => invoice.bill('model', usageOf({ output: 1 }), true)).toThrow('no price for model output');
  expect(() => new ProviderInvoice({ model: { input: 0.5 } })).toThrow('whole number of pico-dollars');
});
