import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { askProvider, uploadForm, type ProviderReply } from '../../test/support/asked-provider.ts';
import { SIMULATED_PRICES } from '../../test/support/simulated-prices.ts';
import type { Protocol } from '../core/model/protocol.ts';
import type { SimulatedBatchOptions } from '../simulator/batch/batch-options.ts';
import { FakeClock } from './fake-clock.ts';
import { simulatedBatchProvider, type SimulatedBatchProvider } from './simulated-batch-provider.ts';

const HOUR_MS = 3_600_000;
/** Batches that take an hour to the millisecond. */
const AN_HOUR = { medianMs: HOUR_MS, slowRatio: 0, spreadSigma: 0 };
const QUESTION = { role: 'user', content: 'Where is my parcel?' };

interface Stage extends SimulatedBatchProvider {
  readonly clock: FakeClock;
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<ProviderReply>;
  /** Sends a batch of so many rows; the provider's id. */
  submit(rows: number): Promise<string>;
}

function stage(protocol: Protocol, batches: SimulatedBatchOptions = AN_HOUR, seed = 1): Stage {
  const clock = new FakeClock();
  const made = simulatedBatchProvider({ protocol, clock, prices: SIMULATED_PRICES, batches, seed, keys: 2 });
  const ask: Stage['ask'] = (method, path, body) =>
    askProvider(made.provider, method, path, body === undefined ? {} : { body });
  return {
    ...made,
    clock,
    ask,
    async submit(rows) {
      if (protocol === 'anthropic') {
        const requests = Array.from({ length: rows }, (_, index) => ({
          custom_id: `row-${index}`,
          params: { model: 'claude-haiku-4-5', max_tokens: 50, messages: [QUESTION] },
        }));
        return (await ask('POST', '/v1/messages/batches', { requests })).json.id;
      }
      const file = await askProvider(made.provider, 'POST', '/files', uploadForm(chatLines(rows)));
      return (await ask('POST', '/batches', submission(file.json.id))).json.id;
    },
  };
}

function chatLines(rows: number): readonly string[] {
  return Array.from({ length: rows }, (_, index) => {
    const body = { model: 'gpt-5.4-mini', messages: [QUESTION], max_tokens: 50 };
    return JSON.stringify({ custom_id: `row-${index}`, method: 'POST', url: '/v1/chat/completions', body });
  });
}

function submission(fileId: string): unknown {
  return {
    input_file_id: fileId,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata: { farthing_batch: 'fb_1' },
  };
}

function rowsOf(text: string): readonly { custom_id: string; error: { code: string } | null }[] {
  return text
    .trim()
    .split('\n')
    .map((row) => JSON.parse(row));
}

test('an OpenAI batch goes through its states, and its rows come back out of order with half the bill', async () => {
  const { ask, books, clock, submit } = stage('openai');
  const id = await submit(40);
  const states: string[] = [];
  for (let minute = 0; minute <= 60; minute += 1) {
    states.push((await ask('GET', `/batches/${id}`)).json.status);
    clock.advance(60_000);
  }
  expect([...new Set(states)]).toEqual(['validating', 'in_progress', 'finalizing', 'completed']);
  const { json: batch } = await ask('GET', `/batches/${id}`);
  expect(batch).toMatchObject({
    request_counts: { total: 40, completed: 40, failed: 0 },
    metadata: { farthing_batch: 'fb_1' },
    error_file_id: null,
    model: 'gpt-5.4-mini',
  });
  const rows = rowsOf((await ask('GET', `/files/${batch.output_file_id}/content`)).text);
  const ids = rows.map((row) => row.custom_id);
  expect(ids).not.toEqual(Array.from({ length: 40 }, (_, index) => `row-${index}`));
  expect(new Set(ids).size).toBe(40);
  expect(rows[0]).toMatchObject({ response: { status_code: 200, body: { service_tier: 'default' } } });
  const { usage } = batch;
  const { byTier, totalNanoUsd } = books.invoice();
  expect(byTier.batch).toEqual({ requests: 40, totalNanoUsd });
  expect(totalNanoUsd).toBe(BigInt(usage.input_tokens) * 375n + BigInt(usage.output_tokens) * 2250n);
  expect(books.batches()).toMatchObject([{ id, phase: 'completed', succeeded: 40, billedNanoUsd: totalNanoUsd }]);
});

