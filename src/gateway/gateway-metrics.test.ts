import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callRecord } from '../../test/gateway/gateway-fixture.ts';
import { nanoUsd } from '../core/money.ts';
import { usageOf } from '../core/model/usage.ts';
import { GatewayMetrics } from './gateway-metrics.ts';

let metrics: GatewayMetrics;

beforeEach(() => {
  metrics = new GatewayMetrics({ inFlight: () => 4, cache: () => ({ entries: 2, sizeBytes: 2048 }) });
});
afterEach(() => metrics.close());

async function lines(): Promise<readonly string[]> {
  return (await metrics.exposition()).text.split('\n').filter((line) => line.startsWith('farthing_'));
}

function finish(changes: Parameters<typeof callRecord>[0]): void {
  metrics.emit({ kind: 'call-finished', record: callRecord(changes) });
}

describe('a finished call', () => {
  test('is counted by endpoint, provider, outcome and cache status', async () => {
    finish({});
    finish({});
    finish({ cacheStatus: 'hit' });
    finish({ target: undefined, outcome: 'refused', status: 400 });
    const calls = (await lines()).filter((line) => line.startsWith('farthing_calls_total'));
    expect(calls).toEqual([
      'farthing_calls_total{endpoint="chat",provider="openai",outcome="complete",cache="miss"} 2',
      'farthing_calls_total{endpoint="chat",provider="openai",outcome="complete",cache="hit"} 1',
      'farthing_calls_total{endpoint="chat",provider="none",outcome="refused",cache="miss"} 1',
    ]);
  });

  test('adds its money in dollars; what was lost stands apart, so that no counter ever falls', async () => {
    finish({
      costNanoUsd: nanoUsd(1_500_000_000),
      baselineNanoUsd: nanoUsd(2_000_000_000),
      savedNanoUsd: nanoUsd(500_000_000),
    });
    finish({ costNanoUsd: nanoUsd(300), baselineNanoUsd: nanoUsd(100), savedNanoUsd: nanoUsd(-200) });
    const money = (await lines()).filter((line) => line.includes('_usd_total{'));
    const labels = '{endpoint="chat",provider="openai"}';
    expect(money).toEqual([
      `farthing_cost_usd_total${labels} 1.5000003`,
      `farthing_baseline_usd_total${labels} 2.0000001`,
      `farthing_saved_usd_total${labels} 0.5`,
      `farthing_lost_usd_total${labels} 2e-7`,
      `farthing_missed_by_mode_usd_total${labels} 0`,
    ]);
  });

  test('adds its tokens by bucket; those of a hit were not paid for again', async () => {
    finish({ usage: usageOf({ input: 10, cacheRead: 5, output: 3 }) });
    finish({ usage: usageOf({ input: 7 }), cacheStatus: 'collapsed' });
    const tokens = (await lines()).filter((line) => line.startsWith('farthing_tokens_total'));
    expect(tokens).toEqual([
      'farthing_tokens_total{provider="openai",bucket="input",source="provider"} 10',
      'farthing_tokens_total{provider="openai",bucket="cacheRead",source="provider"} 5',
      'farthing_tokens_total{provider="openai",bucket="output",source="provider"} 3',
      'farthing_tokens_total{provider="openai",bucket="input",source="cache"} 7',
    ]);
  });

  test('is timed to its last and its first byte', async () => {
    finish({ durationMs: 40, firstByteMs: 2 });
    finish({ durationMs: 40, firstByteMs: undefined });
    const all = (await lines()).join('\n');
    expect(all).toContain('farthing_call_duration_seconds_bucket{le="0.05",endpoint="chat",cache="miss"} 2');
    expect(all).toContain('farthing_call_duration_seconds_sum{endpoint="chat",cache="miss"} 0.08');
    expect(all).toContain('farthing_first_byte_seconds_bucket{le="0.0025",endpoint="chat",cache="miss"} 1');
    expect(all).toContain('farthing_first_byte_seconds_count{endpoint="chat",cache="miss"} 1');
  });

  test('is added once, however often metrics are read', async () => {
    finish({});
    await lines();
    expect(await lines()).toContain(
      'farthing_calls_total{endpoint="chat",provider="openai",outcome="complete",cache="miss"} 1',
    );
  });

  test('leaves no model, key, project or tag in a label', async () => {
    finish({
      modelAsked: 'canary-m',
      servedModel: 'canary-s',
      keyId: 'canary-k',
      project: 'canary-p',
      tags: { user: 'canary-t' },
      target: 'openai/canary-x',
    });
    expect((await lines()).join('\n')).not.toContain('canary');
  });
});

test('alarms and faults are counted', async () => {
  metrics.emit({ kind: 'unpriced-charged', callId: 'a', target: 'b/c' });
  metrics.emit({ kind: 'usage-missing', callId: 'a', target: 'b/c' });
  metrics.emit({ kind: 'internal-fault', callId: 'a', error: new Error('x') });
  metrics.emit({ kind: 'store-failed', store: 'ledger', operation: 'charge', error: new Error('x') });
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'farthing_unpriced_charges_total 1',
      'farthing_usage_missing_total 1',
      'farthing_internal_faults_total 1',
      'farthing_store_faults_total{store="ledger",operation="charge"} 1',
    ]),
  );
});

test('gauges are read when they are asked for', async () => {
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'farthing_calls_in_flight 4',
      'farthing_cache_entries 2',
      'farthing_cache_size_bytes 2048',
    ]),
  );
});

test('docs/metrics.md names every metric, and none that is not there', async () => {
  finish({ costNanoUsd: nanoUsd(1) });
  const { text } = await metrics.exposition();
  const exposed = [...text.matchAll(/^# TYPE (farthing_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const guide = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const documented = [...guide.matchAll(/^\| `(farthing_\w+)`\s*\| (\w+)\s*\|/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  expect(documented.toSorted()).toEqual(exposed.toSorted());
});
