import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram } from './bench-process.ts';
import { BENCH_SECRET, benchConfig } from './bench-stack.ts';
import { median } from './figures.ts';
import { freePort } from './nginx.ts';
import { bodyMaker, scenarioOf } from './scenario.ts';

/** From starting `farthing serve` in an empty folder to the end of its first answer, in milliseconds; the median of several starts. */
export async function startToFirstAnswerMs(main: string, upstreamOrigin: string, starts: number): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < starts; index += 1) times.push(await oneStartMs(main, upstreamOrigin));
  return median(times);
}

const makeBody = bodyMaker(scenarioOf('miss'));

async function oneStartMs(main: string, upstreamOrigin: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-start-'));
  const port = await freePort();
  const file = join(folder, 'farthing.yaml');
  await writeFile(file, benchConfig(join(folder, 'data'), upstreamOrigin, port));
  const startedAt = performance.now();
  const gateway = startProgram(process.execPath, [main, 'serve', '--config', file], `http://127.0.0.1:${port}`);
  try {
    while (!(await firstAnswer(gateway.origin))) {
      if (performance.now() - startedAt > 30_000) throw new Error('the gateway does not start');
    }
    return performance.now() - startedAt;
  } finally {
    await gateway.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function firstAnswer(origin: string): Promise<boolean> {
  try {
    const reply = await fetch(`${origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${BENCH_SECRET}` },
      body: makeBody(0),
    });
    await reply.arrayBuffer();
    return reply.status === 200;
  } catch {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    return false;
  }
}