test('Anthropic counts nothing before the end, and its results say batch', async () => {
  const { ask, books, clock, submit } = stage('anthropic');
  const id = await submit(10);
  clock.advance(HOUR_MS / 2);
  const running = await ask('GET', `/v1/messages/batches/${id}`);
  expect(running.json).toMatchObject({
    processing_status: 'in_progress',
    request_counts: { processing: 10, succeeded: 0 },
    results_url: null,
  });
  expect((await ask('GET', `/v1/messages/batches/${id}/results`)).status).toBe(400);
  clock.advance(HOUR_MS);
  const ended = await ask('GET', `/v1/messages/batches/${id}`);
  expect(ended.json).toMatchObject({ processing_status: 'ended', request_counts: { processing: 0, succeeded: 10 } });
  const rows = rowsOf((await ask('GET', `/v1/messages/batches/${id}/results`)).text);
  expect(rows[0]).toMatchObject({ result: { type: 'succeeded', message: { usage: { service_tier: 'batch' } } } });
  expect(books.invoice().byTier.batch.requests).toBe(10);
  expect((await ask('DELETE', `/v1/messages/batches/${id}`)).json.type).toBe('message_batch_deleted');
  expect((await ask('GET', `/v1/messages/batches/${id}`)).status).toBe(404);
});

test('a batch that expires or is cancelled returns and bills what was done, and tells of the rest', async () => {
  for (const way of ['expired', 'cancelled'] as const) {
    const { ask, books, clock, submit } = stage('openai', { ...AN_HOUR, windowMs: HOUR_MS / 2 });
    const id = await submit(100);
    clock.advance(HOUR_MS / 4);
    if (way === 'cancelled') expect((await ask('POST', `/batches/${id}/cancel`)).json.status).toBe('cancelling');
    clock.advance(HOUR_MS / 2);
    const { json: batch } = await ask('GET', `/batches/${id}`);
    expect(batch.status).toBe(way);
    const { completed, failed } = batch.request_counts;
    expect(completed).toBeGreaterThan(10);
    expect(completed + failed).toBe(100);
    const done = rowsOf((await ask('GET', `/files/${batch.output_file_id}/content`)).text);
    const rest = rowsOf((await ask('GET', `/files/${batch.error_file_id}/content`)).text);
    expect(new Set([...done, ...rest].map((row) => row.custom_id)).size).toBe(100);
    expect(new Set(rest.map((row) => row.error?.code))).toEqual(new Set([`batch_${way}`]));
    expect(books.invoice().requests).toBe(completed);
    expect((await ask('POST', `/batches/${id}/cancel`)).status).toBe(409);
  }
});

test('a file with a bad line fails with its number, and too many tokens in line fail a batch until the others are done', async () => {
  const { provider, ask, clock, submit, books } = stage('openai', { ...AN_HOUR, enqueuedTokenLimit: 150 });
  const file = await askProvider(provider, 'POST', '/files', uploadForm([...chatLines(1), '{']));
  const bad = await ask('POST', '/batches', submission(file.json.id));
  expect(bad.json).toMatchObject({ status: 'validating', errors: null });
  await submit(10); // 90 tokens
  const second = await submit(10);
  clock.advance(HOUR_MS / 10);
  expect((await ask('GET', `/batches/${bad.json.id}`)).json).toMatchObject({
    status: 'failed',
    errors: { data: [{ code: 'invalid_json_line', line: 2 }] },
    request_counts: { total: 0 },
  });
  expect((await ask('GET', `/batches/${second}`)).json.errors.data).toMatchObject([{ code: 'token_limit_exceeded' }]);
  clock.advance(HOUR_MS);
  const third = await submit(10);
  clock.advance(HOUR_MS);
  expect((await ask('GET', `/batches/${third}`)).json.status).toBe('completed');
  expect(books.invoice().requests).toBe(20);
});

