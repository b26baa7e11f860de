import { expect, test } from 'vitest';
import { SAVING_STEPS } from '../../src/core/savings.ts';
import { CostOptimizedLLM } from '../../src/client/cost-optimized-llm.ts';
import { startLibraryStack } from '../support/library-stack.ts';

const MODEL = 'gpt-5.4-mini';
const KEYS = { openai: 'test', anthropic: 'test', house: 'test' };
const question = { model: MODEL, messages: [{ role: 'user' as const, content: 'What is a farthing?' }] };

test('a repeat is served from the cache: same answer, fresh id, cost nothing, baseline saved', async () => {
  const { openai, upstream, records } = await startLibraryStack();
  const first = await openai.chat.completions.create(question);
  const second = await openai.chat.completions.create(question);
  expect(second.choices).toEqual(first.choices);
  expect(second.usage).toEqual(first.usage);
  expect(second.id).not.toBe(first.id);
  expect(second.id).toHaveLength(first.id.length);
  expect(upstream.counters().requests).toBe(1);
  const [bought, hit] = records;
  expect(bought).toMatchObject({ cacheStatus: 'miss', attempts: 1, outcome: 'complete', savedNanoUsd: 0 });
  expect(hit).toMatchObject({ cacheStatus: 'hit', attempts: 0, costNanoUsd: 0 });
  expect(hit?.savedNanoUsd).toBe(bought?.costNanoUsd);
  expect(hit?.savedParts?.cache).toBe(bought?.costNanoUsd);
});

test('the ledger is the invoice, to the nano-dollar', async () => {
  const { openai, anthropic, upstream, farthing } = await startLibraryStack();
  for (const content of ['one', 'two', 'one']) {
    await openai.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content }] });
    await anthropic.messages.create({
      model: 'claude-sonnet-5',
      max_tokens: 200,
      messages: [{ role: 'user', content }],
    });
  }
  const rows = await farthing.report('model');
  expect(rows.reduce((sum, row) => sum + row.costNanoUsd, 0n)).toBe(upstream.invoice().totalNanoUsd);
  expect(rows.reduce((sum, row) => sum + row.hits, 0)).toBe(2);
});

