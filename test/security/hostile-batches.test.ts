import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatLine, expectSettled, finished, MODEL, ORDER } from '../support/client-batches.ts';
import { type DeadlineStage, OTHER_KEY, OWN_KEY, startDeadlineStage, sumOf } from '../support/deadline-stage.ts';

let stage: DeadlineStage;
let openai: OpenAI;

beforeAll(async () => {
  stage = await startDeadlineStage({ limits: { maxBody: '1MB' } });
  openai = new OpenAI({ apiKey: OWN_KEY, baseURL: `${stage.gateway.url}/v1`, maxRetries: 0 });
});
afterAll(() => stage.close());

const GOOD = chatLine('good', 'well');
const ASKED = '{"role":"user","content":"x"}';

/** A line whose members are written as they stand. */
const line = (members: string): string => `{"method":"POST","url":"${ORDER.endpoint}",${members}}`;
const rowOf = (body: string): string => line(`"custom_id":"bad","body":{"model":"${MODEL}",${body}}`);

/** Lines that two readers could take for different requests, or that nobody should have to read. */
const HOSTILE: readonly (readonly [name: string, line: string | Uint8Array])[] = [
  ['two custom ids', line('"custom_id":"a","custom_id":"b","body":{}')],
  ['two bodies', `${GOOD.slice(0, -1)},"body":{"model":"gpt-5.5","messages":[${ASKED}]}}`],
  ['two models', rowOf(`"model":"gpt-5.5","messages":[${ASKED}]`)],
  ['two rows in a line', `${GOOD}${chatLine('more', 'more')}`],
  ['two rows with a carriage return between them', `${GOOD}\r${chatLine('more', 'more')}`],
  ['a prototype', rowOf(`"__proto__":{"stream":true},"messages":[${ASKED}]`)],
  ['half a character', rowOf(String.raw`"messages":[{"role":"user","content":"\ud800"}]`)],
  ['bytes that are no text', Buffer.from(rowOf(`"messages":[${ASKED}]`).replace('"x"', '"\u00FF"'), 'latin1')],
  ['a byte of zero', rowOf(`"messages":[${ASKED}]`).replace('"x"', '"\0"')],
  ['a byte order mark', `\uFEFF${chatLine('mark', 'mark')}`],
  ['depth', rowOf(`"messages":${'['.repeat(10_000)}${']'.repeat(10_000)}`)],
  ['a list of nothing', '[]'],
  ['a custom id that is none', line('"custom_id":{"toString":"x"},"body":{}')],
  ['another server', GOOD.replace(ORDER.endpoint, `https://evil.example${ORDER.endpoint}`)],
  ['another spelling of the endpoint', GOOD.replace(ORDER.endpoint, '/v1/chat/%63ompletions')],
  ['an endpoint that is not metered', GOOD.replace(ORDER.endpoint, '/v1/images/generations')],
  ['another method', GOOD.replace('"POST"', '"DELETE"')],
  ['a stream', rowOf(`"stream":true,"messages":[${ASKED}]`)],
  ['a stream in other words', rowOf(`"stream":"true","messages":[${ASKED}]`)],
  [
    'another project’s file',
    rowOf('"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-x"}}]}]'),
  ],
  ['a model of another provider', rowOf('"messages":[]').replace(MODEL, 'anthropic/claude-haiku-4-5')],
  ['as many answers as there are numbers', rowOf(`"n":1e308,"messages":[${ASKED}]`)],
];

async function ordered(content: Uint8Array): Promise<unknown> {
  const { id } = await openai.files.create({ file: await toFile(content, 'in.jsonl'), purpose: 'batch' });
  return openai.batches.create({ ...ORDER, input_file_id: id }).catch((error: unknown) => error);
}

const fileOf = (...lines: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(lines.flatMap((one) => [Buffer.from(one), Buffer.from('\n')]));

test('lines made to be misread are refused with their number, nothing of the batch is sent and nothing held', async () => {
  const faults: string[] = [];
  for (const [name, hostile] of HOSTILE) {
    const error = await ordered(fileOf(GOOD, hostile)); // oxlint-disable-line no-await-in-loop -- one after the other
    const isNamed = error instanceof OpenAI.APIError && [400, 404].includes(error.status ?? 0);
    const isTold = isNamed && (error.status === 404 || error.message.includes('line 2'));
    if (!isTold || error.message.length > 1000) faults.push(`${name}: ${String(error).slice(0, 300)}`);
  }
  expect(faults).toEqual([]);
  expect(stage.provider.batches()).toEqual([]);
  expect(sumOf(await stage.charges())).toBe(0n);
});

test('a file of faults alone is told in few words, and a line without an end is not waited for', async () => {
  const many = await ordered(Buffer.from('{"custom_id":\n'.repeat(20_000)));
  expect(many).toMatchObject({ status: 400 });
  expect(String(many).length).toBeLessThan(1000);
  expect(await ordered(Buffer.from('{"custom_id":"'.padEnd(1_100_000, 'x')))).toMatchObject({ status: 400 });
  expect(await ordered(Buffer.from('\n'.repeat(20_000)))).toMatchObject({ status: 400 });
  expect((await stage.ask('/healthz')).status).toBe(200);
});

test('nobody takes results away before they are booked, neither by their ids here nor by the provider’s', async () => {
  const other = new OpenAI({ apiKey: OTHER_KEY, baseURL: `${stage.gateway.url}/v1`, maxRetries: 0 });
  const batch = (await ordered(fileOf(GOOD, chatLine('more', 'more')))) as OpenAI.Batch;
  const [atProvider] = stage.provider.batches();
  const providerId = atProvider?.id ?? '';
  const done = await finished(openai, batch.id);
  const file = done.output_file_id ?? '';
  await expect(openai.files.delete(file)).rejects.toMatchObject({ status: 409 });
  expect((await stage.ask(`/v1/batches/${batch.id}`, { method: 'DELETE' })).status).toBe(409);
  await expect(openai.batches.cancel(providerId)).rejects.toMatchObject({ status: 404 });
  await expect(openai.batches.retrieve(providerId)).rejects.toMatchObject({ status: 404 });
  for (const id of [batch.id, providerId]) {
    // oxlint-disable-next-line no-await-in-loop -- each is looked at for itself
    await expect(other.batches.cancel(id)).rejects.toMatchObject({ status: 404 });
  }
  await expect(other.files.content(file)).rejects.toMatchObject({ status: 404 });
  await expect(other.files.delete(file)).rejects.toMatchObject({ status: 404 });
  const order = { ...ORDER, input_file_id: batch.input_file_id };
  await expect(other.batches.create(order)).rejects.toMatchObject({ status: 404 });
  await expectSettled(stage);
  expect(stage.provider.invoice().requests).toBe(2);
  expect(await openai.files.delete(file)).toMatchObject({ deleted: true });
});
