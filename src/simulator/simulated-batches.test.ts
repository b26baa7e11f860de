import { Buffer } from 'node:buffer';
import { toFile } from 'openai';
import { expect, test } from 'vitest';
import { QUESTION, startSimulatedClients, type SimulatedClients } from '../../test/support/simulated-clients.ts';

/** A thousand simulated seconds in a real one; batches of a simulated minute are over in some 60 real milliseconds. */
const FAST = {
  timeScale: 1000,
  batches: { medianMs: 60_000, slowRatio: 0, spreadSigma: 0.2, cancellingMs: 1000 },
};

async function withClients(
  options: Parameters<typeof startSimulatedClients>[0],
  use: (clients: SimulatedClients) => Promise<void>,
): Promise<void> {
  const clients = await startSimulatedClients(options);
  try {
    await use(clients);
  } finally {
    await clients.provider.close();
  }
}

async function until<Value>(read: () => Promise<Value>, isThere: (value: Value) => boolean): Promise<Value> {
  for (;;) {
    const value = await read();
    if (isThere(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function lines(rows: number): string {
  const body = { model: 'gpt-5.4-mini', messages: [QUESTION], max_tokens: 60 };
  return Array.from({ length: rows }, (_, index) =>
    JSON.stringify({ custom_id: `row-${index}`, method: 'POST', url: '/v1/chat/completions', body }),
  ).join('\n');
}

test("OpenAI's client takes a batch from the upload to the results, billed at half", async () => {
  await withClients(FAST, async ({ openai, provider }) => {
    const upload = await toFile(Buffer.from(lines(30)), 'rows.jsonl');
    const file = await openai.files.create({ file: upload, purpose: 'batch' });
    expect(file).toMatchObject({ purpose: 'batch', filename: 'rows.jsonl', bytes: Buffer.byteLength(lines(30)) });
    const made = await openai.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { farthing_batch: 'fb_0' },
    });
    expect(made.status).toBe('validating');
    const batch = await until(
      () => openai.batches.retrieve(made.id),
      ({ status }) => status === 'completed',
    );
    const listed = [];
    for await (const one of openai.batches.list({ limit: 1 })) listed.push(one.metadata?.['farthing_batch']);
    expect(listed).toEqual(['fb_0']);
    const text = await (await openai.files.content(batch.output_file_id ?? '')).text();
    const rows = text.trim().split('\n');
    expect(rows).toHaveLength(30);
    let expected = 0n;
    for (const row of rows) {
      const { usage } = JSON.parse(row).response.body;
      expected += BigInt(usage.prompt_tokens) * 375n + BigInt(usage.completion_tokens) * 2250n;
    }
    expect(provider.invoice()).toMatchObject({ totalNanoUsd: expected, requests: 30, unstatedRequests: 0 });
    expect(provider.journal().map(({ method, path }) => `${method} ${path}`)[0]).toBe('POST /v1/files');
  });
});

test("Anthropic's client takes a batch from the requests to the results, billed at half", async () => {
  await withClients(FAST, async ({ anthropic, provider }) => {
    const made = await anthropic.messages.batches.create({
      requests: Array.from({ length: 20 }, (_, index) => ({
        custom_id: `row-${index}`,
        params: { model: 'claude-haiku-4-5', max_tokens: 60, messages: [QUESTION] },
      })),
    });
    const batch = await until(
      () => anthropic.messages.batches.retrieve(made.id),
      ({ processing_status }) => processing_status === 'ended',
    );
    expect(batch.request_counts).toEqual({ processing: 0, succeeded: 20, errored: 0, canceled: 0, expired: 0 });
    let expected = 0n;
    for await (const { result } of await anthropic.messages.batches.results(made.id)) {
      if (result.type !== 'succeeded') throw new Error(result.type);
      const { usage } = result.message;
      expect(usage.service_tier).toBe('batch');
      expected += BigInt(usage.input_tokens) * 500n + BigInt(usage.output_tokens) * 2500n;
    }
    expect(provider.invoice()).toMatchObject({ totalNanoUsd: expected, requests: 20 });
    const ids = [];
    for await (const one of anthropic.messages.batches.list({ limit: 1 })) ids.push(one.id);
    expect(ids).toEqual([made.id]);
    await anthropic.messages.batches.delete(made.id);
    await expect(anthropic.messages.batches.retrieve(made.id)).rejects.toThrow('404');
  });
});

test('both clients cancel a batch, and see what was done and what was not', async () => {
  const slow = { timeScale: 1000, batches: { ...FAST.batches, medianMs: 1e7, spreadSigma: 0 } };
  await withClients(slow, async ({ openai, anthropic, provider }) => {
    const file = await openai.files.create({ file: await toFile(Buffer.from(lines(3)), 'a.jsonl'), purpose: 'batch' });
    const made = await openai.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    expect((await openai.batches.cancel(made.id)).status).toBe('cancelling');
    const over = await until(
      () => openai.batches.retrieve(made.id),
      ({ status }) => status === 'cancelled',
    );
    expect(over.request_counts).toEqual({ total: 3, completed: 0, failed: 3 });
    const params = { model: 'claude-haiku-4-5', max_tokens: 60, messages: [QUESTION] };
    const other = await anthropic.messages.batches.create({ requests: [{ custom_id: 'a', params }] });
    await anthropic.messages.batches.cancel(other.id);
    const ended = await until(
      () => anthropic.messages.batches.retrieve(other.id),
      ({ processing_status }) => processing_status === 'ended',
    );
    expect(ended.request_counts.canceled).toBe(1);
    expect(provider.invoice().totalNanoUsd).toBe(0n);
  });
});

test('a submission is lost over sockets in both ways, and refusals reach a client that still uploads', async () => {
  await withClients({ batches: { maxBytes: 100_000 } }, async ({ openai, anthropic, provider }) => {
    const params = { model: 'claude-haiku-4-5', max_tokens: 60, messages: [QUESTION] };
    const submit = (): Promise<unknown> =>
      anthropic.messages.batches.create({ requests: [{ custom_id: 'a', params }] });
    provider.failNextBatchRequest({ kind: 'lost-reply', on: 'submit' });
    await expect(submit()).rejects.toThrow('Connection error');
    expect(provider.batches()).toHaveLength(1);
    provider.failNextBatchRequest({ kind: 'lost-request', on: 'submit' });
    await expect(submit()).rejects.toThrow('Connection error');
    expect(provider.batches()).toHaveLength(1);
    provider.failNextBatchRequest({ kind: 'status', status: 429, on: 'submit' });
    await expect(submit()).rejects.toThrow('429');
    const large = await toFile(Buffer.alloc(3_000_000, 'a\n'), 'large.jsonl');
    await expect(openai.files.create({ file: large, purpose: 'batch' })).rejects.toThrow('413');
    const named = await toFile(Buffer.from('{}'), 'rows.txt');
    await expect(openai.files.create({ file: named, purpose: 'batch' })).rejects.toThrow('Must be .jsonl');
    provider.failNextBatchRequest({ kind: 'cut', on: 'list' });
    await expect(openai.batches.list()).rejects.toThrow();
  });
});

test('limits of live calls are told in the headers of both protocols, also over sockets', async () => {
  await withClients({ rateLimits: { requestsPerMinute: 1, tokensPerMinute: 100_000 } }, async (clients) => {
    const { openai, anthropic, provider } = clients;
    const chat = { model: 'gpt-5.4-mini', messages: [QUESTION] };
    const { response } = await openai.chat.completions.create(chat).withResponse();
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(response.headers.get('x-ratelimit-limit-tokens')).toBe('100000');
    const message = { model: 'claude-haiku-4-5', max_tokens: 60, messages: [QUESTION] };
    const refused = await anthropic.messages.create(message).catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 429, error: { error: { type: 'rate_limit_error' } } });
    const headers = (refused as { headers: Headers }).headers;
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(50);
    expect(headers.get('anthropic-ratelimit-requests-limit')).toBe('1');
    const untilMs = Date.parse(headers.get('anthropic-ratelimit-requests-reset') ?? '') - Date.now();
    expect(untilMs).toBeGreaterThan(50_000);
    expect(untilMs).toBeLessThan(62_000);
    expect(provider.rateLimitUse()).toMatchObject({ limitErrors: 1, requests: 1 });
  });
});
