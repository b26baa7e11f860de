import { subscribe, unsubscribe } from 'node:diagnostics_channel';
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
import { fieldsOf, PATIENCE } from '../support/deferred-asks.ts';

let stage: DeadlineStage;
/** One with little money, whose gateway is started anew. */
let poor: DeadlineStage;
let openai: OpenAI;
let other: OpenAI;
let claude: Anthropic;
let otherClaude: Anthropic;
let first: OpenAI.Batch;
let firstClaude: Anthropic.Messages.Batches.MessageBatch;
let poorBatch: OpenAI.Batch;
let heldAtFirst: bigint;

const openaiOf = ({ gateway }: DeadlineStage, apiKey = OWN_KEY): OpenAI =>
  new OpenAI({ apiKey, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
const claudeOf = ({ gateway }: DeadlineStage, apiKey = OWN_KEY): Anthropic =>
  new Anthropic({ apiKey, baseURL: gateway.url, maxRetries: 0 });

const claudeRow = (id: string, text: string): Anthropic.Messages.Batches.BatchCreateParams.Request => ({
  custom_id: id,
  params: { model: CLAUDE, max_tokens: 400, messages: [{ role: 'user', content: text }] },
});

async function ended(id: string): Promise<Anthropic.Messages.Batches.MessageBatch> {
  await expect.poll(async () => (await claude.messages.batches.retrieve(id)).processing_status, PATIENCE).toBe('ended');
  return claude.messages.batches.retrieve(id);
}

async function claudeResults(id: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { custom_id: name, result } of await claude.messages.batches.results(id)) {
    lines.push(`${name} ${result.type}`);
  }
  return lines;
}

const made = (): number => stage.provider.batches().length;

beforeAll(async () => {
  const budgets = [{ name: 'all', scope: 'all', limitUsd: '0.012', window: 'total' }];
  [stage, poor] = await Promise.all([startDeadlineStage(), startDeadlineStage({ budgets })]);
  [openai, other] = [openaiOf(stage), openaiOf(stage, OTHER_KEY)];
  [claude, otherClaude] = [claudeOf(stage), claudeOf(stage, OTHER_KEY)];
  first = await batchOf(openai, [chatLine('a', 'one'), chatLine('b', 'two')], { metadata: { mine: 'yes' } });
  firstClaude = await claude.messages.batches.create({ requests: [claudeRow('a', 'one'), claudeRow('b', 'two')] });
  heldAtFirst = sumOf(await stage.charges());
  poorBatch = await batchOf(openaiOf(poor), [chatLine('a', 'one'), chatLine('b', 'two')]);
  await poor.restart();
});
afterAll(() => Promise.all([stage.close(), poor.close()]));

test('a client’s own batch is charged row by row at half price, and the ledger is the invoice', async () => {
  await Promise.all([expectSettled(stage), expectSettled(poor)]);
  expect(first).toMatchObject({ object: 'batch', metadata: { mine: 'yes' }, request_counts: { completed: 0 } });
  const done = await finished(openai, first.id);
  expect(done).toMatchObject({ input_file_id: first.input_file_id, metadata: { mine: 'yes' } });
  expect(done.request_counts).toEqual({ total: 2, completed: 2, failed: 0 });
  const lines = await resultsOf(openai, done);
  expect(lines.map((line) => line.custom_id).toSorted()).toEqual(['a', 'b']);
  const invoice = stage.provider.invoice();
  expect([invoice.requests, invoice.byTier.batch.requests]).toEqual([4, 4]);
  expect(heldAtFirst).toBeGreaterThan(invoice.totalNanoUsd);
});

test('an Anthropic batch likewise, and its results come through the gateway', async () => {
  expect(firstClaude).toMatchObject({ processing_status: 'in_progress', request_counts: { processing: 2 } });
  expect((await ended(firstClaude.id)).request_counts).toMatchObject({ succeeded: 2, processing: 0 });
  expect((await claudeResults(firstClaude.id)).toSorted()).toEqual(['a succeeded', 'b succeeded']);
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
  for (const model of ['no-such-model', `anthropic/${CLAUDE}`]) {
    // oxlint-disable-next-line no-await-in-loop -- each is looked at for itself
    await expect(batchOf(openai, [chatLine('a', 'who', model)])).rejects.toMatchObject({
      message: expect.stringContaining('line 1'),
    });
  }
  expect([made(), sumOf(await stage.charges())]).toEqual([batches, spent]);
  expect((await openai.batches.list()).data.map(({ id }) => id)).toEqual([first.id]);
});

test('requests at fault are named by their place', async () => {
  const odd = [claudeRow('f', 'six'), claudeRow('f', 'seven'), claudeRow('not good', 'eight')];
  await expect(claude.messages.batches.create({ requests: odd })).rejects.toMatchObject({
    status: 400,
    message: expect.stringMatching(/requests\[1\].*requests\[2\]/s),
  });
});

test('a batch of what cannot be metered is refused, and so is what is no JSON', async () => {
  const file = await uploaded(openai, ['{}']);
  const order = { ...ORDER, endpoint: '/v1/moderations', input_file_id: file } as const;
  await expect(openai.batches.create(order)).rejects.toMatchObject({ status: 400, param: 'endpoint' });
  const body = new FormData();
  body.set('input_file_id', file);
  const headers = { authorization: `Bearer ${OWN_KEY}` };
  const reply = await fetch(`${stage.gateway.url}/v1/batches`, { method: 'POST', headers, body });
  expect([reply.status, await fieldsOf(reply)]).toMatchObject([400, { error: { type: 'invalid_request_error' } }]);
});

test('what the provider refuses is told in its words, and nothing stays held', async () => {
  const spent = sumOf(await stage.charges());
  stage.provider.failNextBatchRequest({ kind: 'status', status: 429, on: 'submit' });
  await expect(batchOf(openai, [chatLine('no', 'refused')])).rejects.toMatchObject({ status: 429 });
  expect(sumOf(await stage.charges())).toBe(spent);
});

test('a batch that the cache knows all of is over at once, and costs nothing', async () => {
  const [batches, spent] = [made(), sumOf(await stage.charges())];
  const batch = await batchOf(openai, [chatLine('x', 'two'), chatLine('y', 'one')]);
  expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 2, completed: 2, failed: 0 } });
  expect((await resultsOf(openai, batch)).map((line) => line.custom_id).toSorted()).toEqual(['x', 'y']);
  await expect(openai.batches.cancel(batch.id)).rejects.toMatchObject({ status: 409 });
  const known = await claude.messages.batches.create({ requests: [claudeRow('e', 'two')] });
  expect(known).toMatchObject({ processing_status: 'ended', request_counts: { succeeded: 1, processing: 0 } });
  expect(await claudeResults(known.id)).toEqual(['e succeeded']);
  expect(await claude.messages.batches.delete(known.id)).toMatchObject({ id: known.id });
  await expect(claude.messages.batches.retrieve(known.id)).rejects.toMatchObject({ status: 404 });
  expect([made(), sumOf(await stage.charges())]).toEqual([batches, spent]);
});

