import { expect, test } from 'vitest';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { BROKEN_REPLY_STAGES, deceivedClients } from '../support/broken-replies.ts';
import { FAULT_CASES, type FaultCase } from '../support/fault-cases.ts';

const CASES = 200;
const seed = Date.now() % 100_000;

function sample(count: number): readonly FaultCase[] {
  const random = seededRandom(seed);
  const left = [...FAULT_CASES];
  return Array.from(
    { length: count },
    () => left.splice(Math.floor(random.fraction() * left.length), 1)[0] as FaultCase,
  );
}

test.each(BROKEN_REPLY_STAGES)(
  `no reply that is cut, stalled or broken ends as if it were whole: ${CASES} of ${FAULT_CASES.length} cases, %s (seed ${seed})`,
  { timeout: 120_000 },
  async (_, targets, resilience) => {
    expect(await deceivedClients(sample(CASES), targets, resilience)).toEqual([]);
  },
);
