import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { nanoUsd } from '../core/money.ts';
import { RouteMetrics } from './route-metrics.ts';

async function linesOf(registry: Registry): Promise<readonly string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith('farthing_'));
}

test('samples are counted by what came of them, with what they cost', async () => {
  const registry = new Registry();
  const metrics = new RouteMetrics([registry]);
  const sampled = { kind: 'route-sampled', route: 'chat' } as const;
  metrics.emit({ ...sampled, outcome: 'judged', costNanoUsd: nanoUsd(2_000_000) });
  metrics.emit({ ...sampled, outcome: 'judged', costNanoUsd: nanoUsd(0) });
  metrics.emit({ ...sampled, outcome: 'budget-spent', costNanoUsd: nanoUsd(0) });
  expect(await linesOf(registry)).toEqual([
    'farthing_route_samples_total{route="chat",outcome="judged"} 2',
    'farthing_route_samples_total{route="chat",outcome="budget-spent"} 1',
    'farthing_route_guard_cost_usd_total{route="chat"} 0.002',
  ]);
});

test('how routes stand is read when metrics are asked for, and what is no more is told no more', async () => {
  const registry = new Registry();
  const metrics = new RouteMetrics([registry]);
  const candidate = (isCertified: boolean, meanLoss?: number) => ({ name: 'p/cheap', isCertified, meanLoss });
  let routes = [{ route: 'chat', candidates: [candidate(true, 0.01)] }];
  metrics.watch(() => routes);
  expect(await linesOf(registry)).toEqual([
    'farthing_route_certified{route="chat",target="p/cheap"} 1',
    'farthing_route_mean_loss{route="chat",target="p/cheap"} 0.01',
  ]);
  routes = [{ route: 'chat', candidates: [candidate(false)] }];
  expect(await linesOf(registry)).toEqual(['farthing_route_certified{route="chat",target="p/cheap"} 0']);
  routes = [];
  expect(await linesOf(registry)).toEqual([]);
});