test('one stored answer serves streamed and whole requests alike, OpenAI', async () => {
  const { openai, upstream } = await startLibraryStack();
  const whole = await openai.chat.completions.create(question);
  const stream = openai.chat.completions.stream({ ...question, stream_options: { include_usage: true } });
  const replayed = await stream.finalChatCompletion();
  expect(replayed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
  expect(replayed.usage).toEqual(whole.usage);
  expect(upstream.counters().requests).toBe(1);
});

test('a stored stream serves a whole request, Anthropic', async () => {
  const { anthropic, upstream } = await startLibraryStack();
  const request = {
    model: 'claude-sonnet-5',
    max_tokens: 300,
    messages: [{ role: 'user' as const, content: 'Hello' }],
  };
  const streamed = await anthropic.messages.stream(request).finalMessage();
  const whole = await anthropic.messages.create(request);
  expect(whole.content).toEqual(streamed.content);
  expect(whole.usage.output_tokens).toBe(streamed.usage.output_tokens);
  expect(upstream.counters().requests).toBe(1);
});

test('the usage chunk that we ask for is withheld from a client who did not', async () => {
  const { openai, records } = await startLibraryStack();
  for (const round of ['miss', 'hit']) {
    const chunks = [];
    for await (const chunk of await openai.chat.completions.create({ ...question, stream: true })) chunks.push(chunk);
    expect(chunks.every((chunk) => chunk.choices.length > 0)).toBe(true);
    expect(records.at(-1)?.cacheStatus).toBe(round);
    expect(records.at(-1)?.usage.output).toBeGreaterThan(0);
  }
});

test('a Responses stream and its replay end in the same response', async () => {
  const { openai, upstream } = await startLibraryStack();
  const request = { model: MODEL, input: 'Say hello' };
  const streamed = await openai.responses.stream(request).finalResponse();
  const whole = await openai.responses.create(request);
  expect(whole.output_text).toBe(streamed.output_text);
  expect(whole.id).toBe(streamed.id);
  expect(upstream.counters().requests).toBe(1);
});

test('tool calls are stored and replayed verbatim', async () => {
  const { openai, upstream } = await startLibraryStack();
  const request = {
    ...question,
    tool_choice: 'required' as const,
    tools: [
      {
        type: 'function' as const,
        function: {
          name: 'weather',
          parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        },
      },
    ],
  };
  const first = await openai.chat.completions.create(request);
  const second = await openai.chat.completions.create(request);
  expect(first.choices[0]?.message.tool_calls).toHaveLength(1);
  expect(second.choices).toEqual(first.choices);
  expect(upstream.counters().requests).toBe(1);
});

test('embeddings are kept by item: only the misses are asked, order and tokens are exact', async () => {
  const { openai, upstream, records } = await startLibraryStack();
  const model = 'text-embedding-3-small';
  const first = await openai.embeddings.create({ model, input: ['one', 'two'] });
  const second = await openai.embeddings.create({
    model,
    input: ['three', 'two', 'one', 'three'],
    encoding_format: 'float',
  });
  const fresh = await openai.embeddings.create({ model, input: ['three'], encoding_format: 'float' });
  expect(second.data.map((item) => item.index)).toEqual([0, 1, 2, 3]);
  expect(second.data[2]?.embedding).toEqual(first.data[0]?.embedding);
  expect(second.data[1]?.embedding).toEqual(first.data[1]?.embedding);
  expect(second.data[0]?.embedding).toEqual(second.data[3]?.embedding);
  expect(fresh.data[0]?.embedding).toEqual(second.data[0]?.embedding);
  expect(upstream.counters().requests).toBe(2);
  const [bought, mixed, hit] = records;
  expect(mixed?.usage.input).toBe(second.usage.prompt_tokens);
  expect((mixed?.costNanoUsd ?? 0) + (mixed?.savedNanoUsd ?? 0)).toBe(mixed?.baselineNanoUsd);
  expect(mixed?.savedNanoUsd).toBeGreaterThan(0);
  expect(bought?.savedNanoUsd).toBe(0);
  expect(hit).toMatchObject({ cacheStatus: 'hit', costNanoUsd: 0 });
});

test('a repeat that only the mode kept from the cache is reported as missed', async () => {
  const { openai, records } = await startLibraryStack({ cache: { mode: 'deterministic', ttlMs: 60_000 } });
  await openai.chat.completions.create(question);
  await openai.chat.completions.create(question);
  expect(records[0]?.missedByMode).toBeUndefined();
  expect(records[1]?.missedByMode).toEqual({ mode: 'all', nanoUsd: records[1]?.costNanoUsd });
});

test('the saving of a repeat leaves out the cache reads that the provider would have given anyway', async () => {
  const { openai, records } = await startLibraryStack();
  const long = { model: MODEL, messages: [{ role: 'user' as const, content: 'word '.repeat(4000) }] };
  await openai.chat.completions.create(long);
  await openai.chat.completions.create(long);
  const [bought, hit] = records;
  expect(bought?.costNanoUsd).toBeGreaterThan(hit?.baselineNanoUsd ?? Infinity);
  expect(hit?.savedNanoUsd).toBe(hit?.baselineNanoUsd);
});

test('the parts of every saving sum to it', async () => {
  const { openai, records } = await startLibraryStack();
  await openai.chat.completions.create(question);
  await openai.chat.completions.create(question);
  for (const record of records) {
    const sum = SAVING_STEPS.reduce((total, step) => total + (record.savedParts?.[step] ?? 0), 0);
    expect(sum).toBe(record.savedNanoUsd);
    expect((record.baselineNanoUsd ?? 0) - (record.costNanoUsd ?? 0)).toBe(record.savedNanoUsd);
  }
});

test('an address that is no provider throws, and so does one that cannot be metered', async () => {
  const { farthing, upstream } = await startLibraryStack();
  await expect(
    farthing.fetch('http://127.0.0.1:9/v1/chat/completions', { method: 'POST', body: '{}' }),
  ).rejects.toThrow(/not a configured provider/);
  await expect(farthing.fetch(`${upstream.origin}/v1/files`, { method: 'POST', body: '{}' })).rejects.toThrow(
    /cannot be metered/,
  );
});

test('a model without a price is served, charged as unknown and alarmed', async () => {
  const { farthing, events, last } = await startLibraryStack({ apiKeys: KEYS });
  const llm = new CostOptimizedLLM({ farthing, defaultModel: 'house/gpt-5.4-mini' });
  const completion = await llm.complete('What is a farthing?');
  expect(completion).toMatchObject({ costUsd: undefined, savedUsd: undefined, fromCache: false });
  expect(last()).toMatchObject({ outcome: 'complete', costNanoUsd: undefined });
  expect(events.map((event) => event.kind)).toContain('unpriced-charged');
  expect((await farthing.report('model'))[0]).toMatchObject({ unpricedCharges: 1, costNanoUsd: 0n });
});

test('CostOptimizedLLM says what a completion cost and saved, in both protocols', async () => {
  const { farthing } = await startLibraryStack({ apiKeys: KEYS });
  for (const defaultModel of ['gpt-5.4-mini', 'claude-haiku-4-5']) {
    const llm = new CostOptimizedLLM({ farthing, defaultModel });
    const first = await llm.complete('What is a farthing?', { system: 'Be brief.', tags: { user: 'alice' } });
    const second = await llm.complete('What is a farthing?', { system: 'Be brief.', tags: { user: 'alice' } });
    expect(first.content).not.toBe('');
    expect(second).toMatchObject({ content: first.content, fromCache: true, costUsd: '0.00', savedUsd: first.costUsd });
    expect((await farthing.callRecord(second.callId))?.tags).toEqual({ user: 'alice' });
  }
});

test('CostOptimizedLLM throws when the provider fails, with its status', async () => {
  const { farthing, upstream } = await startLibraryStack({ apiKeys: KEYS });
  upstream.failNext({ kind: 'status', status: 503 });
  const llm = new CostOptimizedLLM({ farthing, defaultModel: 'gpt-5.4-mini' });
  await expect(llm.complete('Hello')).rejects.toMatchObject({ code: 'provider-failed', status: 503 });
});

test("a client's query reaches the provider, and another query is another answer", async () => {
  const { farthing, upstream } = await startLibraryStack();
  const ask = async (query: string): Promise<number> => {
    const reply = await farthing.fetch(`${upstream.origin}/v1/chat/completions${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer test' },
      body: JSON.stringify(question),
    });
    return reply.status;
  };
  const statuses = [await ask(''), await ask('?beta=true'), await ask('?beta=true'), await ask('?x={')];
  expect(statuses).toEqual([200, 200, 200, 400]);
  expect(upstream.journal().map(({ path, query }) => [path, query])).toEqual([
    ['/v1/chat/completions', ''],
    ['/v1/chat/completions', 'beta=true'],
  ]);
});

test('a refused call still belongs to the tags that are pinned', async () => {
  const { openai, last } = await startLibraryStack({ tags: { team: 'search' } });
  await expect(openai.chat.completions.create({ ...question, messages: [] })).rejects.toMatchObject({ status: 400 });
  expect(last()).toMatchObject({ outcome: 'invalid-request', tags: { team: 'search' }, costNanoUsd: 0, attempts: 0 });
});

test('an observer that throws on an alarm costs neither the answer nor the charge', async () => {
  const onEvent = (): never => {
    throw new Error('the observer is broken');
  };
  const { farthing, upstream } = await startLibraryStack({ apiKeys: KEYS, onEvent });
  const llm = new CostOptimizedLLM({ farthing, defaultModel: 'house/gpt-5.4-mini' });
  expect((await llm.complete('What is a farthing?')).content).not.toBe('');
  expect(upstream.counters().requests).toBe(1);
  expect((await farthing.report('model'))[0]).toMatchObject({ calls: 1, unpricedCharges: 1 });
});
