import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { ClientBatch, ProviderBatch } from '../../core/model/provider-batch.ts';
import { MemoryJobStore } from '../../stores/memory/memory-job-store.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleBatch } from '../../testing/sample-jobs.ts';
import type { ResourceExchange } from '../resources/resource-exchange.ts';
import { ClientBatches } from './client-batches.ts';

const BATCH_ID = 'fb_0123456789abcdef';
const OWN_BATCH = 'batch_farthing_0123456789abcdef';
const OWN_FILE = 'file-farthing_0123456789abcdef';
const CLIENT: ClientBatch = {
  project: 'own',
  protocol: 'openai',
  provider: 'openai',
  endpoint: '/v1/chat/completions',
  inputFileId: 'file-in',
  metadata: undefined,
  cachedRows: 1,
};
const AT_THE_PROVIDER: Readonly<Record<string, unknown>> = {
  '/v1/files/file-out': { id: 'file-out', purpose: 'batch_output' },
  '/v1/files/file-faults': { id: 'file-faults', purpose: 'batch_output' },
  '/v1/files/file-in': { id: 'file-in', purpose: 'batch' },
  '/v1/batches/batch_1': {
    id: 'batch_1',
    status: 'completed',
    output_file_id: 'file-out',
    error_file_id: 'file-faults',
  },
};

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

async function staged(stage: ProviderBatch['stage']): Promise<{
  readonly batches: ClientBatches;
  readonly sent: Sent[];
  /** The headers of the replies to the client. */
  readonly heads: Readonly<Record<string, unknown>>[];
  readonly asked: (method: string, headers?: Readonly<Record<string, string>>) => ResourceExchange;
}> {
  const clock = new FakeClock();
  const jobs = new MemoryJobStore();
  await jobs.adopt(sampleBatch({ batchId: BATCH_ID, stage, providerId: 'batch_1', client: CLIENT }), []);
  const engine = (): never => {
    throw new Error('nobody is asked');
  };
  const parts = { jobs, engine, providerOf: () => undefined, clock, random: seededRandom(1), wake: () => undefined };
  const sent: Sent[] = [];
  const heads: Readonly<Record<string, unknown>>[] = [];
  const send = (_provider: unknown, asked: Sent): unknown => {
    sent.push(asked);
    const body = JSON.stringify(AT_THE_PROVIDER[asked.url] ?? {});
    return Promise.resolve({
      status: 200,
      headers: { 'content-type': 'application/json', etag: '"of-a-part"', 'content-length': '2' },
      body: Readable.from([Buffer.from(body)]),
    });
  };
  const asked = (method: string, headers: Readonly<Record<string, string>> = {}): ResourceExchange =>
    ({
      project: 'own',
      provider: { name: 'openai' },
      passThrough: { send },
      owners: { claim: () => Promise.resolve(), forget: () => Promise.resolve() },
      headers,
      request: { method, headers },
      response: Object.assign(new PassThrough(), {
        writeHead: (_status: number, head: Readonly<Record<string, unknown>>) => heads.push(head),
      }).resume(),
      onReply: () => undefined,
      signal: new AbortController().signal,
    }) as unknown as ResourceExchange;
  return { batches: new ClientBatches(parts), sent, heads, asked };
}

const meaningOf = (of: 'files' | 'batches', id: string, ...rest: string[]) =>
  ({ kind: 'resource', of, id, rest }) as const;

test('results are not deleted before they are booked: nobody would know what they cost', async () => {
  const { batches, sent, asked } = await staged('submitted');
  const early = { code: 'invalid-request', status: 409 };
  for (const id of ['file-out', 'file-faults']) {
    // oxlint-disable-next-line no-await-in-loop -- each is looked at for itself
    await expect(batches.mustBeBooked(asked('DELETE'), id)).rejects.toMatchObject(early);
  }
  for (const meaning of [meaningOf('files', OWN_FILE), meaningOf('batches', OWN_BATCH)]) {
    // oxlint-disable-next-line no-await-in-loop
    await expect(batches.answer(asked('DELETE'), meaning)).rejects.toMatchObject(early);
  }
  expect(sent.map(({ method }) => method)).not.toContain('DELETE');
  await expect(batches.mustBeBooked(asked('DELETE'), 'file-in')).resolves.toBeUndefined();
});

test('results that are booked can be deleted', async () => {
  const { batches, sent, asked } = await staged('settled');
  await expect(batches.mustBeBooked(asked('DELETE'), 'file-out')).resolves.toBeUndefined();
  expect(await batches.answer(asked('DELETE'), meaningOf('files', OWN_FILE))).toBe(200);
  expect(sent.at(-1)).toMatchObject({ method: 'DELETE', url: '/v1/files/file-out' });
});

test('a client that wants a part of joined results, or only changed ones, gets all of them: those of the provider are not all', async () => {
  const { batches, sent, heads, asked } = await staged('settled');
  const headers = { range: 'bytes=0-9', 'if-none-match': '*', 'openai-beta': 'kept' };
  expect(await batches.answer(asked('GET', headers), meaningOf('files', OWN_FILE, 'content'))).toBe(200);
  expect(sent.at(-1)).toEqual(
    expect.objectContaining({ url: '/v1/files/file-out/content', headers: { 'openai-beta': 'kept' } }),
  );
  expect(heads).toEqual([{ 'content-type': 'application/json' }]);
});

test('a file of results, which only the gateway has, is not the input of a batch', async () => {
  const { batches, sent, asked } = await staged('settled');
  const body = JSON.stringify({ input_file_id: OWN_FILE, endpoint: '/v1/chat/completions' });
  const made = batches.create(asked('POST'), 'batches', Buffer.from(body));
  await expect(made).rejects.toMatchObject({ code: 'invalid-request', param: 'input_file_id' });
  expect(sent).toEqual([]);
});
