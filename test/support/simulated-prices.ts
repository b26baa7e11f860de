import type { SimulatedPrices } from '../../src/simulator/provider-invoice.ts';

/** List prices of November 2026 in pico-dollars per token ($1 per million tokens is 1,000,000), for tests of the simulator alone. */
export const SIMULATED_PRICES: SimulatedPrices = {
  'gpt-5.4-mini': { input: 750_000, cacheRead: 75_000, output: 4_500_000 },
  'gpt-5.5': { input: 5_000_000, cacheRead: 500_000, output: 30_000_000 },
  'gpt-5.6-luna': { input: 200_000, cacheRead: 20_000, cacheWrite30m: 250_000, output: 1_200_000 },
  'claude-sonnet-5': {
    input: 2_000_000,
    cacheRead: 200_000,
    cacheWrite5m: 2_500_000,
    cacheWrite1h: 4_000_000,
    output: 10_000_000,
  },
  'claude-haiku-4-5': {
    input: 1_000_000,
    cacheRead: 100_000,
    cacheWrite5m: 1_250_000,
    cacheWrite1h: 2_000_000,
    output: 5_000_000,
  },
  'text-embedding-3-small': { input: 20_000 },
};
