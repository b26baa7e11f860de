import { writeFile } from 'node:fs/promises';
import { residentMegabytes, runLoad } from './bench-process.ts';
import { BENCH_SECRET, MEMORY_CACHE_MEGABYTES, startStack } from './bench-stack.ts';

/** Calls between two looks at the memory, at the least. */
const MIN_STEP_CALLS = 1000;
const STEPS = 40;

interface SoakPoint {
  readonly calls: number;
  readonly residentMegabytes: number;
}

/**
 * Makes very many calls, three misses to one hit, and follows the resident memory. The slope is that of the second half: the first fills
 * the cache, and V8 grows its heap until it knows the load.
 */
export async function soak(calls: number, output: URL): Promise<void> {
  if (!(calls >= STEPS)) throw new RangeError(`--soak takes a number of calls from ${STEPS}`);
  const stack = await startStack();
  const gateway = stack.variants.get('farthing');
  if (gateway === undefined) throw new Error('no gateway');
  const points: SoakPoint[] = [];
  const step = Math.max(MIN_STEP_CALLS, Math.ceil(calls / STEPS));
  try {
    for (let done = 0; done < calls;) {
      const order = { origin: gateway.origin, path: '/v1/chat/completions', secret: BENCH_SECRET, concurrency: 32 };
      const misses = Math.ceil(step * 0.75);
      const runs = [
        await runLoad(stack.generator, { ...order, scenario: 'miss', calls: misses, firstIndex: done }),
        await runLoad(stack.generator, { ...order, scenario: 'hit', calls: step - misses, firstIndex: 0 }),
      ];
      if (runs.some(({ failed }) => failed > 0)) throw new Error(`calls failed after ${done}`);
      done += step;
      points.push({ calls: done, residentMegabytes: residentMegabytes(gateway.pid) });
      console.log(`${done} calls: ${points.at(-1)?.residentMegabytes.toFixed(0)} MB`);
    }
  } finally {
    await stack.close();
  }
  const slope = slopeOf(points.slice(points.length >> 1)) * 1e6;
  const result = { calls, memoryCacheMegabytes: MEMORY_CACHE_MEGABYTES, slopeMegabytesAMillionCalls: slope, points };
  await writeFile(output, `${JSON.stringify(result, undefined, 2)}\n`);
  console.log(`slope of the second half: ${slope.toFixed(1)} MB a million calls`);
}

/** Least squares: megabytes a call. */
function slopeOf(points: readonly SoakPoint[]): number {
  const meanCalls = mean(points.map(({ calls }) => calls));
  const meanMegabytes = mean(points.map((point) => point.residentMegabytes));
  let above = 0;
  let below = 0;
  for (const { calls, residentMegabytes: megabytes } of points) {
    above += (calls - meanCalls) * (megabytes - meanMegabytes);
    below += (calls - meanCalls) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
