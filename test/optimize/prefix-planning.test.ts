import { expect, test } from 'vitest';
import { formatUsd } from '../../src/core/money.ts';
import { prose } from '../../src/simulator/prose.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { startLibraryStack } from '../support/library-stack.ts';

const SYSTEM = `You are a support agent. ${prose(seededRandom(7), 12_000)}`;

function question(number: number): string {
  return `Question ${number}: ${prose(seededRandom(100 + number), 300)}`;
}

test('a system prompt that many conversations share is read from the cache that nobody asked for, and the bill says what that saved', async () => {
  const { anthropic, records, upstream } = await startLibraryStack({ optimize: { promptCache: 'auto' }, cache: false });
  for (let call = 0; call < 30; call += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as they recur
    await anthropic.messages.create({
      model: 'claude-sonnet-5',
      max_tokens: 200,
      system: SYSTEM,
      messages: [{ role: 'user', content: question(call) }],
    });
  }
  const last = records.at(-1);
  expect(last?.usage.cacheRead).toBeGreaterThan(2000);
  expect(last?.savedParts?.prefix).toBeGreaterThan(0);
  const sum = (field: 'costNanoUsd' | 'baselineNanoUsd'): bigint =>
    records.reduce((total, record) => total + BigInt(record[field] ?? 0), 0n);
  expect(formatUsd(sum('costNanoUsd'))).toBe(formatUsd(upstream.invoice().totalNanoUsd));
  // Uncached, all input would have been paid in full: most of it is saved.
  expect(Number(sum('costNanoUsd')) / Number(sum('baselineNanoUsd'))).toBeLessThan(0.75);
  for (const { savedNanoUsd, savedParts } of records) {
    const parts = Object.values(savedParts ?? {}).reduce((total, part) => total + part, 0);
    expect(parts).toBe(savedNanoUsd);
  }
});

test('a conversation that goes on is read from the cache turn by turn, and the client gets what it would have got', async () => {
  const { anthropic, records } = await startLibraryStack({ optimize: { promptCache: 'auto' }, cache: false });
  for (let conversation = 0; conversation < 6; conversation += 1) {
    const messages: { role: 'user' | 'assistant'; content: string }[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      messages.push({ role: 'user', content: `${conversation} ${question(turn)} ${prose(seededRandom(turn), 3000)}` });
      // oxlint-disable-next-line no-await-in-loop
      const reply = await anthropic.messages.create({ model: 'claude-sonnet-5', max_tokens: 100, messages });
      const text = reply.content[0]?.type === 'text' ? reply.content[0].text : '';
      messages.push({ role: 'assistant', content: text });
    }
  }
  const lastTurns = records.slice(-1);
  expect(lastTurns[0]?.usage.cacheRead).toBeGreaterThan(2000);
});

test('what a caller marks itself is left alone', async () => {
  const { anthropic, upstream, records } = await startLibraryStack({ optimize: { promptCache: 'auto' }, cache: false });
  for (let call = 0; call < 6; call += 1) {
    // oxlint-disable-next-line no-await-in-loop
    await anthropic.messages.create({
      model: 'claude-sonnet-5',
      max_tokens: 50,
      system: [{ type: 'text', text: SYSTEM, cache_control: { type: 'ephemeral' } }],
      messages: [{ role: 'user', content: question(call) }],
    });
  }
  const bodies = upstream.journal().map(({ bodyText }) => bodyText);
  for (const body of bodies) expect(body.match(/cache_control/g)).toHaveLength(1);
  // The caller's own saving is not ours.
  expect(records.at(-1)?.usage.cacheRead).toBeGreaterThan(2000);
  expect(records.at(-1)?.savedNanoUsd).toBe(0);
});