test.each([
  [{ input_file_id: 'file-none', endpoint: '/v1/chat/completions', completion_window: '24h' }, 404],
  [{ input_file_id: 'file-none', endpoint: '/v1/other', completion_window: '24h' }, 400],
  [{ input_file_id: 'file-none', endpoint: '/v1/chat/completions', completion_window: '1h' }, 400],
  [{ endpoint: '/v1/chat/completions', completion_window: '24h' }, 400],
  [[], 400],
])('a submission %o is refused with %i', async (body, status) => {
  expect((await stage('openai').ask('POST', '/batches', body)).status).toBe(status);
});

test.each([
  [{ requests: [] }, 'at least 1'],
  [{}, 'valid list'],
  [{ requests: ['a'] }, 'valid list'],
  [{ requests: [{ custom_id: 'a b', params: {} }] }, 'requests.0.custom_id'],
  [{ requests: [{ custom_id: 'a' }] }, 'requests.0.params'],
  [{ requests: [0, 1].map(() => ({ custom_id: 'a', params: {} })) }, 'requests.1.custom_id'],
  [{ requests: [0, 1, 2].map((id) => ({ custom_id: `${id}`, params: {} })) }, 'at most 2'],
])('Anthropic refuses %j before anything is made', async (body, message) => {
  const { ask, books } = stage('anthropic', { maxRequests: 2 });
  const reply = await ask('POST', '/v1/messages/batches', body);
  expect([reply.status, reply.json.error.type]).toEqual([400, 'invalid_request_error']);
  expect(reply.json.error.message).toContain(message);
  expect(books.batches()).toEqual([]);
});

