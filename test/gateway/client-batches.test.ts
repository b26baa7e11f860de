import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  batchOf,
  chatLine,
  CLAUDE,
  expectSettled,
  finished,
  MODEL,
  ORDER,
  resultsOf,
  uploaded,
} from '../support/client-batches.ts';
import { type DeadlineStage, OTHER_KEY, OWN_KEY, startDeadlineStage, sumOf } from '../support/deadline-stage.ts';
import { PATIENCE } from '../support/deferred-asks.ts';

let stage: DeadlineStage;
let openai: OpenAI;
let other: OpenAI;
let anthropic: Anthropic;
let otherAnthropic: Anthropic;

beforeAll(async () => {
  stage = await startDeadlineStage();
  const { url } = stage.gateway;
  [openai, other] = [OWN_KEY, OTHER_KEY].map(
    (apiKey) => new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 }),
  ) as [OpenAI, OpenAI];
  [anthropic, otherAnthropic] = [OWN_KEY, OTHER_KEY].map(
    (apiKey) => new Anthropic({ apiKey, baseURL: url, maxRetries: 0 }),
  ) as [Anthropic, Anthropic];
});
afterAll(() => stage.close());

const made = (): number => stage.provider.batches().length;

test('a client’s own batch is charged row by row at half price, and the ledger is the invoice', async () => {
  const batch = await batchOf(openai, [chatLine('a', 'one'), chatLine('b', 'two')], { metadata: { mine: 'yes' } });
  expect(batch).toMatchObject({ object: 'batch', metadata: { mine: 'yes' }, request_counts: { completed: 0 } });
  const held = sumOf(await stage.charges());
  expect(held).toBeGreaterThan(0n);
  const done = await finished(openai, batch.id);
  expect(done).toMatchObject({
    input_file_id: batch.input_file_id,
    request_counts: { total: 2, completed: 2, failed: 0 },
  });
  const lines = await resultsOf(openai, done);
  expect(lines.map((line) => line.custom_id).toSorted()).toEqual(['a', 'b']);
  await expectSettled(stage);
  expect(stage.provider.invoice().byTier.batch.requests).toBe(2);
  expect(sumOf(await stage.charges())).toBeLessThan(held);
});

test('rows that the cache knows are not sent, and come with the others’ results', async () => {
  const before = stage.provider.answeredRows().length;
  const batch = await batchOf(openai, [chatLine('old', 'one'), chatLine('new', 'three')]);
  const done = await finished(openai, batch.id);
  expect(done).toMatchObject({ input_file_id: batch.input_file_id, request_counts: { total: 2, completed: 2 } });
  const lines = await resultsOf(openai, done);
  expect(lines.map((line) => line.custom_id)).toEqual(['new', 'old']);
  expect(lines.every((line) => line.response.body.object === 'chat.completion')).toBe(true);
  expect(stage.provider.answeredRows().length - before).toBe(1);
  const file = await openai.files.retrieve(done.output_file_id ?? '');
  const content = await (await openai.files.content(file.id)).text();
  expect([file.bytes, file.id]).toEqual([Buffer.byteLength(content), done.output_file_id]);
  await expect(other.files.content(file.id)).rejects.toMatchObject({ status: 404 });
  await expectSettled(stage);
});

test('a batch that the cache knows all of is over at once, and costs nothing', async () => {
  const [batches, spent] = [made(), sumOf(await stage.charges())];
  const batch = await batchOf(openai, [chatLine('x', 'two'), chatLine('y', 'three')]);
  expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 2, completed: 2, failed: 0 } });
  expect((await resultsOf(openai, batch)).map((line) => line.custom_id).toSorted()).toEqual(['x', 'y']);
  await expect(openai.batches.cancel(batch.id)).rejects.toMatchObject({ status: 409 });
  expect([made(), sumOf(await stage.charges())]).toEqual([batches, spent]);
});

test('batches of a project are listed for it, and do not exist for others', async () => {
  const ids = (await openai.batches.list()).data.map(({ id }) => id);
  expect(ids).toHaveLength(3);
  expect((await other.batches.list()).data).toEqual([]);
  await expect(other.batches.retrieve(ids[0] ?? '')).rejects.toMatchObject({ status: 404 });
  await expect(other.batches.cancel(ids[0] ?? '')).rejects.toMatchObject({ status: 404 });
});

test('lines at fault are named before anything is sent, and nothing stays held', async () => {
  const [batches, spent] = [made(), sumOf(await stage.charges())];
  const lines = [
    chatLine('a', 'fresh'),
    '{"custom_id":',
    chatLine('a', 'twice'),
    chatLine('c', 'elsewhere').replace('/v1/chat/completions', '/v1/responses'),
    chatLine('d', 'streamed').replace('"max_', '"stream":true,"max_'),
  ];
  const error: unknown = await batchOf(openai, lines).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ status: 400, param: 'input_file_id' });
  for (const place of ['line 2', 'line 3', 'line 4', 'line 5']) expect(String(error)).toContain(place);
  expect(String(error)).not.toContain('line 1');
  await expect(batchOf(openai, [chatLine('a', 'who', 'no-such-model')])).rejects.toMatchObject({
    message: expect.stringContaining('line 1'),
  });
  expect([made(), sumOf(await stage.charges())]).toEqual([batches, spent]);
});

