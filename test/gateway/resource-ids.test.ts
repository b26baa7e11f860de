import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PROJECT_KEYS, startTwoProjects, TWO_PROJECTS_ADMIN_KEY, type TwoProjects } from '../support/two-projects.ts';

const MODEL = 'gpt-5.4-mini';
const CLAUDE = 'claude-haiku-4-5';

/** What an official client throws for an id of another project. */
const NO_SUCH_ID = expect.objectContaining({ status: 404 });

let stage: TwoProjects;
let a: OpenAI;
let b: OpenAI;
let claudeA: Anthropic;
let claudeB: Anthropic;

const openai = (key: string): OpenAI => new OpenAI({ apiKey: key, baseURL: `${stage.gateway.url}/v1`, maxRetries: 0 });
const anthropic = (key: string): Anthropic => new Anthropic({ apiKey: key, baseURL: stage.gateway.url, maxRetries: 0 });

async function upload(client: OpenAI, text = 'of a', purpose: 'batch' | 'user_data' = 'user_data'): Promise<string> {
  const file = await client.files.create({ file: await toFile(Buffer.from(text), 'a.txt'), purpose });
  return file.id;
}

async function raw(key: string, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${stage.gateway.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

describe('with OpenAI’s client', () => {
  beforeAll(async () => {
    stage = await startTwoProjects('openai');
    [a, b] = [openai(PROJECT_KEYS.a), openai(PROJECT_KEYS.b)];
  });
  afterAll(() => stage.close());
  beforeEach(() => {
    stage.upstream.asked.length = 0;
  });

  test('a file is its project’s: to others it cannot be seen, read or deleted', async () => {
    const id = await upload(a);
    expect(await a.files.retrieve(id)).toMatchObject({ id, filename: 'a.txt' });
    expect(await (await a.files.content(id)).text()).toBe('of a');
    stage.upstream.asked.length = 0;
    await expect(b.files.retrieve(id)).rejects.toEqual(NO_SUCH_ID);
    await expect(b.files.content(id)).rejects.toEqual(NO_SUCH_ID);
    await expect(b.files.delete(id)).rejects.toEqual(NO_SUCH_ID);
    expect(stage.upstream.asked).toEqual([]);
    expect(await a.files.retrieve(id)).toMatchObject({ id });
  });

  test('another’s id and one that nobody has made get the same answer', async () => {
    const id = await upload(a);
    const [foreign, unknown] = await Promise.all(
      [id, 'file-unknown'].map(async (each) => (await raw(PROJECT_KEYS.b, 'GET', `/v1/files/${each}`)).json()),
    );
    expect(foreign).toEqual(unknown);
    expect(foreign).toMatchObject({ error: { type: 'not_found_error', code: 'not_found', param: 'id' } });
  });

  test.each(['/v1/files/%66ile-1', '/v1/Files/file-1', '/v1/%66iles/file-1', '/v1/files/file-1/', '/v1/other/file-1'])(
    'spelling the address otherwise is no way around: %s',
    async (path) => {
      const id = await upload(a);
      expect((await raw(PROJECT_KEYS.b, 'GET', path.replace('ile-1', id.slice(1)))).status).toBe(404);
      expect(stage.upstream.asked).toEqual(['POST /v1/files']);
    },
  );

  test('a list has the project’s own, page by page, and never asks for the provider’s', async () => {
    const fresh = await startTwoProjects('openai');
    const [one, other] = [PROJECT_KEYS.a, PROJECT_KEYS.b].map(
      (apiKey) => new OpenAI({ apiKey, baseURL: `${fresh.gateway.url}/v1`, maxRetries: 0 }),
    );
    if (one === undefined || other === undefined) throw new Error('no clients');
    const mine: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      mine.unshift(await upload(one, `a ${count}`, count % 2 === 0 ? 'batch' : 'user_data')); // oxlint-disable-line no-await-in-loop -- in their order
      await upload(other, `b ${count}`); // oxlint-disable-line no-await-in-loop
    }
    const idsOf = async (list: AsyncIterable<{ readonly id: string }>): Promise<readonly string[]> => {
      const ids: string[] = [];
      for await (const { id } of list) ids.push(id);
      return ids;
    };
    expect(await idsOf(one.files.list())).toEqual(mine);
    expect(await idsOf(one.files.list({ limit: 2 }))).toEqual(mine);
    expect(await idsOf(one.files.list({ order: 'asc', limit: 3 }))).toEqual(mine.toReversed());
    expect(await idsOf(one.files.list({ purpose: 'batch', limit: 2 }))).toEqual([mine[0], mine[2], mine[4]]);
    const page = await one.files.list({ limit: 2, after: mine[1] ?? '' });
    expect([page.data.map(({ id }) => id), page.has_more]).toEqual([[mine[2], mine[3]], true]);
    await one.files.delete(mine[1] ?? '');
    fresh.upstream.kept.delete(mine[2] ?? '');
    expect(await idsOf(one.files.list({ limit: 2 }))).toEqual([mine[0], mine[3], mine[4]]);
    await expect(other.files.list({ after: mine[3] ?? '' })).rejects.toEqual(NO_SUCH_ID);
    expect(fresh.upstream.asked).not.toContain('GET /v1/files');
    await fresh.close();
  });

  test('a deleted id is nobody’s', async () => {
    const id = await upload(a);
    expect(await a.files.delete(id)).toMatchObject({ deleted: true });
    await expect(a.files.retrieve(id)).rejects.toEqual(NO_SUCH_ID);
    expect((await raw(PROJECT_KEYS.a, 'GET', '/v1/files')).status).toBe(200);
  });

  test('a batch takes its project’s file only, and its output is its project’s', async () => {
    const body = { model: MODEL, input: 'x' };
    const line = JSON.stringify({ custom_id: '1', method: 'POST', url: '/v1/responses', body });
    const file = await upload(a, line, 'batch');
    const order = { input_file_id: file, endpoint: '/v1/responses', completion_window: '24h' } as const;
    await expect(b.batches.create(order)).rejects.toMatchObject({ status: 404, param: 'input_file_id' });
    const { id } = await a.batches.create(order);
    await expect(b.batches.retrieve(id)).rejects.toEqual(NO_SUCH_ID);
    await expect(b.batches.cancel(id)).rejects.toEqual(NO_SUCH_ID);
    const { output_file_id: output = '' } = await a.batches.retrieve(id);
    expect(output).toMatch(/^file-/);
    expect(await (await a.files.content(output)).text()).toContain(file);
    await expect(b.files.content(output)).rejects.toEqual(NO_SUCH_ID);
    expect(await a.batches.cancel(id)).toMatchObject({ id });
    expect((await a.batches.list()).data).toMatchObject([{ id }]);
    expect((await b.batches.list()).data).toEqual([]);
  });

  test('the lines of a batch’s file name the project’s ids only', async () => {
    const secret = await upload(a);
    const content = [{ type: 'input_file', file_id: secret }];
    const lineFor = (name: string, input: unknown = [{ role: 'user', content }]): string =>
      JSON.stringify({
        custom_id: name,
        method: 'POST',
        url: '/v1/responses',
        body: { model: MODEL, input },
      });
    const text = `${lineFor('0', 'plain')}\n${lineFor('1')}\n`;
    const order = { endpoint: '/v1/responses', completion_window: '24h' } as const;
    const [fileOfA, fileOfB] = [await upload(a, text, 'batch'), await upload(b, text, 'batch')];
    await expect(b.batches.create({ ...order, input_file_id: fileOfB })).rejects.toMatchObject({ status: 404 });
    const twice = lineFor('2').replace('"body":', '"body":{},"body":');
    const hidden = await upload(b, twice, 'batch');
    await expect(b.batches.create({ ...order, input_file_id: hidden })).rejects.toMatchObject({ status: 400 });
    expect(stage.upstream.asked).not.toContain('POST /v1/batches');
    expect(await a.batches.create({ ...order, input_file_id: fileOfA })).toMatchObject({ object: 'batch' });
  });

  test('what is kept beside a vector store, a conversation and a container is guarded with them', async () => {
    const [store, conversation, container] = await Promise.all([
      a.vectorStores.create({ name: 'a' }),
      a.conversations.create({}),
      a.containers.create({ name: 'a' }),
    ]);
    const file = await upload(a);
    await a.vectorStores.files.create(store.id, { file_id: file });
    const own = await b.vectorStores.create({ name: 'b' });
    const into = await b.containers.create({ name: 'b' });
    const attempts: readonly PromiseLike<unknown>[] = [
      b.vectorStores.retrieve(store.id),
      b.vectorStores.files.list(store.id),
      b.conversations.items.list(conversation.id),
      b.containers.files.list(container.id),
      b.containers.delete(container.id),
      b.vectorStores.files.create(own.id, { file_id: file }),
      b.vectorStores.create({ file_ids: [file] }),
      b.containers.files.create(into.id, { file_id: file }),
    ];
    for (const attempt of await Promise.allSettled(attempts)) {
      expect(attempt).toMatchObject({ status: 'rejected', reason: { status: 404 } });
    }
    expect((await b.vectorStores.list()).data).toMatchObject([{ id: own.id }]);
  });

  test('a form that names an id is read, wherever forms are not plain uploads', async () => {
    const [file, into] = [await upload(a), await b.containers.create({ name: 'b' })];
    const form = new FormData();
    form.set('file_id', file);
    const path = `${stage.gateway.url}/v1/containers/${into.id}/files`;
    const headers = { authorization: `Bearer ${PROJECT_KEYS.b}` };
    stage.upstream.asked.length = 0;
    expect((await fetch(path, { method: 'POST', headers, body: form })).status).toBe(404);
    expect(stage.upstream.asked).toEqual([]);
    form.set('file_id', await upload(b));
    expect((await fetch(path, { method: 'POST', headers, body: form })).status).toBe(200);
  });

  describe.each([true, false])('a stored response, streamed: %s', (isStreamed) => {
    async function respond(
      client: OpenAI,
      fields: OpenAI.Responses.ResponseCreateParamsNonStreaming,
    ): Promise<OpenAI.Responses.Response> {
      if (!isStreamed) return client.responses.create(fields);
      return client.responses.stream(fields as Parameters<typeof client.responses.stream>[0]).finalResponse();
    }

    test('goes on for its project only, in every way that names it', async () => {
      const first = await respond(a, { model: MODEL, input: 'the secret of a' });
      const itemId = first.output[0]?.id ?? '';
      expect(itemId).toMatch(/^msg_/);
      const next = await respond(a, { model: MODEL, input: 'on', previous_response_id: first.id });
      expect(next.output_text).toContain('the secret of a');
      await respond(a, { model: MODEL, input: [{ type: 'item_reference', id: itemId }] });
      expect(await a.responses.retrieve(first.id)).toMatchObject({ id: first.id });
      stage.upstream.asked.length = 0;
      const input = [{ type: 'item_reference' as const, id: itemId }];
      await expect(respond(b, { model: MODEL, input: 'on', previous_response_id: first.id })).rejects.toMatchObject({
        status: 404,
        param: 'previous_response_id',
      });
      await expect(respond(b, { model: MODEL, input })).rejects.toMatchObject({ status: 404, param: 'input[0].id' });
      await expect(b.responses.retrieve(first.id)).rejects.toEqual(NO_SUCH_ID);
      await expect(b.responses.cancel(first.id)).rejects.toEqual(NO_SUCH_ID);
      await expect(b.responses.delete(first.id)).rejects.toEqual(NO_SUCH_ID);
      await expect(b.responses.inputItems.list(first.id)).rejects.toEqual(NO_SUCH_ID);
      expect(stage.upstream.asked).toEqual([]);
    });

    test('that is the same for both projects is made for each, cache or not', async () => {
      const request = { model: MODEL, input: `the same ${isStreamed}` };
      const [one, two] = [await respond(a, request), await respond(b, request)];
      expect(one.id).not.toBe(two.id);
      expect((await respond(a, request)).id).toBe(one.id);
    });
  });

  test('an answer that a project’s call has put in the cache is not found through another’s id', async () => {
    const file = await upload(a, 'the cached secret');
    const request = {
      model: MODEL,
      messages: [{ role: 'user' as const, content: [{ type: 'file' as const, file: { file_id: file } }] }],
    };
    const [first, hit] = [await a.chat.completions.create(request), await a.chat.completions.create(request)];
    expect(hit.choices[0]?.message.content).toBe('told: the cached secret');
    expect(hit.choices).toEqual(first.choices);
    stage.upstream.asked.length = 0;
    await expect(b.chat.completions.create(request)).rejects.toMatchObject({
      status: 404,
      param: 'messages[0].content[0].file.file_id',
    });
    await a.files.delete(file);
    await expect(a.chat.completions.create(request)).rejects.toEqual(NO_SUCH_ID);
    // Whether it holds results that are not booked yet is asked first.
    expect(stage.upstream.asked.filter((asked) => !asked.startsWith('GET '))).toEqual([`DELETE /v1/files/${file}`]);
  });

  test('nothing is reserved or recorded at the provider for a call that names another’s id', async () => {
    const id = await upload(a);
    stage.upstream.asked.length = 0;
    const tools = [{ type: 'file_search' as const, vector_store_ids: ['vs_foreign'] }];
    await expect(b.responses.create({ model: MODEL, input: 'x', tools })).rejects.toMatchObject({ status: 404 });
    const content = [{ type: 'input_file' as const, file_id: id }];
    await expect(b.responses.create({ model: MODEL, input: [{ role: 'user', content }] })).rejects.toEqual(NO_SUCH_ID);
    expect(stage.upstream.asked).toEqual([]);
  });

  test('a text that speaks of ids is a text', async () => {
    const id = await upload(a);
    const answer = await b.responses.create({
      model: MODEL,
      store: false,
      input: `{"file_id":"${id}"}`,
      metadata: { file_id: id },
    });
    expect(answer.id).toMatch(/^resp_/);
  });

  test('a body that two readers could understand in two ways is refused', async () => {
    const [mine, foreign] = [await upload(b), await upload(a)];
    stage.upstream.asked.length = 0;
    const body = `{"endpoint":"/v1/responses","input_file_id":"${foreign}","input_file_id":"${mine}"}`;
    expect((await raw(PROJECT_KEYS.b, 'POST', '/v1/batches', body)).status).toBe(400);
    const call = `{"model":"${MODEL}","input":"x","previous_response_id":"resp_1","previous_response_id":null}`;
    expect((await raw(PROJECT_KEYS.b, 'POST', '/v1/responses', call)).status).toBe(400);
    expect(stage.upstream.asked).toEqual([]);
  });

  test('a body that is neither JSON nor a form does not reach a collection', async () => {
    const headers = { authorization: `Bearer ${PROJECT_KEYS.b}`, 'content-type': 'text/plain' };
    const reply = await fetch(`${stage.gateway.url}/v1/batches`, {
      method: 'POST',
      headers,
      body: '{"input_file_id":"x"}',
    });
    expect(reply.status).toBe(415);
    const compact = `${stage.gateway.url}/v1/responses/compact`;
    expect((await fetch(compact, { method: 'POST', headers, body: '{}' })).status).toBe(415);
    expect(stage.upstream.asked).toEqual([]);
  });

  test('JSON to addresses that keep nothing is held to the rule too', async () => {
    const file = await upload(a);
    const body = { model: 'gpt-image-1', prompt: 'x', images: [{ file_id: file }] };
    expect((await raw(PROJECT_KEYS.b, 'POST', '/v1/images/edits', body)).status).toBe(404);
    expect((await raw(PROJECT_KEYS.a, 'POST', '/v1/images/edits', body)).status).toBe(200);
  });

  test('an operator gives a project what existed before, and takes from nobody', async () => {
    stage.upstream.kept.set('file-old', { thing: { id: 'file-old', object: 'file' }, content: 'old' });
    await expect(a.files.retrieve('file-old')).rejects.toEqual(NO_SUCH_ID);
    const adopt = (fields: object): Promise<Response> =>
      raw(TWO_PROJECTS_ADMIN_KEY, 'POST', '/admin/v1/ids', {
        ids: ['file-old'],
        kind: 'files',
        provider: 'openai',
        ...fields,
      });
    expect(await (await adopt({ project: 'a' })).json()).toEqual({ adopted: 1 });
    expect(await a.files.retrieve('file-old')).toMatchObject({ id: 'file-old' });
    expect((await adopt({ project: 'a' })).status).toBe(200);
    expect((await adopt({ project: 'b' })).status).toBe(409);
    expect((await adopt({ project: 'b', provider: 'nobody' })).status).toBe(400);
    expect((await adopt({ project: 'b', kind: 'planets' })).status).toBe(400);
    expect((await adopt({ project: 'b', ids: [] })).status).toBe(400);
    expect((await raw(PROJECT_KEYS.a, 'POST', '/admin/v1/ids', {})).status).toBe(401);
  });
});

describe('with Anthropic’s client', () => {
  beforeAll(async () => {
    stage = await startTwoProjects('anthropic');
    [claudeA, claudeB] = [anthropic(PROJECT_KEYS.a), anthropic(PROJECT_KEYS.b)];
  });
  afterAll(() => stage.close());

  const ask = (content: unknown): Anthropic.MessageCreateParamsNonStreaming => ({
    model: CLAUDE,
    max_tokens: 100,
    messages: [{ role: 'user', content: content as string }],
  });

  test('files are their project’s, also inside messages', async () => {
    const file = await claudeA.beta.files.upload({ file: await toFile(Buffer.from('of a'), 'a.txt') });
    expect(await claudeA.beta.files.retrieveMetadata(file.id)).toMatchObject({ id: file.id });
    await expect(claudeB.beta.files.retrieveMetadata(file.id)).rejects.toEqual(NO_SUCH_ID);
    await expect(claudeB.beta.files.download(file.id)).rejects.toEqual(NO_SUCH_ID);
    await expect(claudeB.beta.files.delete(file.id)).rejects.toEqual(NO_SUCH_ID);
    const content = [{ type: 'document', source: { type: 'file', file_id: file.id } }];
    expect(JSON.stringify(await claudeA.messages.create(ask(content)))).toContain('told: of a');
    await expect(claudeB.messages.create(ask(content))).rejects.toMatchObject({
      status: 404,
      error: { error: { type: 'not_found_error' } },
    });
    await expect(claudeB.messages.countTokens(ask(content))).rejects.toEqual(NO_SUCH_ID);
    const listed = [];
    for await (const each of claudeA.beta.files.list({ limit: 1 })) listed.push(each.id);
    expect(listed).toEqual([file.id]);
    expect((await claudeB.beta.files.list()).data).toEqual([]);
  });

  test('batches are their project’s, with the ids inside their requests', async () => {
    const file = await claudeA.beta.files.upload({ file: await toFile(Buffer.from('of a'), 'a.txt') });
    const content = [{ type: 'document', source: { type: 'file', file_id: file.id } }];
    const requests = [{ custom_id: '1', params: ask(content) }];
    await expect(claudeB.messages.batches.create({ requests })).rejects.toEqual(NO_SUCH_ID);
    const batches = [
      await claudeA.messages.batches.create({ requests }),
      await claudeA.messages.batches.create({ requests }),
    ];
    const [first, second] = batches.map(({ id }) => id);
    await expect(claudeB.messages.batches.retrieve(first ?? '')).rejects.toEqual(NO_SUCH_ID);
    const listed = [];
    for await (const { id } of claudeA.messages.batches.list({ limit: 1 })) listed.push(id);
    expect(listed).toEqual([second, first]);
    expect((await claudeA.messages.batches.list({ before_id: first ?? '' })).data).toMatchObject([{ id: second }]);
    expect((await claudeB.messages.batches.list()).data).toEqual([]);
  });

  test('a container and the files of its code are the project’s whose call made them', async () => {
    const tools = [{ type: 'code_execution_20250825' as const, name: 'code_execution' as const }];
    const message = await claudeA.beta.messages.create({
      ...ask('run'),
      tools,
    } as Anthropic.Beta.MessageCreateParamsNonStreaming);
    const container = message.container?.id ?? '';
    const fileId = /file_\d+/.exec(JSON.stringify(message))?.[0] ?? '';
    const again = { ...ask('again'), tools, container } as Anthropic.Beta.MessageCreateParamsNonStreaming;
    expect(await claudeA.beta.messages.create(again)).toMatchObject({ type: 'message' });
    await expect(claudeB.beta.messages.create(again)).rejects.toEqual(NO_SUCH_ID);
    expect(await (await claudeA.beta.files.download(fileId)).text()).toBe('made by code');
    await expect(claudeB.beta.files.download(fileId)).rejects.toEqual(NO_SUCH_ID);
  });
});

test('without authentication everything is of one project, and works', async () => {
  const open = await startTwoProjects('openai', { auth: 'none', keys: [] });
  const client = new OpenAI({ apiKey: 'none', baseURL: `${open.gateway.url}/v1`, maxRetries: 0 });
  const id = await upload(client);
  expect((await client.files.list()).data).toMatchObject([{ id }]);
  open.upstream.kept.set('file-old', { thing: { id: 'file-old' }, content: '' });
  await expect(client.files.retrieve('file-old')).rejects.toEqual(NO_SUCH_ID);
  await open.close();
});