test('rows that fail and rows that are refused come back with their errors and cost nothing', async () => {
  const { ask, books, clock } = stage('anthropic', { ...AN_HOUR, failedRowRatio: 0.5 });
  const params = { model: 'claude-haiku-4-5', max_tokens: 50, messages: [QUESTION] };
  const requests = Array.from({ length: 40 }, (_, index) => ({ custom_id: `${index}`, params }));
  const refused = { custom_id: 'refused', params: { ...params, model: 'claude-unknown' } };
  const { json } = await ask('POST', '/v1/messages/batches', { requests: [...requests, refused] });
  clock.advance(2 * HOUR_MS);
  const counts = (await ask('GET', `/v1/messages/batches/${json.id}`)).json.request_counts;
  expect(counts.succeeded + counts.errored).toBe(41);
  expect(counts.errored).toBeGreaterThan(10);
  const { text } = await ask('GET', `/v1/messages/batches/${json.id}/results`);
  expect(text).toMatch(
    /"custom_id":"\d+","result":\{"type":"errored","error":\{"type":"error","error":\{"type":"api_error"/,
  );
  expect(rowsOf(text).find((row) => row.custom_id === 'refused')).toMatchObject({
    result: { type: 'errored', error: { error: { type: expect.stringMatching(/not_found_error|api_error/) } } },
  });
  expect(books.invoice().requests).toBe(counts.succeeded);
  expect(books.timesBilled(JSON.stringify(params, null, 1))).toBe(counts.succeeded);
  expect(books.answeredRows().filter(({ status }) => status === 200)).toHaveLength(counts.succeeded);
});

test('an answer that is lost leaves the batch, a request that is lost leaves nothing', async () => {
  for (const protocol of ['openai', 'anthropic'] as const) {
    const { books, submit } = stage(protocol);
    books.failNextBatchRequest({ kind: 'lost-reply', on: 'submit' });
    await expect(submit(1)).rejects.toThrow('broke');
    expect(books.batches()).toHaveLength(1);
    books.failNextBatchRequest({ kind: 'lost-request', on: 'submit' });
    await expect(submit(1)).rejects.toThrow('broke');
    expect(books.batches()).toHaveLength(1);
  }
});

test('a batch shows in the list after its lag, newest first, page by page, to its own account only', async () => {
  const { provider, ask, clock, submit } = stage('openai', { ...AN_HOUR, listingLagMs: 5000 });
  const ids = [await submit(1), await submit(1), await submit(1)];
  expect((await ask('GET', '/batches')).json.data).toEqual([]);
  clock.advance(5000);
  const first = await ask('GET', '/batches?limit=2');
  expect(first.json.data.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
  expect(first.json.has_more).toBe(true);
  const second = await ask('GET', `/batches?limit=2&after=${first.json.last_id}`);
  expect(second.json).toMatchObject({ data: [{ id: ids[0] }], has_more: false });
  expect((await askProvider(provider, 'GET', '/batches', { keyIndex: 1 })).json.data).toEqual([]);
  expect((await askProvider(provider, 'GET', `/batches/${ids[0]}`, { keyIndex: 1 })).status).toBe(404);
  const files = await ask('GET', '/files?purpose=batch&limit=1');
  expect(files.json).toMatchObject({ data: [{ filename: 'rows.jsonl', status: 'processed' }], has_more: true });
  const content = await ask('GET', `/files/${files.json.data[0]?.id}/content`);
  expect(content.text).toBe(`${chatLines(1)[0]}\n`);
  expect((await ask('DELETE', `/files/${files.json.data[0]?.id}`)).json.deleted).toBe(true);
  expect((await ask('GET', `/files/${files.json.data[0]?.id}`)).status).toBe(404);
});

test('a download that is cut breaks off before its end', async () => {
  const { ask, books, clock, submit } = stage('openai');
  const id = await submit(3);
  clock.advance(HOUR_MS);
  const { json } = await ask('GET', `/batches/${id}`);
  books.failNextBatchRequest({ kind: 'cut', on: 'download' });
  await expect(ask('GET', `/files/${json.output_file_id}/content`)).rejects.toThrow('broke');
});

test('whatever happens, each row is accounted for once and the bill is the sum of the answered rows; a seed repeats it', async () => {
  const chances = fc.record({
    neverRatio: fc.constantFrom(0, 0.5, 1),
    slowRatio: fc.constantFrom(0, 0.5),
    failedRowRatio: fc.constantFrom(0, 0.3),
    windowMs: fc.constantFrom(HOUR_MS, 24 * HOUR_MS),
    refusedRatio: fc.constantFrom(0, 0.2),
    lostReplyRatio: fc.constantFrom(0, 0.2),
  });
  const run = async (protocol: Protocol, batches: SimulatedBatchOptions, seed: number, cancelAtMs: number) => {
    const { ask, books, clock, submit } = stage(protocol, batches, seed);
    const path = protocol === 'openai' ? '/batches' : '/v1/messages/batches';
    for (let index = 0; index < 3; index += 1) await submit(7).catch(() => undefined);
    clock.advance(cancelAtMs);
    const target = books.batches()[0]?.id ?? 'none';
    await ask('POST', `${path}/${target}/cancel`).catch(() => undefined);
    clock.advance(48 * HOUR_MS);
    return { batches: books.batches(), rows: books.answeredRows(), invoice: books.invoice() };
  };
  const protocols = fc.constantFrom<Protocol>('openai', 'anthropic');
  await fc.assert(
    fc.asyncProperty(protocols, chances, fc.nat(1e6), fc.nat(2 * HOUR_MS), async (protocol, options, seed, atMs) => {
      const { batches, rows, invoice } = await run(protocol, options, seed, atMs);
      let billed = 0n;
      for (const { billedNanoUsd } of rows) billed += billedNanoUsd;
      expect(invoice.totalNanoUsd).toBe(billed);
      expect(invoice.requests).toBe(rows.filter(({ status }) => status === 200).length);
      expect(new Set(rows.map(({ batchId, customId }) => `${batchId} ${customId}`)).size).toBe(rows.length);
      expect(batches.every(({ phase }) => ['completed', 'expired', 'cancelled', 'failed'].includes(phase))).toBe(true);
      expect(await run(protocol, options, seed, atMs)).toEqual({ batches, rows, invoice });
    }),
    { numRuns: 15 },
  );
});

test('live calls are answered as over sockets, within limits that refill by the clock', async () => {
  const clock = new FakeClock();
  const { provider, books } = simulatedBatchProvider({
    protocol: 'openai',
    clock,
    prices: SIMULATED_PRICES,
    rateLimits: { requestsPerMinute: 2 },
  });
  const body = { model: 'gpt-5.4-mini', messages: [QUESTION], temperature: 0 };
  const ask = (): Promise<ProviderReply> => askProvider(provider, 'POST', '/chat/completions', { body });
  const first = await ask();
  expect(first.json.choices[0]?.message.content).not.toBe('');
  expect(first.headers).toMatchObject({ 'x-ratelimit-limit-requests': '2', 'x-ratelimit-remaining-requests': '1' });
  await ask();
  const third = await ask();
  expect(third).toMatchObject({ status: 429, json: { error: { code: 'rate_limit_exceeded' } } });
  expect(third.headers).toMatchObject({ 'retry-after': '30', 'retry-after-ms': '30000' });
  clock.advance(30_000);
  expect((await ask()).status).toBe(200);
  expect(books.rateLimitUse()).toMatchObject({ limitErrors: 1, requests: 3 });
  expect(books.invoice().byTier.standard.requests).toBe(3);
  expect(books.timesBilled(JSON.stringify(body))).toBe(3);
});

test('flex is billed at its share and says so, and is refused when there is no capacity', async () => {
  const made = simulatedBatchProvider({
    protocol: 'openai',
    clock: new FakeClock(),
    prices: SIMULATED_PRICES,
    flexBusyRatio: 0.5,
  });
  const body = { model: 'gpt-5.4-mini', messages: [QUESTION], service_tier: 'flex', temperature: 0 };
  const replies: ProviderReply[] = [];
  for (let index = 0; index < 20; index += 1) {
    replies.push(await askProvider(made.provider, 'POST', '/chat/completions', { body }));
  }
  const good = replies.filter(({ status }) => status === 200);
  expect(good.length).toBeGreaterThan(3);
  expect(good.length).toBeLessThan(17);
  expect(good[0]?.json.service_tier).toBe('flex');
  const busy = replies.find(({ status }) => status !== 200);
  expect(busy).toMatchObject({ status: 429, json: { error: { code: 'resource_unavailable' } } });
  let expected = 0n;
  for (const { json } of good) {
    const { prompt_tokens, completion_tokens } = json.usage;
    expected += BigInt(prompt_tokens) * 375n + BigInt(completion_tokens) * 2250n;
  }
  expect(made.books.invoice().byTier.flex).toEqual({ requests: good.length, totalNanoUsd: expected });
});

test('scripted faults and aborted calls end by the rules of the port', async () => {
  const { provider, books } = stage('openai');
  const body = { model: 'gpt-5.4-mini', messages: [QUESTION], stream: true };
  books.failNext({ kind: 'reset' });
  await expect(askProvider(provider, 'POST', '/chat/completions', { body })).rejects.toThrow('broke');
  books.failNext({ kind: 'status', status: 503, retryAfterSeconds: 7 });
  const refused = await askProvider(provider, 'POST', '/chat/completions', { body });
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, '7']);
  books.failNext({ kind: 'cut', afterFrames: 2 });
  await expect(askProvider(provider, 'POST', '/chat/completions', { body })).rejects.toThrow('broke');
  expect(books.invoice().unstatedRequests).toBe(1);
  expect((await askProvider(provider, 'GET', '/models')).json.data.length).toBeGreaterThan(1);
  expect((await askProvider(provider, 'GET', '/nowhere')).status).toBe(404);
});

test('options that are none are refused when the provider is made', () => {
  expect(() => stage('openai', { neverRatio: 2 })).toThrow('batches.neverRatio is out of range: 2');
  expect(() => stage('openai', { medianMs: Number.NaN })).toThrow('batches.medianMs');
});