test('a batch of what cannot be metered is refused', async () => {
  const file = await uploaded(openai, ['{}']);
  await expect(
    openai.batches.create({ ...ORDER, endpoint: '/v1/moderations', input_file_id: file }),
  ).rejects.toMatchObject({ status: 400, param: 'endpoint' });
});

test('an alias and an output limit are what the provider is sent; custom ids stay the client’s', async () => {
  const batch = await batchOf(openai, [chatLine('named', 'four', `openai/${MODEL}`)]);
  expect(batch.input_file_id).toMatch(/^file-/);
  const lines = await resultsOf(openai, await finished(openai, batch.id));
  expect(lines).toMatchObject([{ custom_id: 'named', response: { status_code: 200 } }]);
  await expectSettled(stage);
});

const claudeRow = (id: string, text: string): Anthropic.Messages.Batches.BatchCreateParams.Request => ({
  custom_id: id,
  params: { model: CLAUDE, max_tokens: 400, messages: [{ role: 'user', content: text }] },
});

async function claudeResults(id: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { custom_id: name, result } of await anthropic.messages.batches.results(id)) {
    lines.push(`${name} ${result.type}`);
  }
  return lines;
}

test('Anthropic’s batches are metered, cached and owned as well', async () => {
  const first = await anthropic.messages.batches.create({ requests: [claudeRow('a', 'one'), claudeRow('b', 'two')] });
  expect(first).toMatchObject({
    type: 'message_batch',
    processing_status: 'in_progress',
    request_counts: { processing: 2 },
  });
  await expect
    .poll(async () => (await anthropic.messages.batches.retrieve(first.id)).processing_status, PATIENCE)
    .toBe('ended');
  expect((await claudeResults(first.id)).toSorted()).toEqual(['a succeeded', 'b succeeded']);
  await expectSettled(stage);

  const rows = stage.provider.answeredRows().length;
  const mixed = await anthropic.messages.batches.create({ requests: [claudeRow('c', 'one'), claudeRow('d', 'three')] });
  await expect
    .poll(async () => (await anthropic.messages.batches.retrieve(mixed.id)).processing_status, PATIENCE)
    .toBe('ended');
  expect((await anthropic.messages.batches.retrieve(mixed.id)).request_counts).toMatchObject({ succeeded: 2 });
  expect(await claudeResults(mixed.id)).toEqual(['d succeeded', 'c succeeded']);
  expect(stage.provider.answeredRows().length - rows).toBe(1);
  await expectSettled(stage);

  const known = await anthropic.messages.batches.create({ requests: [claudeRow('e', 'three')] });
  expect(known).toMatchObject({ processing_status: 'ended', request_counts: { succeeded: 1, processing: 0 } });
  expect(await claudeResults(known.id)).toEqual(['e succeeded']);
  expect(await anthropic.messages.batches.delete(known.id)).toMatchObject({ id: known.id });
  await expect(anthropic.messages.batches.retrieve(known.id)).rejects.toMatchObject({ status: 404 });

  await expect(otherAnthropic.messages.batches.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
  const listed = (await anthropic.messages.batches.list()).data.map(({ id }) => id);
  expect(listed).toEqual([mixed.id, first.id]);
  const odd = [claudeRow('f', 'six'), claudeRow('f', 'seven'), claudeRow('not good', 'eight')];
  await expect(anthropic.messages.batches.create({ requests: odd })).rejects.toMatchObject({
    status: 400,
    message: expect.stringMatching(/requests\[1\].*requests\[2\]/s),
  });
});

test('a submission whose answer is lost is found, followed and charged, and is its client’s', async () => {
  stage.provider.failNextBatchRequest({ kind: 'lost-reply', on: 'submit' });
  const batches = made();
  await expect(batchOf(openai, [chatLine('lost', 'five')])).rejects.toMatchObject({ status: 502 });
  await expect.poll(made, PATIENCE).toBe(batches + 1);
  await expectSettled(stage);
  const [newest] = (await openai.batches.list()).data;
  expect(await resultsOf(openai, await finished(openai, newest?.id ?? ''))).toMatchObject([{ custom_id: 'lost' }]);
  expect(made()).toBe(batches + 1);
});

test('what the provider refuses is told in its words, and nothing stays held', async () => {
  const spent = sumOf(await stage.charges());
  stage.provider.failNextBatchRequest({ kind: 'status', status: 429, on: 'submit' });
  await expect(batchOf(openai, [chatLine('no', 'refused')])).rejects.toMatchObject({ status: 429 });
  expect(sumOf(await stage.charges())).toBe(spent);
});
