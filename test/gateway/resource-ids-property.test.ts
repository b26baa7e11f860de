import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT_KEYS, startTwoProjects, type TwoProjects } from '../support/two-projects.ts';

type Project = keyof typeof PROJECT_KEYS;

/** What a step may do with an id; it may not fit the id's kind. */
const USES = [
  'upload',
  'list',
  'list-after',
  'retrieve',
  'content',
  'delete',
  'batch',
  'vector-store',
  'respond',
  'respond-streamed',
  'go-on',
  'refer',
  'file-search',
  'chat-file',
  'message-file',
  'edit-image',
] as const;

interface Step {
  readonly project: Project;
  readonly use: (typeof USES)[number];
  /** Which of all ids the step names. */
  readonly pick: number;
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

const MODEL = 'gpt-5.4-mini';
const COLLECTIONS = [
  ['file', 'files'],
  ['batch_', 'batches'],
  ['vs_', 'vector_stores'],
  ['resp_', 'responses'],
] as const;

let stage: TwoProjects;
/** Whose each id is, in the order in which they were made. */
const owners = new Map<string, Project>();

beforeAll(async () => {
  stage = await startTwoProjects('openai');
});
afterAll(() => stage.close());

function pathOf(id: string): string {
  const collection = COLLECTIONS.find(([prefix]) => id.startsWith(prefix))?.[1] ?? 'conversations';
  return `/v1/${collection}/${id}`;
}

function requestOf({ project, use }: Step, id: string): Sent {
  const secret = `secret-of-${project}`;
  const call = (path: string, body: object): Sent => ({ method: 'POST', path, body: { model: MODEL, ...body } });
  const user = (part: object): readonly object[] => [{ role: 'user', content: [part] }];
  switch (use) {
    case 'upload': {
      const form = new FormData();
      form.set('file', new Blob([secret]), `${secret}.txt`);
      return { method: 'POST', path: '/v1/files', body: form };
    }
    case 'list':
      return { method: 'GET', path: '/v1/files?limit=100' };
    case 'list-after':
      return { method: 'GET', path: `/v1/files?limit=100&after=${id}` };
    case 'retrieve':
      return { method: 'GET', path: pathOf(id) };
    case 'content':
      return { method: 'GET', path: `${pathOf(id)}/content` };
    case 'delete':
      return { method: 'DELETE', path: pathOf(id) };
    case 'batch':
      return call('/v1/batches', { input_file_id: id, metadata: { secret } });
    case 'vector-store':
      return call('/v1/vector_stores', { file_ids: [id], name: secret });
    case 'respond':
    case 'respond-streamed':
      return call('/v1/responses', { input: secret, stream: use === 'respond-streamed' });
    case 'go-on':
      return call('/v1/responses', { input: secret, previous_response_id: id });
    case 'refer':
      return call('/v1/responses', { input: [{ type: 'item_reference', id }] });
    case 'file-search':
      return call('/v1/responses', { input: secret, tools: [{ type: 'file_search', vector_store_ids: [id] }] });
    case 'chat-file':
      return call('/v1/chat/completions', { messages: user({ type: 'file', file: { file_id: id } }) });
    case 'message-file':
      return call('/v1/messages', {
        model: 'claude-haiku-4-5',
        max_tokens: 9,
        messages: user({ type: 'document', source: { type: 'file', file_id: id } }),
      });
    case 'edit-image':
      return call('/v1/images/edits', { prompt: secret, images: [{ file_id: id }] });
  }
}

async function send({ project }: Step, { method, path, body }: Sent): Promise<{ status: number; text: string }> {
  const isForm = body instanceof FormData;
  const reply = await fetch(`${stage.gateway.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${PROJECT_KEYS[project]}`,
      ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  return { status: reply.status, text: await reply.text() };
}

/** Does one step and checks its reply. */
async function take(step: Step): Promise<void> {
  const id = [...owners.keys()][step.pick % Math.max(owners.size, 1)] ?? 'file-unknown';
  const isThere = stage.upstream.kept.has(id) && !id.startsWith('msg_');
  const { status, text } = await send(step, requestOf(step, id));
  for (const made of stage.upstream.kept.keys()) if (!owners.has(made)) owners.set(made, step.project);
  const other = step.project === 'a' ? 'b' : 'a';
  const told = JSON.stringify({ step, id, status, text });
  expect(text, told).not.toContain(`secret-of-${other}`);
  for (const [made, owner] of owners) if (owner === other) expect(text, told).not.toContain(made);
  const namesId = !['upload', 'list', 'respond', 'respond-streamed'].includes(step.use);
  if (namesId && owners.get(id) !== step.project) expect(status, told).toBe(404);
  const isOwn = owners.get(id) === step.project && isThere;
  if (!namesId || (isOwn && ['retrieve', 'delete', 'chat-file', 'go-on'].includes(step.use))) {
    expect(status, told).toBe(200);
  }
}

test('whatever two projects do, no reply to one has an id or a content of the other', async () => {
  const step = fc.record({
    project: fc.constantFrom<Project>('a', 'b'),
    use: fc.constantFrom(...USES),
    pick: fc.nat({ max: 10_000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      for (const each of steps) await take(each); // oxlint-disable-line no-await-in-loop -- what is new after a step was made by it
    }),
    { numRuns: 25, endOnFailure: true },
  );
  expect(owners.size).toBeGreaterThan(20);
}, 120_000);
