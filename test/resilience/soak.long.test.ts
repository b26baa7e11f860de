import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startFaultyUpstream } from '../../src/testing/faulty-upstream.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { hasProcessFiles, openDescriptors, residentBytes } from '../support/process-memory.ts';
import { soakFault, SoakTraffic } from '../support/soak-traffic.ts';

/** Fewer for a trial, which then says nothing about memory: what is bounded has not filled its bounds before. */
const CALLS = Number(process.env['FARTHING_SOAK_CALLS'] ?? 1_000_000);
const LEAST_CALLS_FOR_SLOPE = 500_000;
const CALLERS = 24;
/** Share of the calls after which nothing may grow any more. What is bounded by a number (recent calls, keys that were seen) is full by then; after a quarter it was not quite. */
const WARM_UP_RATIO = 0.5;
const SAMPLES = 200;
/** Samples of which the least counts: memory goes up and down between collections of garbage. */
const SAMPLES_A_POINT = 10;
/** 5 MB a million calls, in bytes a call. */
const MAX_SLOPE = 5;

interface Sample {
  readonly calls: number;
  readonly bytes: number;
  readonly descriptors: number;
}

/** Growth in bytes a call: least squares through the lowest of every few samples. */
function slopeOf(samples: readonly Sample[]): number {
  const points: Sample[] = [];
  for (let start = 0; start < samples.length; start += SAMPLES_A_POINT) {
    const few = samples.slice(start, start + SAMPLES_A_POINT);
    points.push(few.reduce((least, sample) => (sample.bytes < least.bytes ? sample : least)));
  }
  const mean = (of: (sample: Sample) => number): number =>
    points.reduce((sum, one) => sum + of(one), 0) / points.length;
  const [meanCalls, meanBytes] = [mean(({ calls }) => calls), mean(({ bytes }) => bytes)];
  const covariance = mean(({ calls, bytes }) => (calls - meanCalls) * (bytes - meanBytes));
  return covariance / mean(({ calls }) => (calls - meanCalls) ** 2);
}

test.skipIf(!hasProcessFiles)(
  `${CALLS} calls of all kinds: memory grows by less than 5 MB a million, open files not at all`,
  { timeout: 4 * 3_600_000 },
  async () => {
    const upstream = await startFaultyUpstream({ faultOf: soakFault });
    const folder = mkdtempSync(join(tmpdir(), 'farthing-soak-'));
    const settings = {
      cache: { mode: 'all', ttl: '1h', memory: '8MB', disk: '20MB' },
      resilience: { retries: 0, cooldown: { failures: 1000, ratio: 1 } },
      limits: { maxLoopLag: '24h', maxHeapRatio: 1 },
      budgets: [{ name: 'everything', scope: 'all', limitUsd: 1_000_000, window: 'total', mode: 'hard' }],
    };
    // A small heap, so that garbage which waits to be collected is not taken for growth.
    const nodeOptions = ['--max-old-space-size=160', '--max-semi-space-size=8'];
    const gateway = await startGatewayProcess(folder, upstream.origin, { settings, nodeOptions, stderr: 'ignore' });
    const { pid } = gateway.child;
    const traffic = new SoakTraffic(gateway.url, CALLERS);
    onTestFinished(async () => {
      await traffic.close();
      await gateway.end('SIGKILL');
      await upstream.close();
      rmSync(folder, { recursive: true, force: true });
    });
    await traffic.runTo(CALLS * WARM_UP_RATIO);
    const samples: Sample[] = [];
    for (let index = 1; index <= SAMPLES; index += 1) {
      await traffic.runTo(CALLS * (WARM_UP_RATIO + ((1 - WARM_UP_RATIO) * index) / SAMPLES));
      samples.push({ calls: traffic.made, bytes: residentBytes(pid), descriptors: openDescriptors(pid) });
    }
    expect(traffic.surprises).toEqual([]);
    const told = samples
      .filter((_, index) => index % SAMPLES_A_POINT === 0)
      .map(({ bytes }) => Math.round(bytes / 1e6));
    const slope = slopeOf(samples);
    if (CALLS >= LEAST_CALLS_FOR_SLOPE) expect(slope, `MB: ${told.join(' ')}`).toBeLessThan(MAX_SLOPE);
    const descriptors = samples.map((sample) => sample.descriptors);
    // Each sample has some more or less under way; what is left open adds up to more than that.
    expect(meanOf(descriptors.slice(-20)), descriptors.join(' ')).toBeLessThanOrEqual(
      meanOf(descriptors.slice(0, 20)) + 3,
    );
  },
);

function meanOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0) / counts.length;
}
