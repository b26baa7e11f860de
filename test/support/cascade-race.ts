import { expect } from 'vitest';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { CASCADE_MODELS, expectMoneyOf, startCascadeStage } from './cascade-stage.ts';
import type { Speech } from './saying-provider.ts';

const CALLS = 120;
const CALLERS = 12;
const ENDPOINTS = ['chat', 'responses', 'messages'] as const;
const STRONG: ReadonlySet<string> = new Set([CASCADE_MODELS.chat.strong, CASCADE_MODELS.messages.strong]);

/** Makes many calls at a time, and looks at what becomes of each: no answer of a failed check reaches a client or the cache, and money is right. */
export async function raceThroughCascade(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const among = <T>(values: readonly T[]): T => values[Math.floor(random.fraction() * values.length)] as T;
  const cheapSpeeches: readonly Speech[] = [
    { text: '42' },
    { text: '42' },
    { text: 'wrong' },
    { text: '42 wrong', finish: 'length' },
    { status: 500 },
    { text: 'wrong and long '.repeat(50), breaksAfter: 500 },
  ];
  const stage = await startCascadeStage({
    agrees: true,
    isCached: true,
    says: (model) => {
      const until = later(Math.floor(random.fraction() * 4));
      if (STRONG.has(model))
        return { ...among<Speech>([{ text: '7' }, { text: '7' }, { text: '7' }, { status: 503 }]), until };
      return { ...among(cheapSpeeches), until };
    },
  });
  const seen = { texts: 0, failures: 0, left: 0 };
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let number = next++; number < CALLS; number = next++) {
      const away = new AbortController();
      if (random.fraction() < 0.1) void later(Math.floor(random.fraction() * 6)).then(() => away.abort());
      const prompt = `prompt ${Math.floor(random.fraction() * 80)}`;
      const ask = { endpoint: among(ENDPOINTS), prompt, isStream: random.fraction() < 0.5, signal: away.signal };
      try {
        // oxlint-disable-next-line no-await-in-loop -- a caller makes one call after the other
        const text = await stage.text(ask);
        expect(text).toMatch(/^(42|7)$/);
        seen.texts += 1;
      } catch (error) {
        expect(String(error)).not.toContain('wrong');
        seen[away.signal.aborted ? 'left' : 'failures'] += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  await stage.record(stage.made());
  expect(seen.texts).toBeGreaterThan(CALLS / 4);
  expect(seen.failures).toBeGreaterThan(0);
  expect(seen.left).toBeGreaterThan(0);
  const charges = await stage.charges();
  for (const record of stage.records) expectMoneyOf(record, charges);
  expect(stage.stored.length).toBeGreaterThan(0);
  for (const { body } of stage.stored) expect(Buffer.from(body).toString()).not.toContain('wrong');
}

/** So many turns of the event loop later. */
async function later(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one turn after the other
    await new Promise((resolve) => void setImmediate(resolve));
  }
}