test('rows that the cache knows are not sent, and come with the others’ results', async () => {
  const before = stage.provider.answeredRows().length;
  const batch = await batchOf(openai, [chatLine('old', 'one'), chatLine('new', 'three')]);
  const done = await finished(openai, batch.id);
  expect(done).toMatchObject({ input_file_id: batch.input_file_id, request_counts: { total: 2, completed: 2 } });
  const lines = await resultsOf(openai, done);
  expect(lines.map((line) => line.custom_id)).toEqual(['new', 'old']);
  expect(lines.every((line) => line.response.body.object === 'chat.completion')).toBe(true);
  const file = await openai.files.retrieve(done.output_file_id ?? '');
  const content = await (await openai.files.content(file.id)).text();
  expect([file.bytes, file.id]).toEqual([Buffer.byteLength(content), done.output_file_id]);
  await expect(other.files.content(file.id)).rejects.toMatchObject({ status: 404 });

  const mixed = await claude.messages.batches.create({ requests: [claudeRow('c', 'one'), claudeRow('d', 'three')] });
  expect((await ended(mixed.id)).request_counts).toMatchObject({ succeeded: 2 });
  expect(await claudeResults(mixed.id)).toEqual(['d succeeded', 'c succeeded']);
  expect(stage.provider.answeredRows().length - before).toBe(2);
});

test('a model that is named with its provider is sent as the provider knows it, and custom ids stay the client’s', async () => {
  const batch = await batchOf(openai, [chatLine('named', 'four', `openai/${MODEL}`)]);
  const lines = await resultsOf(openai, await finished(openai, batch.id));
  expect(lines).toMatchObject([{ custom_id: 'named', response: { status_code: 200 } }]);
});

