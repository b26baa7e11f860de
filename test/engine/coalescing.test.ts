import { expect, test } from 'vitest';
import { startLibraryStack } from '../support/library-stack.ts';

const question = { model: 'gpt-5.4-mini', messages: [{ role: 'user' as const, content: 'What is a farthing?' }] };

test('identical calls in flight share one attempt; the followers pay nothing', async () => {
  const { openai, upstream, records } = await startLibraryStack({}, 0.05);
  const replies = await Promise.all(Array.from({ length: 50 }, () => openai.chat.completions.create(question)));
  expect(upstream.counters().requests).toBe(1);
  expect(new Set(replies.map((reply) => reply.choices[0]?.message.content)).size).toBe(1);
  // A call's record is made when its client has had its answer.
  await expect.poll(() => records.length).toBe(50);
  expect(records.filter((record) => record.cacheStatus === 'collapsed')).toHaveLength(49);
  expect(records.reduce((sum, record) => sum + (record.costNanoUsd ?? 0), 0)).toBe(
    Number(upstream.invoice().totalNanoUsd),
  );
});

test('a late joiner of a stream gets what has passed, then the rest', async () => {
  const { openai, upstream, records } = await startLibraryStack({}, 0.2);
  const read = async (
    stream: AsyncIterable<{ choices: { delta: { content?: string | null } }[] }>,
  ): Promise<string> => {
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    return text;
  };
  const leader = read(await openai.chat.completions.create({ ...question, stream: true }));
  await new Promise((resolve) => void setTimeout(resolve, 30));
  const follower = read(await openai.chat.completions.create({ ...question, stream: true }));
  const whole = openai.chat.completions.create(question);
  const text = await leader;
  expect(text.length).toBeGreaterThan(10);
  expect(await follower).toBe(text);
  expect((await whole).choices[0]?.message.content).toBe(text);
  expect(upstream.counters().requests).toBe(1);
  await expect.poll(() => records.length).toBe(3);
  expect(records.map((record) => record.cacheStatus).toSorted()).toEqual(['collapsed', 'collapsed', 'miss']);
});

test('one caller leaving does not disturb the others', async () => {
  const { openai, upstream } = await startLibraryStack({}, 0.1);
  const leaving = new AbortController();
  const leader = openai.chat.completions.create(question, { signal: leaving.signal });
  const others = Array.from({ length: 5 }, () => openai.chat.completions.create(question));
  setTimeout(() => leaving.abort(), 10);
  await expect(leader).rejects.toThrow(/abort/i);
  const replies = await Promise.all(others);
  expect(new Set(replies.map((reply) => reply.choices[0]?.message.content)).size).toBe(1);
  expect(upstream.counters()).toMatchObject({ requests: 1, clientsLeft: 0 });
});

test('the last one leaving cancels upstream, and what was produced is charged as an estimate', async () => {
  const { openai, upstream, records } = await startLibraryStack({}, 1);
  const leaving = new AbortController();
  const calls = [1, 2].map(() => openai.chat.completions.create(question, { signal: leaving.signal }));
  setTimeout(() => leaving.abort(), 60);
  await Promise.allSettled(calls);
  await expect.poll(() => upstream.counters().clientsLeft, { timeout: 1000 }).toBe(1);
  await expect.poll(() => records.length).toBe(2);
  const leader = records.find((record) => record.attempts === 1);
  expect(leader).toMatchObject({ outcome: 'client-left', isEstimate: true });
  expect(leader?.costNanoUsd).toBeGreaterThan(0);
});

test("a provider's failure is shared, not stored", async () => {
  const { openai, upstream } = await startLibraryStack({}, 0.05);
  upstream.failNext({ kind: 'status', status: 500 });
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => openai.chat.completions.create(question)));
  expect(results.every((result) => result.status === 'rejected')).toBe(true);
  expect(upstream.counters().requests).toBe(1);
  const next = await openai.chat.completions.create(question);
  expect(next.choices).toHaveLength(1);
  expect(upstream.counters().requests).toBe(2);
});

test('calls that the cache would not store do not share', async () => {
  const { openai, upstream } = await startLibraryStack({ cache: { mode: 'deterministic', ttlMs: 60_000 } }, 0.02);
  await Promise.all([1, 2, 3].map(() => openai.chat.completions.create(question)));
  expect(upstream.counters().requests).toBe(3);
});

test('a stream that is cut ends in an error, is charged, and is not stored', async () => {
  const { openai, upstream, last } = await startLibraryStack();
  upstream.failNext({ kind: 'cut', afterFrames: 3 });
  const stream = await openai.chat.completions.create({ ...question, stream: true });
  await expect(
    (async () => {
      for await (const chunk of stream) expect(chunk.choices).toBeInstanceOf(Array);
    })(),
  ).rejects.toThrow();
  expect(last()).toMatchObject({ outcome: 'broken', isEstimate: true });
  await openai.chat.completions.create({ ...question, stream: true });
  expect(upstream.counters().requests).toBe(2);
});