test('batches of a project are listed for it, and do not exist for others', async () => {
  const listed = (await openai.batches.list()).data;
  expect(listed.map(({ id }) => id)).toContain(first.id);
  expect(listed.length).toBeGreaterThan(2);
  expect((await other.batches.list()).data).toEqual([]);
  await expect(other.batches.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
  await expect(other.batches.cancel(first.id)).rejects.toMatchObject({ status: 404 });
  await expect(otherClaude.messages.batches.retrieve(firstClaude.id)).rejects.toMatchObject({ status: 404 });
  expect((await claude.messages.batches.list()).data.at(-1)?.id).toBe(firstClaude.id);
});

test('a batch outlives the gateway that took it, and one row that the budget has no money for refuses all', async () => {
  const client = openaiOf(poor);
  expect(await resultsOf(client, await finished(client, poorBatch.id))).toHaveLength(2);
  const spent = sumOf(await poor.charges());
  const rows = ['c', 'd', 'e', 'f', 'g'].map((name) => chatLine(name, `long ${name}`));
  await expect(batchOf(client, rows)).rejects.toMatchObject({ status: 402, message: expect.stringContaining('line ') });
  expect(sumOf(await poor.charges())).toBe(spent);
  expect(poor.provider.batches()).toHaveLength(1);
  expect(await batchOf(client, rows.slice(0, 1))).toMatchObject({ object: 'batch' });
});

/** What is asked of the provider while it is listened to: each with its headers. */
function listenToAsked(): { readonly asked: readonly string[]; end(): void } {
  const asked: string[] = [];
  const listen = (message: unknown): void => {
    const { request, headers } = message as {
      readonly request: { readonly origin: unknown };
      readonly headers: string;
    };
    if (String(request.origin) === stage.provider.origin) asked.push(headers.toLowerCase());
  };
  subscribe('undici:client:sendHeaders', listen);
  return { asked, end: () => unsubscribe('undici:client:sendHeaders', listen) };
}

const named = (name: string) => ({ headers: { 'idempotency-key': name, 'x-client-request-id': name } });

test('a request that its client has named makes one batch, however often it comes, and its name stays here', async () => {
  const batches = made();
  const order = { ...ORDER, input_file_id: await uploaded(openai, [chatLine('n', 'six')]) };
  const listening = listenToAsked();
  const both = await Promise.allSettled([1, 2].map(() => openai.batches.create(order, named('mine'))));
  const again = await openai.batches.create(order, named('mine'));
  for (const one of both) {
    if (one.status === 'rejected') expect(one.reason).toMatchObject({ status: 409 });
    else expect(one.value.id).toBe(again.id);
  }
  const requests = [claudeRow('n', 'six')];
  const mixed = await claude.messages.batches.create({ requests }, named('mine'));
  expect((await claude.messages.batches.create({ requests }, named('mine'))).id).toBe(mixed.id);
  expect(made()).toBe(batches + 2);
  listening.end();
  expect(listening.asked.filter((head) => head.startsWith('post ')).length).toBe(2);
  expect(listening.asked.filter((head) => /idempotency-key|x-client-request-id/.test(head))).toEqual([]);

  const elsewhere = { ...ORDER, input_file_id: await uploaded(other, [chatLine('n', 'six')]) };
  expect((await other.batches.create(elsewhere, named('mine'))).id).not.toBe(again.id);
  const changed = openai.batches.create({ ...order, metadata: { other: 'yes' } }, named('mine'));
  await expect(changed).rejects.toMatchObject({ status: 422, param: 'idempotency-key' });
});

test('one that was refused is made when it comes again, and one whose answer is lost is found by the client’s own repeat', async () => {
  const order = { ...ORDER, input_file_id: await uploaded(openai, [chatLine('r', 'seven')]) };
  stage.provider.failNextBatchRequest({ kind: 'status', status: 429, on: 'submit' });
  await expect(openai.batches.create(order, named('again'))).rejects.toMatchObject({ status: 429 });
  const batches = made();
  stage.provider.failNextBatchRequest({ kind: 'lost-reply', on: 'submit' });
  const patient = new OpenAI({ apiKey: OWN_KEY, baseURL: `${stage.gateway.url}/v1`, maxRetries: 2 });
  const batch = await patient.batches.create(order, named('again'));
  const done = await finished(openai, batch.id);
  expect(await resultsOf(openai, done)).toMatchObject([{ custom_id: 'r' }]);
  expect(made()).toBe(batches + 1);
});

test('a submission whose answer is lost is found, followed and charged, and is its client’s', async () => {
  stage.provider.failNextBatchRequest({ kind: 'lost-reply', on: 'submit' });
  const batches = made();
  await expect(batchOf(openai, [chatLine('lost', 'five')])).rejects.toMatchObject({ status: 502 });
  stage.provider.failNextBatchRequest({ kind: 'lost-reply', on: 'submit' });
  const order = claude.messages.batches.create({ requests: [claudeRow('lost', 'five')] });
  // A client that asked again would have it made, and paid for, twice.
  const isLast = (error: unknown): boolean =>
    error instanceof Anthropic.APIError && new Headers(error.headers).get('x-should-retry') === 'false';
  await expect(order).rejects.toSatisfy(isLast);
  await expect.poll(made, PATIENCE).toBe(batches + 2);
  await expectSettled(stage);
  const [newest] = (await openai.batches.list()).data;
  expect(await resultsOf(openai, await finished(openai, newest?.id ?? ''))).toMatchObject([{ custom_id: 'lost' }]);
  expect(made()).toBe(batches + 2);
});
